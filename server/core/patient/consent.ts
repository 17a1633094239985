/**
 * What patients decide about their own record, as FHIR Consent records that staff and other systems read. They are written by
 * what the patient does on the own page, and by nothing else: who could write one could decide for somebody else.
 */
import type { CodeableConcept, Consent } from '@medplum/fhirtypes';
import { auditAccount } from '../accounts/people/account-audit.ts';
import type { Person } from '../accounts/people/people-store.ts';
import { derivedId, isDerivedId } from '../derived-id.ts';
import { searchOwn } from '../records/own-search.ts';
import { create, type Kept, put } from '../records/server-write.ts';
import { displays } from '../vocabulary/displays.ts';
import { hasCode, systems } from '../vocabulary/systems.ts';
import type { Reading, WriteContext } from '../world.ts';
import type { Self } from './self.ts';

export const consentKinds = ['share-by-link', 'report-by-mail', 'improve-model'] as const;
export type ConsentKind = (typeof consentKinds)[number];

export interface Decision {
  kind: ConsentKind;
  permitted: boolean;
  /** When the patient decided; undefined as long as only the usual holds. */
  decidedAt?: string;
}

/**
 * What holds as long as nothing was decided. Nobody's images are used to make the model better by being silent; a link is the
 * patient's own act, which is the consent to it.
 */
const usual: Record<Exclude<ConsentKind, 'report-by-mail'>, boolean> = {
  'share-by-link': true,
  'improve-model': false,
};

/** All decisions of a patient, in the order in which they are shown. */
export async function decisionsOf(
  stores: Pick<Reading, 'records'>,
  person: Pick<Person, 'notifyReport'> & { patient: string },
): Promise<Decision[]> {
  const records = await consentsOf(stores, person.patient);
  return consentKinds.map((kind) => {
    const record = latest(records, kind);
    // The preference is what is acted on; the record follows it.
    const said = kind === 'report-by-mail' ? person.notifyReport : undefined;
    const permitted = said ?? (record ? record.provision?.type === 'permit' : usual[kind as keyof typeof usual]);
    return { kind, permitted, ...(record?.dateTime !== undefined && { decidedAt: record.dateTime }) };
  });
}

/**
 * Writes a decision down, and does what follows from it in the same transaction: without consent to links those that are open
 * end, and the mail with a report is the preference of the account. A decision that stands already changes nothing.
 */
export async function decideConsent(
  context: WriteContext,
  person: Self,
  kind: ConsentKind,
  permitted: boolean,
): Promise<void> {
  const { stores, world } = context;
  await stores.records.lockKey(`consent ${kind} ${person.patient}`);
  const standing = latest(await consentsOf(stores, person.patient), kind);
  const isSaid = standing !== undefined && (standing.provision?.type === 'permit') === permitted;
  if (!isSaid) {
    const record = consentOf(person.patient, kind, permitted, world.now().toISOString());
    if (standing) await put(context, { ...record, id: standing.id });
    else await create(context, { ...record, id: derivedId('consent', kind, person.patient) });
    await auditAccount(context, 'account:consent', person);
  }
  if (kind === 'report-by-mail' && person.notifyReport !== permitted)
    await stores.people.change(person.id, { notifyReport: permitted });
  if (kind === 'share-by-link' && !permitted && (await stores.shares.endAll(person.id, 'consent')) > 0)
    await stores.news.post('shares', { account: person.id });
}

/** After records were merged there may be several of a kind: the last word counts. */
function latest(records: readonly Kept<'Consent'>[], kind: ConsentKind): Kept<'Consent'> | undefined {
  return records
    .filter(({ category }) => category.some((one) => hasCode(one, systems.consentKind, kind)))
    .sort((one, other) => ((one.dateTime ?? '') < (other.dateTime ?? '') ? -1 : 1))
    .at(-1);
}

/** Only those that this server has written: a record of others with our code is no decision of the patient. */
async function consentsOf(stores: Pick<Reading, 'records'>, patient: string): Promise<Kept<'Consent'>[]> {
  const ofPatient = { parameter: 'patient', values: [`Patient/${patient}`] };
  const ours = { parameter: 'category', values: consentKinds.map((kind) => `${systems.consentKind}|${kind}`) };
  const { found } = await searchOwn(stores, 'Consent', [ofPatient, ours], { count: 100 });
  return found.filter(({ id }) => isDerivedId(id));
}

function consentOf(patient: string, kind: ConsentKind, permitted: boolean, at: string): Consent {
  const scope = kind === 'improve-model' ? research : privacy;
  const way = permitted ? { code: 'OPTIN', display: 'opt-in' } : { code: 'OPTOUT', display: 'opt-out' };
  return {
    resourceType: 'Consent',
    status: 'active',
    scope,
    category: [{ coding: [{ system: systems.consentKind, code: kind, display: displays.consent[kind] }] }],
    patient: { reference: `Patient/${patient}` },
    dateTime: at,
    performer: [{ reference: `Patient/${patient}` }],
    policyRule: { coding: [{ system: systems.actCode, ...way }] },
    provision: { type: permitted ? 'permit' : 'deny' },
  };
}

const scopes = 'http://terminology.hl7.org/CodeSystem/consentscope';
const privacy: CodeableConcept = { coding: [{ system: scopes, code: 'patient-privacy', display: 'Privacy Consent' }] };
const research: CodeableConcept = { coding: [{ system: scopes, code: 'research', display: 'Research' }] };
