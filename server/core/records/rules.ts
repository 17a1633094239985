import type { Binary, ImagingStudy, Resource, ResourceType } from '@medplum/fhirtypes';
import { narrow } from '../access/policy.ts';
import { keepModelRecord, mustNotBeOfModel } from '../analysis/model-records.ts';
import { Problem } from '../problem.ts';
import { advance, keepReview } from '../workflow/advance.ts';
import { referenceKey } from './reference-key.ts';
import type { WriteContext } from './write.ts';

/** What a change must satisfy, and what follows from it, for one resource type. Runs inside the transaction. */
export type Rule = (change: {
  context: WriteContext;
  /** Undefined for a creation, and for the update of a deleted record. */
  before: Resource | undefined;
  after: Resource;
}) => Promise<{
  /** What is stored: `after`, perhaps completed. */
  resource: Resource;
  /** Runs when the record is stored, in the same transaction. */
  afterwards?: () => Promise<void>;
}>;

/**
 * Every type with a rule of its own. Rules run for FHIR clients and for the server's own work alike; what they refuse
 * is refused everywhere.
 */
export const rules: Partial<Record<ResourceType, Rule>> = {
  Task: advance,
  ImagingStudy: imagingStudy,
  Binary: binary,
  Device: keepModelRecord,
  DocumentReference: keepModelRecord,
  Provenance: keepModelRecord,
};

/**
 * What a deletion must satisfy.
 *
 * @throws Problem `conflict` for a record that is needed (FHIR http.html#delete: 409), `forbidden` for one that only
 *   the server writes.
 */
export const removalRules: Partial<Record<ResourceType, (context: WriteContext, before: Resource) => Promise<void>>> = {
  Task: keepReview,
  Device: mustNotBeOfModel,
  DocumentReference: mustNotBeOfModel,
  Provenance: mustNotBeOfModel,
};

/** An ImagingStudy is derived from stored images (rule 3 of the architecture): a patient cannot make one by writing it. */
async function imagingStudy({ context, before, after }: Parameters<Rule>[0]): Promise<{ resource: Resource }> {
  if (context.principal.role === 'patient') {
    throw new Problem(
      'forbidden',
      'Images are sent by STOW-RS (/dicomweb/studies); their ImagingStudy follows by itself.',
    );
  }
  if (before) mustKeep(before as ImagingStudy, after as ImagingStudy);
  return { resource: after };
}

function mustKeep(before: ImagingStudy, after: ImagingStudy): void {
  const uid = (study: ImagingStudy) => study.identifier?.find(({ system }) => system === 'urn:dicom:uid')?.value;
  if (uid(before) !== undefined && uid(after) !== uid(before)) {
    throw new Problem('business-rule', 'The Study Instance UID of an ImagingStudy cannot change.', {
      expression: 'ImagingStudy.identifier',
    });
  }
}

/**
 * A Binary is as visible as its security context, so whoever stores one must be allowed to see that context
 * (FHIR binary.html, securityContext); without a context nobody but staff could ever read it.
 */
async function binary({ context, after }: Parameters<Rule>[0]): Promise<{ resource: Resource }> {
  const { principal, stores, world } = context;
  const reference = (after as Binary).securityContext?.reference;
  if (reference === undefined || principal.kind === 'system') return { resource: after };
  const { type, id } = referenceKey(reference, world.settings.fhirBaseUrl);
  const target =
    type === ''
      ? undefined
      : await stores.records.read(type as ResourceType, id, narrow(principal, type as ResourceType, 'read'));
  if (!target?.resource) {
    throw new Problem('forbidden', 'The security context names no record that you may read.', {
      expression: 'Binary.securityContext',
    });
  }
  return { resource: after };
}
