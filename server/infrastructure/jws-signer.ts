import {
  calculateJwkThumbprint,
  CompactSign,
  compactVerify,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import type { Signer } from '../core/signer.ts';

const algorithm = 'ES256';

/** A private key with its `kid`. */
export type SigningKey = JWK;

/**
 * Signs with a key of the house (RFC 7515, ES256). All processes on one database have the same keys, so each knows what
 * another has signed.
 *
 * @param keys private keys, newest first: the first signs, all verify.
 */
export function jwsSigner(keys: readonly JWK[]): Signer {
  const [newest] = keys;
  if (!newest) throw new Error('There is no key to sign records with.');
  const { kid = '' } = newest;
  const signing = importJWK(newest, algorithm);
  return {
    async sign(statement) {
      const payload = new TextEncoder().encode(statement);
      return new CompactSign(payload).setProtectedHeader({ alg: algorithm, kid, typ: 'JOSE' }).sign(await signing);
    },
    async opened(jws) {
      try {
        const { payload } = await compactVerify(
          jws,
          ({ kid: named }) => importJWK(publicOf(keys.find((key) => key.kid === named) ?? newest), algorithm),
          { algorithms: [algorithm] },
        );
        return new TextDecoder().decode(payload);
      } catch {
        return undefined; // not a signature of this house, whatever else it is
      }
    },
  };
}

/** A key for `jwsSigner`. */
export async function makeSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: algorithm, use: 'sig' };
}

/** What others check signatures with. */
export function publicSigningKeys(keys: readonly SigningKey[]): { keys: JWK[] } {
  return { keys: keys.map(publicOf) };
}

function publicOf({ d: _private, ...key }: JWK): JWK {
  return key;
}
