import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Account } from '../../core/accounts/account-store.ts';
import type { Ways } from '../../core/accounts/factors/ways.ts';
import type { Ctx } from './interaction-step.ts';

/** People who share a computer; whoever was remembered last comes first. */
const mostPeople = 8;
const day = 24 * 60 * 60;

interface Parts {
  cookieKey: string;
  publicUrl: string;
}

/**
 * Whether this person wished, after a second factor, not to be asked for one on this device. It spares the question when
 * signing in with the password; it is no second factor, and where a fresh one is asked for it does not count.
 */
export function isTrusted(parts: Parts, ctx: Ctx, account: Account, ways: Ways): boolean {
  return read(parts, ctx).some((entry) => isProof(parts, account, ways, entry));
}

/** Remembers the device for so many days, bound to the account, its password and its factors: a change of any ends it. */
export function trustDevice(parts: Parts, ctx: Ctx, account: Account, ways: Ways, days: number): void {
  const until = Math.floor(Date.now() / 1000) + days * day;
  const others = read(parts, ctx).filter((entry) => !isProof(parts, account, ways, entry));
  const value = [`${until}-${proof(parts, account, ways, until)}`, ...others.slice(0, mostPeople - 1)].join('.');
  const secure = parts.publicUrl.startsWith('https:') ? '; Secure' : '';
  ctx.append(
    'Set-Cookie',
    `${cookieName(parts)}=${value}; Path=/; Max-Age=${days * day}; HttpOnly; SameSite=Lax${secure}`,
  );
}

function cookieName({ publicUrl }: Parts): string {
  return publicUrl.startsWith('https:') ? '__Host-csss_trusted' : 'csss_trusted';
}

function read(parts: Parts, ctx: Ctx): string[] {
  const value = ctx.cookies.get(cookieName(parts), { signed: false }) ?? '';
  return /^\d{10}-[\w-]{43}(?:\.\d{10}-[\w-]{43}){0,7}$/.test(value) ? value.split('.') : [];
}

function isProof(parts: Parts, account: Account, ways: Ways, entry: string): boolean {
  const until = Number(entry.slice(0, 10));
  if (until < Date.now() / 1000) return false;
  return timingSafeEqual(Buffer.from(entry.slice(11)), Buffer.from(proof(parts, account, ways, until)));
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
