import { createHash, randomBytes } from 'node:crypto';
import type { Stores } from '../world.ts';
import type { LinkPurpose, LinkStore, OneTimeLink } from './link-store.ts';

const minute = 60;
const hour = 60 * minute;

/** Seconds that a link can be used. */
const lifetimes: Record<LinkPurpose, number> = {
  'first-admin': hour,
  invitation: 7 * 24 * hour,
  'reset-password': 30 * minute,
  'reset-factors': hour,
  'verify-address': 24 * hour,
  register: 24 * hour,
  'confirm-address': 14 * 24 * hour,
};

/**
 * Makes a link that works once, and voids earlier ones of the same purpose and account.
 *
 * @param options.keepEarlier for links that anybody can ask for: else asking again would void the one that the person
 * holds. Who uses one of them up voids the others.
 * @returns the word (256 random bits, base64url) that the link ends with: it is stored nowhere.
 */
export async function makeLink(
  { links }: Pick<Stores, 'links'>,
  link: Omit<OneTimeLink, 'expiresAt'>,
  options: { keepEarlier: boolean } = { keepEarlier: false },
): Promise<{ word: string; seconds: number }> {
  const word = randomBytes(32).toString('base64url');
  const seconds = lifetimes[link.purpose];
  if (link.accountId !== undefined && !options.keepEarlier) await links.revoke(link.accountId, [link.purpose]);
  await links.insert(linkId(word), link, seconds);
  return { word, seconds };
}

/** The link as it stands, without using it: mail scanners open links before people do. */
export function readLink(links: Pick<LinkStore, 'find'>, word: string): Promise<OneTimeLink | undefined> {
  return links.find(linkId(word));
}

/** Uses the link up, in the transaction of what it allows. */
export function takeLink(links: Pick<LinkStore, 'take'>, word: string): Promise<OneTimeLink | undefined> {
  return links.take(linkId(word));
}

/**
 * Somebody who has the link did not know what it asks for. It stands for further answers, but not for ever.
 *
 * @returns whether it still stands.
 */
export async function countWrongAnswer(
  links: Pick<LinkStore, 'take' | 'insert'>,
  word: string,
  now: Date,
): Promise<boolean> {
  const link = await links.take(linkId(word));
  if (!link) return false;
  const wrong = Number(link.data['wrong'] ?? 0) + 1;
  const seconds = (link.expiresAt.getTime() - now.getTime()) / 1000;
  if (wrong >= mostWrongAnswers || seconds <= 0) return false;
  await links.insert(linkId(word), { ...link, data: { ...link.data, wrong: String(wrong) } }, seconds);
  return true;
}

const mostWrongAnswers = 5;

function linkId(word: string): string {
  return createHash('sha256').update(word).digest('base64url');
}
