/** In whose name a person writes: the elements that say who is answerable, by type, and what a person may put there. */
import type { DiagnosticReport, MedicationRequest, Observation, Provenance, Reference, Resource, ResourceType } from '@medplum/fhirtypes'; // prettier-ignore
import { everything } from '../access/narrowing.ts';
import { isDerivedId } from '../derived-id.ts';
import { Problem } from '../problem.ts';
import type { Principal } from '../principal.ts';
import { sameJson } from '../r4/same-json.ts';
import { referenceKey } from '../r4/reference-key.ts';
import type { WriteContext } from '../world.ts';

type Named = (Reference | undefined)[];
type AuthorsOf = { [Type in ResourceType]?: (resource: Extract<Resource, { resourceType: Type }>) => Named };

/** Who is answerable for a record. Elements that tell who did something (a nurse, a patient) are not here. */
const authors: AuthorsOf = {
  AllergyIntolerance: ({ recorder }) => [recorder],
  CarePlan: ({ author, contributor }) => [author, ...(contributor ?? [])],
  ClinicalImpression: ({ assessor }) => [assessor],
  Communication: ({ sender }) => [sender],
  Composition: ({ author, attester }) => [...author, ...(attester ?? []).map(({ party }) => party)],
  Condition: ({ recorder, asserter }) => [recorder, asserter],
  DiagnosticReport: ({ performer, resultsInterpreter }) => [...(performer ?? []), ...(resultsInterpreter ?? [])],
  DocumentReference: ({ author, authenticator }) => [...(author ?? []), authenticator],
  Flag: ({ author }) => [author],
  List: ({ source }) => [source],
  Media: ({ operator }) => [operator],
  MedicationDispense: ({ performer }) => (performer ?? []).map(({ actor }) => actor),
  MedicationRequest: ({ requester, recorder }) => [requester, recorder],
  Observation: ({ performer }) => performer ?? [],
  Procedure: ({ recorder, asserter }) => [recorder, asserter],
  QuestionnaireResponse: ({ author }) => [author],
  RiskAssessment: ({ performer }) => [performer],
};

export function namesAuthors(type: ResourceType): boolean {
  return authors[type] !== undefined;
}

function authorsOf(resource: Resource | undefined): Reference[] {
  const select = resource && (authors[resource.resourceType] as ((one: Resource) => Named) | undefined);
  return (select?.(resource!) ?? []).filter((one) => one !== undefined);
}

type Signed = Observation | DiagnosticReport | MedicationRequest;
const signed = new Set<ResourceType>(['Observation', 'DiagnosticReport', 'MedicationRequest']);

/** Who makes a record stand: who must be there, and alone may change it afterwards. */
function signersOf(resource: Signed): Reference[] {
  if (resource.resourceType === 'MedicationRequest') return resource.requester ? [resource.requester] : [];
  return resource.performer ?? [];
}

function signedBy(resource: Signed, who: Reference<never>): Signed {
  return resource.resourceType === 'MedicationRequest'
    ? { ...resource, requester: who }
    : { ...resource, performer: [who] };
}

/**
 * A person's write, in that person's name. Observations, reports and prescriptions have the person as their performer
 * or requester, who is filled in where nobody stands; of other types nobody else is newly named as the author.
 *
 * @returns what is stored. @throws Problem `forbidden` for another person's name, or another person's record.
 */
export async function inOwnName(
  context: WriteContext,
  before: Resource | undefined,
  after: Resource,
): Promise<Resource> {
  const { principal } = context;
  if (principal.kind !== 'user') return after;
  if (principal.fhirUser === undefined)
    throw new Problem(
      'forbidden',
      'The account has no FHIR resource of its own, so that nothing can be written in its name.',
    );
  const standing = new Set(authorsOf(before).map((one) => JSON.stringify(one)));
  for (const one of authorsOf(after)) {
    if (standing.has(JSON.stringify(one)) || (await mayName(context, one, signed.has(after.resourceType)))) continue;
    throw new Problem(
      'forbidden',
      `A ${after.resourceType} is written in your own name only: it names another author.`,
    );
  }
  if (!signed.has(after.resourceType)) return after;
  return signedByWriter(context, before as Signed | undefined, after as Signed);
}

async function signedByWriter(context: WriteContext, before: Signed | undefined, after: Signed): Promise<Signed> {
  if (before && signersOf(before).length > 0 && !(await isAmong(context, signersOf(before)))) {
    const takenOver = after.resourceType === 'MedicationRequest' && (await isAmong(context, signersOf(after)));
    if (takenOver || onlyEnds(before, after)) return after;
    throw new Problem(
      'forbidden',
      `This ${after.resourceType} is somebody else's: add one of your own, or let its performer or requester change it.`,
    );
  }
  if (signersOf(after).length === 0) return signedBy(after, { reference: context.principal.fhirUser! });
  if (await isAmong(context, signersOf(after))) return after;
  throw new Problem('forbidden', `A ${after.resourceType} of yours names you as its performer or requester.`);
}

/** A colleague's prescription may be ended by another prescriber, as it stands. */
function onlyEnds(before: Signed, after: Signed): boolean {
  if (after.resourceType !== 'MedicationRequest' || before.resourceType !== 'MedicationRequest') return false;
  if (!['on-hold', 'stopped', 'cancelled', 'completed', 'entered-in-error'].includes(after.status ?? '')) return false;
  return sameJson(wordsOf(before), wordsOf(after));
}

function wordsOf({
  status: _status,
  statusReason: _reason,
  note: _note,
  meta: _meta,
  text: _text,
  ...words
}: MedicationRequest) {
  return words;
}

async function isAmong(context: WriteContext, references: Reference[]): Promise<boolean> {
  for (const one of references) if (await isSelf(context, one)) return true;
  return false;
}

/** The person, or a role that the person has. */
async function isSelf({ principal, world, stores }: WriteContext, one: Reference): Promise<boolean> {
  const { type, id } = referenceKey(one.reference ?? '', world.settings.fhirBaseUrl);
  if (`${type}/${id}` === principal.fhirUser) return true;
  if (type !== 'PractitionerRole') return false;
  const role = (await stores.records.read('PractitionerRole', id, everything))?.resource;
  return role?.resourceType === 'PractitionerRole' && role.practitioner?.reference === principal.fhirUser;
}

/** @param strictly a name without a record behind it does not count as nobody. */
async function mayName(context: WriteContext, one: Reference, strictly: boolean): Promise<boolean> {
  const { type } = referenceKey(one.reference ?? '', context.world.settings.fhirBaseUrl);
  if (type === 'Practitioner' || type === 'PractitionerRole') return isSelf(context, one);
  return !strictly || type !== '';
}

/**
 * A Provenance says who did something, so it is told by who did it: a person names oneself (devices and organisations may
 * stand beside), a service its Device, its organisation or its name, and never a person.
 *
 * @throws Problem `forbidden`.
 */
export async function mustBeOwnProvenance(context: WriteContext, provenance: Provenance): Promise<void> {
  const { principal, world } = context;
  const named = [
    ...provenance.agent.flatMap(({ who, onBehalfOf }) => [who, onBehalfOf]),
    ...(provenance.signature ?? []).flatMap(({ who, onBehalfOf }) => [who, onBehalfOf]),
  ].filter((one) => one !== undefined);
  let self = principal.kind === 'client';
  for (const one of named as Reference[]) {
    const { type, id } = referenceKey(one.reference ?? '', world.settings.fhirBaseUrl);
    if (type === 'Organization' || (type === 'Device' && !isDerivedId(id))) continue;
    if (principal.kind === 'user' && (await isSelf(context, one))) self = true;
    else if (principal.kind === 'user' || isPerson(type, one)) throw new Problem('forbidden', wrongName(principal));
  }
  if (!self) throw new Problem('forbidden', wrongName(principal));
}

function isPerson(type: string, { type: said }: Reference): boolean {
  return [type, said].some((one) =>
    ['Practitioner', 'PractitionerRole', 'Patient', 'RelatedPerson'].includes(one ?? ''),
  );
}

function wrongName({ kind }: Principal): string {
  return kind === 'user'
    ? 'A Provenance is added in your own name: agent.who is yourself, and nobody signs for another.'
    : 'A service adds a Provenance as software: agent.who is its Device, its organisation or its name, and no person.';
}
