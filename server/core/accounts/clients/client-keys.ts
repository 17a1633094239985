/** Public keys of systems (RFC 7517), as SMART 2.2 "Asymmetric (public key) Client Authentication" asks for them. */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { Problem } from '../../problem.ts';
import type { Payload } from '../authorizations.ts';

export interface KeySet {
  keys: Payload[];
}

/** One key of a set, and whether it can check signatures here. */
export interface JudgedKey {
  kid: string | undefined;
  kty: string | undefined;
  alg: string | undefined;
  /** `RSA 3072`, `EC P-384`. */
  kind: string;
  /** Why it is of no use here; undefined if it is. */
  fault?: string;
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
const mostKeys = 50;
const leastModulus = 2048;

/**
 * The keys of a set that is registered by value: each of them must be good, because nobody will look again.
 *
 * @throws Problem `value` naming the key and the reason.
 */
export function checkKeySet(set: unknown): KeySet {
  const keys = keysOf(set);
  const refuse = (reason: string): never => {
    throw new Problem('value', `jwks: ${reason}`, { expression: 'jwks' });
  };
  if (keys === undefined) return refuse('must be a JSON Web Key Set: {"keys": [...]}.');
  if (keys.length === 0) refuse('has no key.');
  if (keys.length > mostKeys) refuse(`has more than ${mostKeys} keys.`);
  const seen = new Set<unknown>();
  for (const [index, key] of keys.entries()) {
    const fault = keyFault(key);
    if (fault !== undefined) refuse(`key ${nameOf(key, index)}: ${fault}`);
    if (seen.has(key.kid)) refuse(`two keys have the kid ${String(key.kid)}; each needs its own.`);
    seen.add(key.kid);
  }
  return { keys: keys.map(publicPart) };
}

/**
 * The keys of a set that was fetched: those that are of no use here are left out, because a system may publish others
 * beside them.
 *
 * @throws Problem `value` for what is no key set, and for one that gives private keys away.
 */
export function usableKeys(set: unknown): { usable: KeySet; judged: JudgedKey[] } {
  const keys = keysOf(set);
  if (keys === undefined) throw new Problem('value', 'What is there is no JSON Web Key Set ({"keys": [...]}).');
  if (keys.length > mostKeys) throw new Problem('value', `The set has more than ${mostKeys} keys.`);
  if (keys.some((key) => privateMembers.some((name) => Object.hasOwn(key, name))))
    throw new Problem('value', 'The set publishes a private key. It is no secret any more: make new keys and publish the public parts only.'); // prettier-ignore
  const counts = new Map<unknown, number>();
  for (const { kid } of keys) counts.set(kid, (counts.get(kid) ?? 0) + 1);
  const judged = keys.map((key): JudgedKey => {
    const double = (counts.get(key.kid) ?? 0) > 1 ? 'another key has the same kid.' : undefined;
    const fault = keyFault(key) ?? double;
    return {
      kid: textOf(key.kid),
      kty: textOf(key.kty),
      alg: textOf(key.alg),
      kind: kindOf(key),
      ...(fault !== undefined && { fault }),
    };
  });
  const good = keys.filter((_key, index) => judged[index]!.fault === undefined);
  return { usable: { keys: good.map(publicPart) }, judged };
}

/** Why a key cannot be used here, for people; undefined if it can. */
export function keyFault(key: Payload): string | undefined {
  if (privateMembers.some((name) => Object.hasOwn(key, name)))
    return 'is private. It is no secret any more: make a new one and give the public part only.';
  if (typeof key.kid !== 'string' || key.kid === '' || key.kid.length > 255) return 'needs a kid.';
  if (key.use !== undefined && key.use !== 'sig') return 'is not for signatures (use).';
  if (key.key_ops !== undefined && !(Array.isArray(key.key_ops) && key.key_ops.includes('verify')))
    return 'is not for checking signatures (key_ops).';
  const expected = key.kty === 'RSA' ? 'RS384' : key.kty === 'EC' && key.crv === 'P-384' ? 'ES384' : undefined;
  if (expected === undefined) return 'is of a kind that is not used here; make an RSA key of 2048 bits or more, or one on P-384.'; // prettier-ignore
  if (key.alg !== undefined && key.alg !== expected) return `says alg ${String(key.alg)}; it must be ${expected}.`;
  return materialFault(key);
}

/** Whether the numbers are a key at all: a point on the curve, a modulus that is long enough. */
function materialFault(key: Payload): string | undefined {
  try {
    const { asymmetricKeyDetails: details } = createPublicKey({ key: publicPart(key) as JsonWebKey, format: 'jwk' });
    const bits = details?.modulusLength;
    return bits !== undefined && bits < leastModulus
      ? `has ${bits} bits; RSA keys need ${leastModulus} or more.`
      : undefined;
  } catch {
    return 'is damaged: its numbers are no key.';
  }
}

function kindOf(key: Payload): string {
  if (key.kty === 'EC') return `EC ${textOf(key.crv) ?? '?'}`;
  if (key.kty !== 'RSA' || typeof key.n !== 'string') return textOf(key.kty) ?? '?';
  return `RSA ${Buffer.from(key.n, 'base64url').length * 8}`;
}

/** What others wrote is shown, within bounds. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 255) : undefined;
}

const publicMembers = ['kty', 'kid', 'alg', 'use', 'n', 'e', 'crv', 'x', 'y'];

function publicPart(key: Payload): Payload {
  return Object.fromEntries(Object.entries(key).filter(([name]) => publicMembers.includes(name)));
}

function keysOf(set: unknown): Payload[] | undefined {
  const keys = set !== null && typeof set === 'object' ? (set as { keys?: unknown }).keys : undefined;
  const isObject = (key: unknown): key is Payload => key !== null && typeof key === 'object' && !Array.isArray(key);
  return Array.isArray(keys) && keys.every(isObject) ? keys : undefined;
}

function nameOf(key: Payload, index: number): string {
  return typeof key.kid === 'string' && key.kid !== '' ? key.kid.slice(0, 60) : `number ${index + 1}`;
}
