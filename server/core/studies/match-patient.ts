import type { Identifier, Patient } from '@medplum/fhirtypes';
import { systems } from '../vocabulary/systems.ts';
import { items, persons, text } from '../dicom/attribute-values.ts';
import type { DicomJson } from '../dicom/json.ts';
import type { Settings } from '../settings.ts';
import { searchOwn } from '../records/own-search.ts';
import { escapedValue } from '../search/search-values.ts';
import type { Stores } from '../world.ts';
import type { WriteContext } from '../world.ts';
import { fhirDate, humanNames } from './fhir-values.ts';
import { writeDerived } from './left-out.ts';
import { issuerSystem, patientIdSystem } from './patient-id-system.ts';

export { patientIdSystem } from './patient-id-system.ts';

/** Who an image says it is of: Patient ID is only unique together with its issuer (PS3.3 C.2.1). */
export interface PatientIdentity {
  value: string;
  /** Identifier system that the issuer stands for. */
  system: string;
  /** The image names no issuer: the system is this site's own. */
  assumed: boolean;
  issuer: string | undefined;
}

export type PatientMatch = { found: string } | { none: true } | { unclear: true };

/** Undefined when the image has no Patient ID, which the standard allows (type 2). */
export function patientIdentity(
  attributes: DicomJson,
  settings: Pick<Settings, 'fhirBaseUrl' | 'patientIdSystem'>,
): PatientIdentity | undefined {
  const value = text(attributes, '00100020');
  if (value === undefined) return undefined;
  const issuer = text(attributes, '00100021');
  const system = universalSystem(attributes) ?? (issuer && issuerSystem(issuer, settings));
  return { value, system: system ?? patientIdSystem(settings), assumed: system === undefined, issuer };
}

function universalSystem(attributes: DicomJson): string | undefined {
  const [qualifiers] = items(attributes, '00100024');
  const id = text(qualifiers, '00400032');
  const type = text(qualifiers, '00400033');
  if (id === undefined) return undefined;
  if (type === 'ISO' && /^[0-2](\.\d+)+$/.test(id)) return `urn:oid:${id}`;
  if (type === 'UUID') return `urn:uuid:${id.toLowerCase()}`;
  return type === 'URI' && /^[a-z][a-z0-9+.-]*:\S+$/i.test(id) ? id : undefined;
}

/** Locks an identity until the transaction ends, so that two senders cannot both create its Patient. */
export function lockPatient({ records }: Pick<Stores, 'records'>, identity: PatientIdentity): Promise<void> {
  return records.lockKey(`patient-id ${identity.value}`);
}

/**
 * Finds the Patient with this identifier.
 *
 * An identifier of the very system counts. For a Patient ID without issuer, a medical record number (type MR) of
 * another system counts too, for most modalities send the hospital's number bare, but only if it is the only one
 * and its birth date does not differ: an equal number alone must not show one person another's images.
 */
export async function matchPatient(
  stores: Pick<Stores, 'records'>,
  identity: PatientIdentity,
  attributes: DicomJson,
): Promise<PatientMatch> {
  const numbers = [{ parameter: 'identifier', values: [escapedValue(identity.value)] }];
  const { found: patients } = await searchOwn(stores, 'Patient', numbers, { count: 50 });
  const exact = patients.filter((patient) => has(patient, ({ system }) => system === identity.system, identity.value));
  if (exact.length > 0) return single(exact.map(survivor));
  if (!identity.assumed) {
    const assigned = patients.filter((patient) =>
      has(patient, (one) => one.assigner?.display === identity.issuer, identity.value),
    );
    return single(assigned.map(survivor));
  }
  const numbered = patients.filter((patient) => has(patient, isRecordNumber, identity.value));
  if (numbered.length === 0) return { none: true };
  const birthDate = fhirDate(text(attributes, '00100030'));
  const alike = numbered.filter((patient) => !birthDate || !patient.birthDate || patient.birthDate === birthDate);
  return alike.length === 1 ? { found: survivor(alike[0]!) } : { unclear: true };
}

function single(ids: string[]): PatientMatch {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0) return { none: true };
  return distinct.length === 1 ? { found: distinct[0]! } : { unclear: true };
}

function has(patient: Patient, fits: (identifier: Identifier) => boolean, value: string): boolean {
  return (
    patient.identifier?.some(
      (identifier) => identifier.value === value && identifier.use !== 'old' && fits(identifier),
    ) ?? false
  );
}

function isRecordNumber(identifier: Identifier): boolean {
  return identifier.system === undefined || (identifier.type?.coding?.some(({ code }) => code === 'MR') ?? false);
}

/** A record that was merged into another stands for that one (Patient.link, replaced-by). */
function survivor(patient: Patient): string {
  const link = patient.active === false ? patient.link?.find(({ type }) => type === 'replaced-by') : undefined;
  return /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(link?.other.reference ?? '')?.[1] ?? patient.id!;
}

/** A new Patient from what the image says; without a Patient ID it can be matched by nothing, and stays alone. */
export async function createPatient(
  context: WriteContext,
  identity: PatientIdentity | undefined,
  attributes: DicomJson,
): Promise<string> {
  const { record } = await writeDerived(context, { method: 'create', resource: patientOf(identity, attributes) });
  return record.id;
}

const genders = new Map<string, Patient['gender']>([['M', 'male'], ['F', 'female'], ['O', 'other']]); // prettier-ignore

function patientOf(identity: PatientIdentity | undefined, attributes: DicomJson): Patient {
  const name = persons(attributes, '00100010').flatMap(humanNames);
  const birthDate = fhirDate(text(attributes, '00100030'));
  const gender = genders.get(text(attributes, '00100040') ?? '');
  return {
    resourceType: 'Patient',
    active: true,
    ...(identity && { identifier: [identifierOf(identity)] }),
    ...(name.length > 0 && { name }),
    ...(gender && { gender }),
    ...(birthDate && { birthDate }),
  };
}

function identifierOf({ value, system, issuer }: PatientIdentity): Identifier {
  return {
    use: 'usual',
    type: {
      coding: [{ system: systems.identifierType, code: 'MR', display: 'Medical record number' }],
    },
    system,
    value,
    ...(issuer && { assigner: { display: issuer } }),
  };
}
