/** How somebody outside opens what a patient shared: first the code, then the records, read as nobody but this link reads. */
import type {
  Binary,
  DiagnosticReport,
  DocumentReference,
  ImagingStudy,
  Patient,
  Resource,
  Task,
} from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { narrow } from '../access/policy.ts';
import { isRestricted } from '../access/restricted.ts';
import { patientOf } from '../accounts/account.ts';
import { isDerivedId } from '../derived-id.ts';
import type { Principal, Scope } from '../principal.ts';
import { Problem } from '../problem.ts';
import { idIn } from '../r4/pointer.ts';
import { read, type ReadWorld } from '../records/read.ts';
import type { Trace } from '../trace.ts';
import { statusOf } from '../vocabulary/review-codes.ts';
import { inputOf, outputOf } from '../workflow/review-tasks.ts';
import type { Reading, World } from '../world.ts';
import { isWrittenCode, typedCode } from '../written-code.ts';
import { digestOfWord, groupsOfCode, noteShare, purposeOf } from './share.ts';
import type { KeyedShare, Share } from './share-store.ts';

const mostWrongCodes = 5;

/** A link that can be used now. */
export interface OpenShare {
  share: Share;
  /** FHIR id of the record that is the account's at this moment. */
  patient: string;
}

/** What of it holds at this moment. */
export interface Shown {
  principal: Principal;
  study?: ImagingStudy;
  report: DiagnosticReport;
  document: DocumentReference;
}

/**
 * The link with this word, if it can be used: it is neither over nor ended, the patient's account is not locked, and the record was not
 * restricted after it was made.
 */
export async function shareWith(world: Pick<World, 'read'>, word: string): Promise<OpenShare | undefined> {
  if (!/^[\w-]{43}$/.test(word)) return undefined;
  return world.read(async (stores) => standing(stores, await stores.shares.byWord(digestOfWord(word))));
}

async function standing(
  { accounts, records }: Pick<Reading, 'accounts' | 'records'>,
  share: Share | undefined,
): Promise<OpenShare | undefined> {
  if (!share?.isOpen) return undefined;
  const account = await accounts.byId(share.accountId);
  const patient = account && !account.disabled ? patientOf(account) : undefined;
  if (patient === undefined) return undefined;
  const record = (await records.read('Patient', patient, everything))?.resource as Patient | undefined;
  // Who restricts a record does not know of links that were given before: they rest as long as it is.
  return record && (share.restricted || !isRestricted(record)) ? { share, patient } : undefined;
}

/** Whether the record is restricted at this moment, so that links of before rest. */
export async function isRestrictedNow(world: Pick<World, 'read'>, patient: string): Promise<boolean> {
  const record = await world.read(({ records }) => records.read('Patient', patient, everything));
  return isRestricted(record?.resource as Patient | undefined);
}

export type CodeOutcome = { kind: 'right'; share: Share } | { kind: 'wrong'; left: number } | { kind: 'over' };

/**
 * Judges a code. The row is locked: of tries at the same moment, from however many addresses, five are judged and no more, and the
 * fifth wrong one ends the link for good. A right code does not take wrong ones back.
 */
export function tryCode(world: World, word: string, typed: string, trace: Trace): Promise<CodeOutcome> {
  if (!/^[\w-]{43}$/.test(word)) return Promise.resolve({ kind: 'over' });
  return world.transaction(async (stores) => {
    const share: KeyedShare | undefined = await stores.shares.lockByWord(digestOfWord(word));
    const open = await standing(stores, share);
    if (!share || !open) return { kind: 'over' };
    const code = typedCode(typed);
    const isRight =
      isWrittenCode(code, groupsOfCode) && world.secrets.isDigest(share.codeDigest, code, purposeOf(share.id));
    const context = { stores, principal: principalOf(share, open.patient, []), ...trace };
    if (isRight) {
      await stores.shares.noteOpening(share.id);
      await noteShare(context, 'share:open', share, open.patient);
      await stores.news.post('shares', { account: share.accountId });
      return { kind: 'right', share };
    }
    const wrong = await stores.shares.noteWrongCode(share.id);
    const isLast = wrong >= mostWrongCodes;
    if (isLast) await stores.shares.end(share.accountId, share.id, 'wrong-codes');
    const reason = isLast ? 'wrong-code-last' : 'wrong-code';
    await noteShare(context, 'share:open', share, open.patient, { outcome: 'failed', reason });
    await stores.news.post('shares', { account: share.accountId });
    return isLast ? { kind: 'over' } : { kind: 'wrong', left: mostWrongCodes - wrong };
  });
}

/**
 * The records that the link shows, as they are now, each read with the link as who asks: a principal whose scopes name these records
 * by id, below the rights that the patient has. Two locks, either of which keeps everything else away.
 *
 * @returns undefined when the report does not hold any more: it was withdrawn, or is another record's by now.
 */
export function shownBy(world: Pick<World, 'read'>, { share, patient }: OpenShare): Promise<Shown | undefined> {
  return world.read(async (stores) => {
    const asked = principalOf(share, patient, [one('Task', share.reviewId)]);
    const task = (await readable(stores, asked, 'Task', share.reviewId)) as Task | undefined;
    if (!task || statusOf(task.businessStatus) !== 'REPORT_READY') return undefined;
    const ids = {
      ImagingStudy: idIn(inputOf(task, 'study'), 'ImagingStudy'),
      DiagnosticReport: idIn(outputOf(task, 'report'), 'DiagnosticReport'),
      DocumentReference: idIn(outputOf(task, 'document'), 'DocumentReference'),
    };
    const scopes = Object.entries(ids).flatMap(([type, id]) => (id === undefined ? [] : [one(type, id)]));
    const principal = principalOf(share, patient, scopes);
    const get = (type: keyof typeof ids) => (ids[type] ? readable(stores, principal, type, ids[type]) : undefined);
    const report = (await get('DiagnosticReport')) as DiagnosticReport | undefined;
    const document = (await get('DocumentReference')) as DocumentReference | undefined;
    if (!report || !document) return undefined;
    const study = (await get('ImagingStudy')) as ImagingStudy | undefined;
    return { principal, report, document, ...(study && { study }) };
  });
}

/** Writes down that the page of a link was looked at, with what it tells. */
export async function noteLook(
  world: Pick<World, 'read'>,
  { share, patient }: OpenShare,
  { principal, report, study }: Shown,
  trace: Trace,
): Promise<void> {
  const entities = [report, ...(study ? [study] : [])].map(({ resourceType, id }) => `${resourceType}/${id}`);
  await world.read(({ audit }) =>
    audit.append({
      action: 'R',
      event: 'share:look',
      outcome: 'success',
      principal,
      patients: [patient],
      entities: [`share/${share.id}`, ...entities],
      ...trace,
    }),
  );
}

/** The PDF of the report as it is now. @throws Problem `not-found` when there is none. */
export async function pdfShownBy(world: ReadWorld, open: OpenShare, shown: Shown, trace: Trace): Promise<Buffer> {
  const id = idIn({ reference: shown.document.content[0]?.attachment.url ?? '' }, 'Binary');
  // A file that the server made: what others wrote is not opened in anybody's browser.
  if (id === undefined || !isDerivedId(id)) throw new Problem('not-found', 'There is no report to be shown.');
  const principal = principalOf(open.share, open.patient, [one('Binary', id)]);
  const { resource } = await read(world, principal, 'Binary', id, trace);
  const { contentType, data } = resource as Binary;
  if (contentType !== 'application/pdf') throw new Problem('not-found', 'There is no report to be shown.');
  return Buffer.from(data ?? '', 'base64');
}

/** By the one predicate; what is given out of it has its own row in the trail. */
async function readable(
  { records }: Pick<Reading, 'records'>,
  principal: Principal,
  type: 'Task' | 'ImagingStudy' | 'DiagnosticReport' | 'DocumentReference',
  id: string | undefined,
): Promise<Resource | undefined> {
  if (id === undefined) return undefined;
  return (await records.read(type, id, narrow(principal, type, 'read')))?.resource;
}

function one(type: string, id: string): Scope {
  return { context: 'patient', type, permissions: 'r', query: `_id=${id}` };
}

/** What the trail calls the app behind a link. */
export const shareClient = 'share-link';

function principalOf({ id }: Share, patient: string, scopes: readonly Scope[]): Principal {
  return { kind: 'client', subject: `share/${id}`, clientId: shareClient, patient, scopes };
}
