import { createHmac, randomBytes } from 'node:crypto';
import type { Account } from '../../core/accounts/account-store.ts';
import { isSameText } from '../../core/same-text.ts';
import type { Ctx } from './interaction-step.ts';

/** People who share a computer; whoever signed in last comes first. */
const mostPeople = 8;
/** Seconds; each sign-in starts it anew. */
const lifetime = 180 * 24 * 60 * 60;

/** A browser that signed in before: its random id, and a proof for each person who did. */
export interface KnownDevice {
  id: string;
  knows(account: Account): boolean;
}

interface Parts {
  cookieKey: string;
  publicUrl: string;
}

/**
 * The device of a request, from a cookie that only a finished sign-in sets. The cookie signs nobody in: it only says
 * whose wrong passwords are counted together.
 *
 * @returns undefined without the cookie.
 */
export function knownDevice(parts: Parts, ctx: Ctx): KnownDevice | undefined {
  const device = read(parts, ctx);
  return (
    device && { id: device.id, knows: (account) => device.proofs.some((one) => isProof(parts, device, account, one)) }
  );
}

/** Remembers that this person has signed in with this browser. */
export function rememberDevice(parts: Parts, ctx: Ctx, account: Account): void {
  const device = read(parts, ctx) ?? { id: randomBytes(16).toString('base64url'), proofs: [] };
  const others = device.proofs.filter((one) => !isProof(parts, device, account, one));
  const value = [device.id, proof(parts, device.id, account), ...others.slice(0, mostPeople - 1)].join('.');
  const secure = parts.publicUrl.startsWith('https:') ? '; Secure' : '';
  ctx.append(
    'Set-Cookie',
    `${cookieName(parts)}=${value}; Path=/; Max-Age=${lifetime}; HttpOnly; SameSite=Lax${secure}`,
  );
}

/** With https bound to this very host by its name (RFC 6265bis 4.1.3.2): nobody can plant a device of their own. */
function cookieName({ publicUrl }: Parts): string {
  return publicUrl.startsWith('https:') ? '__Host-csss_device' : 'csss_device';
}

function read(parts: Parts, ctx: Ctx): { id: string; proofs: string[] } | undefined {
  const value = ctx.cookies.get(cookieName(parts), { signed: false }) ?? '';
  if (!/^[\w-]{22}(?:\.[\w-]{22}){1,8}$/.test(value)) return undefined;
  const [id, ...proofs] = value.split('.') as [string, ...string[]];
  return { id, proofs };
}

/** A new password makes old devices strangers again. */
function proof({ cookieKey }: Parts, device: string, { id, passwordHash }: Account): string {
  return createHmac('sha256', cookieKey)
    .update(`device ${device} ${id} ${passwordHash}`)
    .digest('base64url')
    .slice(0, 22);
}

function isProof(parts: Parts, device: { id: string }, account: Account, given: string): boolean {
  return isSameText(given, proof(parts, device.id, account));
}
