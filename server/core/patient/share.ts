/**
 * What patients give out of their own record: one released report with its images, to whoever has a link and its code,
 * until a day. The link alone shows nothing, so that a mail that goes astray gives nothing away.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Patient, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { isRestricted } from '../access/restricted.ts';
import type { AuditRow } from '../access/audit-trail.ts';
import { newId } from '../identifier.ts';
import { Problem } from '../problem.ts';
import { hasInk, printable } from '../readable-text.ts';
import { statusOf } from '../vocabulary/review-codes.ts';
import type { World, WriteContext } from '../world.ts';
import { traceOf } from '../trace.ts';
import { narrow } from '../access/policy.ts';
import { drawCode } from '../written-code.ts';
import { decideConsent } from './consent.ts';
import { lockSelf } from './self.ts';
import type { Share } from './share-store.ts';

const codeGroups = 2;
const mostOpen = 20;
/** Days for which links that are over stay in the patient's list. */
const keptDays = 365;

export interface ShareWish {
  /** Id of the coordination Task. */
  review: string;
  /** From 1 to 90. */
  days: number;
  recipient?: string | undefined;
}

export interface MadeShare {
  id: string;
  /** The last part of the address (256 random bits); stored nowhere. */
  word: string;
  /** `ABCD-EFGH`: told once, stored as a keyed digest. */
  code: string;
  endsAt: Date;
}

/**
 * Makes a link to one released report of the patient who asks, and writes down the consent that this is.
 *
 * @throws Problem `not-found` for a review that is not the patient's; `business-rule` before its release; `too-costly`
 *   beyond twenty links at a time.
 */
export async function makeShare(context: WriteContext, wish: ShareWish): Promise<MadeShare> {
  const { stores, world, principal } = context;
  const person = await lockSelf(context);
  const narrowing = narrow(principal, 'Task', 'read');
  const task = (await stores.records.read('Task', wish.review, narrowing))?.resource as Task | undefined;
  const status = task && statusOf(task.businessStatus);
  if (status === undefined) throw new Problem('not-found', 'There is no such scan of yours.');
  if (status !== 'REPORT_READY')
    throw new Problem('business-rule', 'This scan has no released report yet. It can be shown to others when it has.');
  if ((await stores.shares.countOpen(person.id)) >= mostOpen)
    throw new Problem('too-costly', `You have ${mostOpen} links that are open. Take one back that is not needed any more.`); // prettier-ignore
  await stores.shares.forget(person.id, keptDays);
  const id = newId();
  const word = randomBytes(32).toString('base64url');
  const code = drawCode(codeGroups);
  const recipient = hasInk(wish.recipient) ? printable(wish.recipient!).trim() : undefined;
  const patient = (await stores.records.read('Patient', person.patient, everything))?.resource as Patient | undefined;
  const endsAt = await stores.shares.insert({
    id,
    accountId: person.id,
    reviewId: wish.review,
    ...(recipient !== undefined && { recipient }),
    restricted: isRestricted(patient),
    wordDigest: digestOfWord(word),
    codeDigest: world.secrets.digest(code.join(''), purposeOf(id)),
    days: wish.days,
  });
  await decideConsent(context, person, 'share-by-link', true);
  await noteShare(context, 'share:create', { id, reviewId: wish.review }, person.patient);
  await stores.news.post('shares', { account: person.id });
  return { id, word, code: code.join('-'), endsAt };
}

/** The patient's own, whatever became of them. */
export function sharesOf(world: Pick<World, 'read'>, accountId: string): Promise<Share[]> {
  return world.read(({ shares }) => shares.ofAccount(accountId));
}

/** Ends a link at once. @throws Problem `not-found` for one that is not the patient's, or has ended. */
export async function takeShareBack(context: WriteContext, id: string): Promise<void> {
  const person = await lockSelf(context);
  if (!(await context.stores.shares.end(person.id, id, 'taken-back')))
    throw new Problem('not-found', 'This link has ended already.');
  await noteShare(context, 'share:end', { id }, person.patient);
  await context.stores.news.post('shares', { account: person.id });
}

/** SHA-256: the word has 256 random bits, so that nothing but it gives the digest. */
export function digestOfWord(word: string): string {
  return createHash('sha256').update(word).digest('base64url');
}

/** What the code's digest is made for: it fits this link only. */
export function purposeOf(id: string): string {
  return `share ${id}`;
}

export const groupsOfCode = codeGroups;

/** In the transaction of what happened; the link is named by its id, which opens nothing. */
export async function noteShare(
  context: Pick<WriteContext, 'stores' | 'principal' | 'requestId' | 'sourceAddress'>,
  event: `share:${string}`,
  { id, reviewId }: { id: string; reviewId?: string },
  patient: string,
  more: Partial<Pick<AuditRow, 'outcome' | 'reason'>> = {},
): Promise<void> {
  await context.stores.audit.append({
    action: 'E',
    event,
    outcome: 'success',
    principal: context.principal,
    patients: [patient],
    entities: [`share/${id}`, ...(reviewId === undefined ? [] : [`Task/${reviewId}`])],
    ...traceOf(context),
    ...more,
  });
}
