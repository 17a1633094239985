/** Patient/$merge (FHIR R6 patient-operation-merge.html, on R4): POST with source and target, by reference or identifier. */
import type { Identifier, OperationOutcome, Parameters, Patient } from '@medplum/fhirtypes';
import { everything } from '../../core/access/narrowing.ts';
import { Problem } from '../../core/problem.ts';
import { idIn } from '../../core/r4/pointer.ts';
import { searchOwn } from '../../core/records/own-search.ts';
import { escapedValue } from '../../core/search/search-values.ts';
import { canonical } from '../../core/vocabulary/systems.ts';
import { type Merged, mergePatients, previewMerge } from '../../core/workflow/patients/merge-patients.ts';
import { requireMergeRight } from '../../core/workflow/patients/merge-rights.ts';
import type { WriteContext } from '../../core/world.ts';
import type { Answer } from '../exchange.ts';
import { information, outcomeOf } from '../outcome.ts';
import { inOneAct } from './in-one-act.ts';
import type { Asked, Operation } from './operation.ts';

export const mergePatient: Operation = {
  type: 'Patient',
  name: 'merge',
  level: 'type',
  definition: `${canonical}/OperationDefinition/Patient-merge`,
  run: (exchange, asked) =>
    inOneAct(exchange, { event: 'fhir:merge', entities: namedIn(asked) }, async (context) => {
      requireMergeRight(context.principal);
      const source = await patientOf(context, asked, 'source-patient');
      const target = await patientOf(context, asked, 'target-patient');
      const wanted = resultOf(asked, source, target);
      const ids = { source, target };
      const isPreview = asked.one('preview')?.valueBoolean === true;
      const merged = isPreview
        ? await previewMerge(context, ids, { ...(wanted && { target: wanted }) })
        : await mergePatients(context, ids, { ...(wanted && { target: wanted }) });
      return answer(asked, merged, isPreview);
    }),
};

function answer(asked: Asked, { source, target, records, studies }: Merged, isPreview: boolean): Answer {
  const counted = `${records} ${records === 1 ? 'record' : 'records'} and ${studies} ${studies === 1 ? 'study' : 'studies'}`;
  const said = isPreview
    ? `Nothing was changed. A merge would give ${counted} of Patient/${source.id} to Patient/${target.id}.`
    : `Patient/${source.id} was merged into Patient/${target.id}, with ${counted}.`;
  const outcome: OperationOutcome = outcomeOf([information(said)]);
  const input: Parameters = { resourceType: 'Parameters', parameter: [...asked.every] };
  return {
    status: 200,
    resource: {
      resourceType: 'Parameters',
      parameter: [
        { name: 'input', resource: input },
        { name: 'outcome', resource: outcome },
        { name: 'result', resource: target },
      ],
    },
  };
}

type Role = 'source-patient' | 'target-patient';

/**
 * FHIR id of the record that is meant.
 * @throws Problem `required` if nothing names it; `business-rule` if several or none have the identifiers, or not the one
 * that the reference names.
 */
async function patientOf({ stores }: WriteContext, asked: Asked, role: Role): Promise<string> {
  const reference = asked.one(role)?.valueReference;
  const identifiers = asked.all(`${role}-identifier`).flatMap(({ valueIdentifier }) => valueIdentifier ?? []);
  const id = reference && idIn(reference, 'Patient');
  if (reference && id === undefined) throw new Problem('value', `${role} must be a Reference to Patient/[id]`);
  if (id === undefined && identifiers.length === 0)
    throw new Problem('required', `${role} or ${role}-identifier must say which Patient is meant`);
  if (id !== undefined) {
    const patient = (await stores.records.read('Patient', id, everything))?.resource as Patient | undefined;
    if (patient && identifiers.every((one) => patient.identifier?.some((its) => isSame(its, one)))) return id;
    throw new Problem('business-rule', patient ? `Patient/${id} does not have the identifiers of ${role}-identifier.` : `Patient/${id} does not exist.`); // prettier-ignore
  }
  const conditions = identifiers.map(({ system, value }) => ({
    parameter: 'identifier',
    values: [`${system === undefined ? '' : `${escapedValue(system)}|`}${escapedValue(value ?? '')}`],
  }));
  const { found } = await searchOwn(stores, 'Patient', conditions, { count: 50 });
  const meant = found.filter((patient) => patient.identifier?.some((its) => its.use !== 'old' && identifiers.some((one) => isSame(its, one)))); // prettier-ignore
  if (meant.length === 1) return meant[0]!.id;
  throw new Problem('business-rule', `${meant.length === 0 ? 'No Patient has' : 'Several Patients have'} the identifiers of ${role}-identifier.`); // prettier-ignore
}

function isSame(its: Identifier, asked: Identifier): boolean {
  return its.value === asked.value && (asked.system === undefined || its.system === asked.system);
}

/** What the survivor shall be. @throws Problem `business-rule` for one that is not the target, or says nothing of the source. */
function resultOf(asked: Asked, source: string, target: string): Patient | undefined {
  const result = asked.one('result-patient')?.resource;
  if (!result) return undefined;
  if (result.resourceType !== 'Patient' || result.id !== target)
    throw new Problem('business-rule', `result-patient must be Patient/${target}, the target.`);
  const replaces = result.link?.some(
    ({ type, other }) => type === 'replaces' && other.reference === `Patient/${source}`,
  );
  if (!replaces)
    throw new Problem('business-rule', `result-patient must have a link of type replaces to Patient/${source}.`);
  return result;
}

/** For the audit trail of a refusal. */
function namedIn(asked: Asked): string[] {
  return (['source-patient', 'target-patient'] as const).flatMap(
    (role) => asked.one(role)?.valueReference?.reference ?? [],
  );
}
