import { createHmac, hash } from 'node:crypto';
import type { Account } from '../../core/accounts/account-store.ts';
import type { AuthorizationStore } from '../../core/accounts/authorizations.ts';
import type { Ways } from '../../core/accounts/factors/ways.ts';
import { isSameText } from '../../core/same-text.ts';
import type { Ctx } from './interaction-step.ts';

/** People who share a computer; whoever was remembered last comes first. */
const mostPeople = 8;
const day = 24 * 60 * 60;

const model = 'TrustedDevice';

interface Parts {
  cookieKey: string;
  publicUrl: string;
  authorizations: Pick<AuthorizationStore, 'find' | 'put'>;
}

/**
 * Whether this person wished, after a second factor, not to be asked for one on this device. It spares the question when
 * signing in with the password; it is no second factor, and where a fresh one is asked for it does not count.
 *
 * The cookie is not enough: the device stands with the account's rows, so that what signs a person out everywhere, the reset
 * of the second factors among it, ends it for good.
 */
export async function isTrusted(parts: Parts, ctx: Ctx, account: Account, ways: Ways): Promise<boolean> {
  const entry = read(parts, ctx).find((one) => isProof(parts, account, ways, one));
  return entry !== undefined && (await parts.authorizations.find(model, { id: idOf(entry) })) !== undefined;
}

/** Remembers the device for so many days, bound to the account, its password and its factors: a change of any ends it. */
export async function trustDevice(parts: Parts, ctx: Ctx, account: Account, ways: Ways, days: number): Promise<void> {
  const until = Math.floor(Date.now() / 1000) + days * day;
  const others = read(parts, ctx).filter((entry) => !isProof(parts, account, ways, entry));
  const entry = `${until}-${proof(parts, account, ways, until)}`;
  await parts.authorizations.put(model, idOf(entry), { accountId: account.id }, { expiresIn: days * day });
  const value = [entry, ...others.slice(0, mostPeople - 1)].join('.');
  const secure = parts.publicUrl.startsWith('https:') ? '; Secure' : '';
  ctx.append(
    'Set-Cookie',
    `${cookieName(parts)}=${value}; Path=/; Max-Age=${days * day}; HttpOnly; SameSite=Lax${secure}`,
  );
}

function idOf(entry: string): string {
  return hash('sha256', entry, 'base64url');
}

function cookieName({ publicUrl }: Pick<Parts, 'publicUrl'>): string {
  return publicUrl.startsWith('https:') ? '__Host-csss_trusted' : 'csss_trusted';
}

function read(parts: Parts, ctx: Ctx): string[] {
  const value = ctx.cookies.get(cookieName(parts), { signed: false }) ?? '';
  return /^\d{10}-[\w-]{43}(?:\.\d{10}-[\w-]{43}){0,7}$/.test(value) ? value.split('.') : [];
}

function isProof(parts: Parts, account: Account, ways: Ways, entry: string): boolean {
  const until = Number(entry.slice(0, 10));
  if (until < Date.now() / 1000) return false;
  return isSameText(entry.slice(11), proof(parts, account, ways, until));
}

function proof(
  { cookieKey }: Parts,
  { id, passwordHash, role }: Account,
  { passkeys, totps }: Ways,
  until: number,
): string {
  const factors = [...passkeys, ...totps].map((factor) => factor.id).sort();
  return createHmac('sha256', cookieKey)
    .update(`trusted ${JSON.stringify([id, passwordHash, role, factors, until])}`)
    .digest('base64url');
}
