/** What FHIR records say of a patient's allergies and medication, as far as somebody may read them. */
import type { AllergyIntolerance, CodeableConcept, Medication, MedicationRequest, MedicationStatement, Resource, ResourceType } from '@medplum/fhirtypes'; // prettier-ignore
import { narrow, tryNarrow } from '../access/policy.ts';
import { inCompartment } from '../access/narrowing.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { idIn, referenceTo } from '../r4/pointer.ts';
import { plainQuery } from '../search/search-query.ts';
import type { Reading } from '../world.ts';
import type { Standing } from './check-medication.ts';
import type { MedicationCode } from './entries.ts';
import { allergyOf, medicationOf, type KnownAllergy, type KnownMedication } from './known-records.ts';

export interface KnownOfPatient {
  allergies: (KnownAllergy & Standing)[];
  medications: (KnownMedication & Standing)[];
  /** false: there is more than was read. Nobody must take it for all. */
  complete: boolean;
}

type Records = Pick<Reading, 'records'>;
const atOnce = 200;
const mostPages = 5;

/**
 * @param besides references of medication that is left out: what the review itself proposed or released, which its next
 * prescription takes the place of.
 * @throws Problem `forbidden` when the person may not read such records; `not-found` for a patient that is not to be seen.
 */
export async function knownOfPatient(
  stores: Records,
  principal: Principal,
  patient: string,
  at: Date,
  besides: ReadonlySet<string> = new Set(),
): Promise<KnownOfPatient> {
  if (!(await stores.records.read('Patient', patient, narrow(principal, 'Patient', 'read'))))
    throw new Problem('not-found', 'There is no such patient.');
  const allergies = await all<AllergyIntolerance>(stores, principal, 'AllergyIntolerance', patient);
  const statements = await all<MedicationStatement>(stores, principal, 'MedicationStatement', patient);
  const requests = await all<MedicationRequest>(stores, principal, 'MedicationRequest', patient);
  const known: KnownOfPatient = {
    allergies: [],
    medications: [],
    complete: [allergies, statements, requests].every(({ complete }) => complete),
  };
  for (const one of allergies.found) {
    const said = allergyOf(one);
    if (said) known.allergies.push({ ...said, ...namedBy(one, said.concepts), high: said.criticality === 'high' });
  }
  for (const one of [...statements.found, ...requests.found]) {
    if (besides.has(referenceTo(one).reference)) continue;
    const said = medicationOf(one, at);
    if (!said) continue;
    const concept = one.medicationCodeableConcept ?? (await codeOfMedication(stores, principal, one));
    known.medications.push({ ...said, ...namedBy(one, concept ? [concept] : []) });
  }
  return known;
}

async function all<One extends Resource>(
  { records }: Records,
  principal: Principal,
  type: One['resourceType'],
  patient: string,
): Promise<{ found: One[]; complete: boolean }> {
  const own = inCompartment(narrow(principal, type as ResourceType, 'search'), patient);
  const found: One[] = [];
  let after: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const query = {
      ...plainQuery(type as ResourceType, [{ parameter: 'patient', values: [`Patient/${patient}`] }], atOnce),
      sort: [{ parameter: '_lastUpdated', descending: true }],
      ...(after !== undefined && { after }),
    };
    const { matches, next } = await records.search(query, () => own);
    found.push(...matches.flatMap(({ resource }) => (resource ? [resource as One] : [])));
    if (next === undefined) return { found, complete: true };
    after = next;
  }
  return { found, complete: false };
}

/** A medication that is a record of its own, contained or not. */
async function codeOfMedication(
  { records }: Records,
  principal: Principal,
  { medicationReference, contained = [] }: MedicationStatement | MedicationRequest,
): Promise<CodeableConcept | undefined> {
  const reference = medicationReference?.reference ?? '';
  const within = contained.find(({ id, resourceType }) => resourceType === 'Medication' && `#${id}` === reference);
  if (within) return (within as Medication).code;
  const id = idIn(medicationReference, 'Medication');
  const narrowing = tryNarrow(principal, 'Medication', 'read');
  const record = id !== undefined && narrowing ? await records.read('Medication', id, narrowing) : undefined;
  const code = (record?.resource as Medication | undefined)?.code;
  const display = medicationReference?.display;
  return code ?? (display === undefined ? undefined : { text: display });
}

function namedBy(record: Resource, concepts: readonly CodeableConcept[]) {
  const codings = concepts.flatMap(({ coding = [] }) => coding);
  const texts = [...concepts.map(({ text }) => text), ...codings.map(({ display }) => display)].filter(
    (text): text is string => text !== undefined,
  );
  const codes = codings.flatMap(({ system, code }): MedicationCode[] =>
    system !== undefined && code !== undefined ? [{ system, code }] : [],
  );
  return { reference: referenceTo(record).reference, text: texts[0] ?? codes[0]?.code ?? '', texts, codes };
}
