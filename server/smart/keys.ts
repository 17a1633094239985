import { randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import { freshRing, keysAt, turned, withNext, type KeyRing, type RingTimes } from '../core/accounts/key-ring.ts';

export interface SmartKeys {
  /** Private RS256 keys: the first signs, all verify. */
  signing: JWK[];
  /** Keys of the cookies' HMAC: the first signs, all verify. */
  cookies: string[];
  /** Of the proofs in forms and of known devices. It has no turns: a device is known for half a year. */
  proofs: string;
}

type SecretStore = Pick<AuthorizationStore, 'secret' | 'changeSecret'>;

const day = 24 * 60 * 60 * 1000;

/**
 * Others fetch the public keys once in a while, our own processes every ten seconds. What a signing key signed longest
 * ago and is still shown is the ID token with which somebody signs out of a session of 14 days.
 */
const times: RingTimes = { everyMs: 90 * day, announcedMs: day + day / 24, keptMs: 15 * day };

const rings = {
  'signing-keys': makeSigningKey,
  'cookie-keys': async () => randomBytes(32).toString('base64url'),
} as const;

/** A release before the turns kept bare keys, newest first. */
type Kept<Key> = KeyRing<Key> | readonly Key[];

/**
 * The keys of the database as they are used at a time, made at the first start. All processes on one database get the
 * same ones, and they survive restarts: nobody is signed out by a new release.
 */
export async function smartKeys(store: SecretStore, now: Date = new Date()): Promise<SmartKeys> {
  const cookies = keysAt(await ringOf<string>(store, 'cookie-keys', now), now);
  return {
    signing: keysAt(await ringOf<JWK>(store, 'signing-keys', now), now),
    cookies,
    // The key that proved devices before it had a name of its own.
    proofs: await store.secret('proof-key', async () => cookies.at(-1)!),
  };
}

async function ringOf<Key>(store: SecretStore, name: keyof typeof rings, now: Date): Promise<KeyRing<Key>> {
  const make = rings[name] as unknown as () => Promise<Key>;
  return asRing(await store.secret<Kept<Key>>(name, () => freshRing(now, make)), now);
}

/**
 * House-keeping: gives signing and cookie keys their turns of 90 days each.
 *
 * @returns how many rings changed.
 */
export async function turnSmartKeys(store: SecretStore, now: Date): Promise<number> {
  await smartKeys(store, now);
  let count = 0;
  for (const [name, make] of Object.entries(rings) as [keyof typeof rings, () => Promise<unknown>][]) {
    const changed = await store.changeSecret<Kept<unknown>>(name, async (kept) => {
      const ring = asRing(kept, now);
      return (await turned(ring, now, times, make)) ?? (ring === kept ? undefined : ring);
    });
    if (changed) count++;
  }
  return count;
}

/**
 * Begins the next turn by hand.
 *
 * @param options.atOnce trusts no earlier key any more: everybody is signed out, and devices are known no longer. For
 *   keys that somebody else may have.
 */
export async function rotateSmartKeys(store: SecretStore, now: Date, options: { atOnce: boolean }): Promise<void> {
  await smartKeys(store, now);
  for (const [name, make] of Object.entries(rings) as [keyof typeof rings, () => Promise<unknown>][])
    await store.changeSecret<Kept<unknown>>(name, (kept) =>
      options.atOnce ? freshRing(now, make) : withNext(asRing(kept, now), now, times, make),
    );
  if (options.atOnce) await store.changeSecret<string>('proof-key', rings['cookie-keys']);
}

/**
 * The turn of each ring at a time: since when its key signs, until when, and how many keys verify.
 */
export async function keyTurns(
  store: Pick<SecretStore, 'secret'>,
  now: Date,
): Promise<{ since: Date; until: Date; count: number }[]> {
  const names = Object.keys(rings) as (keyof typeof rings)[];
  return Promise.all(
    names.map(async (name) => {
      const make = rings[name] as () => Promise<unknown>;
      const ring = asRing(await store.secret<Kept<unknown>>(name, () => freshRing(now, make)), now);
      const begun = ring.filter(({ from }) => Date.parse(from) <= now.getTime());
      const since = new Date((begun.at(-1) ?? ring[0]!).from);
      return { since, until: new Date(since.getTime() + times.everyMs), count: ring.length };
    }),
  );
}

function asRing<Key>(kept: Kept<Key>, now: Date): KeyRing<Key> {
  const isRing = kept.every((one) => typeof one === 'object' && one !== null && 'from' in one && 'key' in one);
  if (isRing) return kept as KeyRing<Key>;
  const bare = kept as readonly Key[];
  return bare.map((key, at) => ({ key, from: new Date(now.getTime() - at).toISOString() })).reverse();
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
