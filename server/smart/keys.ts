import { randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';

export interface SmartKeys {
  /** Private RS256 keys, newest first: the first signs, all verify. */
  signing: JWK[];
  /** Keys of the cookies' HMAC, newest first. */
  cookies: string[];
}

/**
 * The keys given by configuration, or those of the database, made at the first start. All processes on one
 * database get the same ones, and they survive restarts: nobody is signed out by a new release.
 */
export async function smartKeys(store: AuthorizationStore, given: Partial<SmartKeys> = {}): Promise<SmartKeys> {
  return {
    signing: given.signing ?? (await store.secret('signing-keys', async () => [await makeSigningKey()])),
    cookies: given.cookies ?? (await store.secret('cookie-keys', async () => [randomBytes(32).toString('base64url')])),
  };
}

async function makeSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 3072, extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'RS256', use: 'sig' };
}

/** What others may see of the keys. */
export function publicKeys(signing: JWK[]): { keys: JWK[] } {
  return {
    keys: signing.map(({ kty, n, e, kid, alg, use }) =>
      Object.fromEntries(Object.entries({ kty, n, e, kid, alg, use }).filter(([, value]) => value !== undefined)),
    ) as unknown as JWK[],
  };
}
