import type { Identifier, Patient } from '@medplum/fhirtypes';
import { canonical, systems } from '../vocabulary/systems.ts';
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
  /** The site's own system, in which numbers lie that came without an issuer. */
  bareSystem: string;
}

/** `candidates`: FHIR ids of the Patients who may be meant. */
export type PatientMatch =
  | { found: string; /** Made for images of which it is not decided whose they are. */ provisional?: true }
  | { none: true }
  | { unclear: true; candidates: string[] };

/** Undefined when the image has no Patient ID, which the standard allows (type 2). */
export function patientIdentity(
  attributes: DicomJson,
  settings: Pick<Settings, 'fhirBaseUrl' | 'patientIdSystem'>,
): PatientIdentity | undefined {
  const value = text(attributes, '00100020');
  if (value === undefined) return undefined;
  const issuer = text(attributes, '00100021');
  const system = universalSystem(attributes) ?? (issuer && issuerSystem(issuer, settings));
  const bareSystem = patientIdSystem(settings);
  return { value, system: system ?? bareSystem, assumed: system === undefined, issuer, bareSystem };
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
export function lockPatient(stores: Pick<Stores, 'records'>, identity: PatientIdentity): Promise<void> {
  return lockPatientId(stores, identity.value);
}

/** The same for an identifier of a Patient: nobody finds or makes whom it names until the transaction ends. */
export function lockPatientId({ records }: Pick<Stores, 'records'>, value: string): Promise<void> {
  return records.lockKey(`patient-id ${value}`);
}

/** Patients with one number that are looked at; with more it is not clear anyway. */
const mostPatients = 50;

/**
 * Finds the Patient with this identifier.
 *
 * An identifier of the very system counts. For a Patient ID without issuer, a medical record number (type MR) of
 * another system counts too, for most modalities send the hospital's number bare, but only if it is the only one
 * and its birth date does not differ: an equal number alone must not show one person another's images. For one with an
 * issuer, a number that came without one may be the same person's and may not: that is for a human to say.
 */
export async function matchPatient(
  stores: Pick<Stores, 'records'>,
  identity: PatientIdentity,
  attributes: DicomJson,
): Promise<PatientMatch> {
  const { value, system } = identity;
  const [named] = await patientsWith(stores, `${escapedValue(system)}|${escapedValue(value)}`);
  const exact = named.filter((patient) => has(patient, (one) => one.system === system, value));
  const [waiting, standing] = [exact.filter(isProvisional), exact.filter((patient) => !isProvisional(patient))];
  const clear = onlyOne(standing, identity);
  if (clear !== undefined) return { found: clear };
  const others = standing.length > 0 ? single(standing.map(survivor)) : await byNumber(stores, identity, attributes, waiting); // prettier-ignore
  if ('found' in others || waiting.length === 0) return others;
  const [joined, ...more] = waiting.filter((patient) => mayBeBornWith(patient, attributes));
  if (joined && more.length === 0) return { found: joined.id!, provisional: true };
  const candidates = 'candidates' in others ? others.candidates : [];
  return { unclear: true, candidates: distinct([...candidates, ...waiting.map(survivor)]) };
}

/** Nobody has the very identifier, but for those about whom a human is asked. */
async function byNumber(
  stores: Pick<Stores, 'records'>,
  identity: PatientIdentity,
  attributes: DicomJson,
  waiting: Patient[],
): Promise<PatientMatch> {
  const [all, areAll] = await patientsWith(stores, escapedValue(identity.value));
  const patients = all.filter(({ id }) => !waiting.some((one) => one.id === id));
  if (!areAll) return { unclear: true, candidates: distinct(patients.map(survivor)) };
  return identity.assumed ? withoutIssuer(patients, identity, attributes) : withIssuer(patients, identity);
}

async function patientsWith(stores: Pick<Stores, 'records'>, token: string): Promise<[Patient[], areAll: boolean]> {
  const numbers = [{ parameter: 'identifier', values: [token] }];
  const { found, next } = await searchOwn(stores, 'Patient', numbers, { count: mostPatients });
  return [found, next === undefined];
}

function withIssuer(patients: Patient[], { value, issuer, bareSystem }: PatientIdentity): PatientMatch {
  const assigned = patients.filter((patient) =>
    has(patient, ({ assigner }) => issuer !== undefined && assigner?.display === issuer, value),
  );
  if (assigned.length > 0) return single(assigned.map(survivor));
  const bare = distinct(patients.filter((patient) => has(patient, isBare(bareSystem), value)).map(survivor));
  return bare.length === 0 ? { none: true } : { unclear: true, candidates: bare };
}

function withoutIssuer(patients: Patient[], { value }: PatientIdentity, attributes: DicomJson): PatientMatch {
  const numbered = patients.filter((patient) => has(patient, isRecordNumber, value));
  if (numbered.length === 0) return { none: true };
  const alike = distinct(numbered.filter((patient) => mayBeBornWith(patient, attributes)).map(survivor));
  if (alike.length === 1 && !numbered.some(isProvisional)) return { found: alike[0]! };
  return { unclear: true, candidates: distinct(numbered.map(survivor)) };
}

/** Of several with the very identifier the one that somebody said it is, else the only one. */
function onlyOne(patients: Patient[], { value, system }: PatientIdentity): string | undefined {
  const decided = patients.filter((patient) => has(patient, (one) => one.system === system && isDecided(one), value));
  for (const some of [decided, patients]) {
    const [only, ...others] = distinct(some.map(survivor));
    if (only !== undefined && others.length === 0) return only;
  }
  return undefined;
}

/** Whether the image may be of this person although one of both lacks the issuer: the number is the same, and the birth date. */
export function isSameButForIssuer(patient: Patient, identity: PatientIdentity, attributes: DicomJson): boolean {
  const fits = identity.assumed ? isRecordNumber : isBare(identity.bareSystem);
  return has(patient, fits, identity.value) && mayBeBornWith(patient, attributes);
}

export function mayBeBornWith({ birthDate }: Patient, attributes: DicomJson): boolean {
  const said = fhirDate(text(attributes, '00100030'));
  return said === undefined || birthDate === undefined || said === birthDate;
}

/**
 * Whether nothing that an image says of the person contradicts the record: the birth date, and the name, of which one word must be the
 * same in any writing. What one of the two leaves out contradicts nothing.
 */
export function isDescribedBy(patient: Patient, attributes: DicomJson): boolean {
  if (!mayBeBornWith(patient, attributes)) return false;
  const said = wordsOf(persons(attributes, '00100010').flatMap((person) => Object.values(person) as string[]));
  const known = wordsOf(
    (patient.name ?? []).flatMap(({ family, given = [], text: whole }) => [family ?? '', ...given, whole ?? '']),
  );
  return said.size === 0 || known.size === 0 || [...said].some((word) => known.has(word));
}

/** Without accents and capitals; initials say too little. */
function wordsOf(names: readonly string[]): Set<string> {
  const plain = names.join(' ').normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return new Set(plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1));
}

const isBare =
  (bareSystem: string) =>
  ({ system, assigner }: Identifier): boolean =>
    system === bareSystem || (system === undefined && assigner === undefined);

/** Made for images whose Patient ID may be somebody else's too, and no human has decided. */
export function isProvisional(patient: Patient): boolean {
  return survivor(patient) === patient.id && (patient.identifier?.some(isOpen) ?? false);
}

/** On an identifier that was given by images without its being clear whose it is: `open`, and `decided` when a human said so. */
const identityCheck = `${canonical}/StructureDefinition/identity-check`;

const isOpen = (identifier: Identifier): boolean => checkOf(identifier) === 'open';
const isDecided = (identifier: Identifier): boolean => checkOf(identifier) === 'decided';

function checkOf({ extension }: Identifier): string | undefined {
  return extension?.find(({ url }) => url === identityCheck)?.valueCode;
}

/**
 * Identifiers of a provisional Patient when it is decided who it is.
 * @param asked whether images that come with one later are asked about again; else they are this Patient's.
 */
export function decidedIdentifiers({ identifier = [] }: Patient, asked: 'again' | 'never again'): Identifier[] {
  return identifier.map((one) => {
    if (!isOpen(one)) return one;
    const { extension = [], ...rest } = one;
    const others = extension.filter(({ url }) => url !== identityCheck);
    const kept = asked === 'again' ? others : [...others, { url: identityCheck, valueCode: 'decided' }];
    return { ...rest, use: asked === 'again' ? 'old' : 'usual', ...(kept.length > 0 && { extension: kept }) };
  });
}

const distinct = (ids: string[]): string[] => [...new Set(ids)];

function single(ids: string[]): PatientMatch {
  const candidates = distinct(ids);
  if (candidates.length === 0) return { none: true };
  return candidates.length === 1 ? { found: candidates[0]! } : { unclear: true, candidates };
}

function has(patient: Patient, fits: (identifier: Identifier) => boolean, value: string): boolean {
  return (
    patient.identifier?.some(
      (identifier) => identifier.value === value && identifier.use !== 'old' && fits(identifier),
    ) ?? false
  );
}

/** Whether a Patient has the identifier that an image names, as `matchPatient` counts it, and has it still. */
export function isNamed(patient: Patient, identity: PatientIdentity): boolean {
  const { system, issuer, assumed } = identity;
  const fits = (one: Identifier) =>
    one.system === system || (assumed ? isRecordNumber(one) : issuer !== undefined && one.assigner?.display === issuer);
  return has(patient, fits, identity.value);
}

function isRecordNumber(identifier: Identifier): boolean {
  return identifier.system === undefined || (identifier.type?.coding?.some(({ code }) => code === 'MR') ?? false);
}

/** A record that was merged into another stands for that one (Patient.link, replaced-by). */
export function survivor(patient: Patient): string {
  const link = patient.active === false ? patient.link?.find(({ type }) => type === 'replaced-by') : undefined;
  return /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(link?.other.reference ?? '')?.[1] ?? patient.id!;
}

/**
 * A new Patient from what the image says; without a Patient ID it can be matched by nothing, and stays alone.
 * @param options.provisional a human has to say who it is.
 */
export async function createPatient(
  context: WriteContext,
  identity: PatientIdentity | undefined,
  attributes: DicomJson,
  { provisional = false } = {},
): Promise<string> {
  const resource = patientOf(identity, attributes, provisional);
  const { record } = await writeDerived(context, { method: 'create', resource });
  return record.id;
}

const genders = new Map<string, Patient['gender']>([['M', 'male'], ['F', 'female'], ['O', 'other']]); // prettier-ignore

function patientOf(identity: PatientIdentity | undefined, attributes: DicomJson, provisional: boolean): Patient {
  const name = persons(attributes, '00100010').flatMap(humanNames);
  const birthDate = fhirDate(text(attributes, '00100030'));
  const gender = genders.get(text(attributes, '00100040') ?? '');
  return {
    resourceType: 'Patient',
    active: true,
    ...(identity && { identifier: [identifierOf(identity, provisional)] }),
    ...(name.length > 0 && { name }),
    ...(gender && { gender }),
    ...(birthDate && { birthDate }),
  };
}

function identifierOf({ value, system, issuer }: PatientIdentity, provisional: boolean): Identifier {
  return {
    ...(provisional && { extension: [{ url: identityCheck, valueCode: 'open' }] }),
    use: provisional ? 'temp' : 'usual',
    type: {
      coding: [{ system: systems.identifierType, code: 'MR', display: 'Medical record number' }],
    },
    system,
    value,
    ...(issuer && { assigner: { display: issuer } }),
  };
}
