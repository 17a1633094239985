import { Secret, TOTP } from 'otpauth';
import type { SecretBox } from '../../secret-box.ts';
import type { TotpFactor } from './factor-store.ts';

/** Seconds of a step; the codes of the steps beside the present one are good too, for clocks that differ (RFC 6238 5.2). */
const period = 30;
const besides = 1;

/** What an authenticator app is set up with. */
export interface TotpSetUp {
  /** Base32, for those who cannot scan. */
  secret: string;
  /** `otpauth://totp/...`, for the QR code. */
  uri: string;
}

/** A new secret of 160 random bits (RFC 4226 4, R6). */
export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32;
}

/** @param label site and address, as they stand in the app's list. */
export function totpSetUp(secret: string, label: { issuer: string; email: string }): TotpSetUp {
  return { secret, uri: totpOf(secret, label).toString() };
}

/**
 * The time step whose code it is; undefined if it is none of now. Whoever accepts it writes the step down, so that the
 * code, and any before it, works once.
 */
export function stepOfCode(secret: string, code: string, now: Date): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const totp = totpOf(secret, { issuer: '', email: '' });
  const delta = totp.validate({ token: code, timestamp: now.getTime(), window: besides });
  return delta === null ? undefined : totp.counter({ timestamp: now.getTime() }) + delta;
}

export function sealTotp(box: SecretBox, id: string, secret: string): string {
  return box.seal(secret, aboutOf(id));
}

export function openTotp(box: SecretBox, factor: Pick<TotpFactor, 'id' | 'secret'>): string {
  return box.open(factor.secret, aboutOf(factor.id));
}

function aboutOf(id: string): string {
  return `second-factor ${id}`;
}

function totpOf(secret: string, { issuer, email }: { issuer: string; email: string }): TOTP {
  return new TOTP({ issuer, label: email, secret, algorithm: 'SHA1', digits: 6, period });
}
