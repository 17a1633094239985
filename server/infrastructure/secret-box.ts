import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { Problem } from '../core/problem.ts';
import type { SecretBox } from '../core/secret-box.ts';

const cipher = 'aes-256-gcm';
const nonceLength = 12;
const tagLength = 16;

interface Key {
  /** The first characters of its hash: tells keys apart, and nothing about them. */
  name: string;
  sealing: Buffer;
  digesting: KeyObject;
}

/**
 * AES-256-GCM under keys that are not in the database.
 *
 * @param keys of 32 bytes, newest first: the first seals, all open.
 */
export function secretBox(keys: readonly Uint8Array[]): SecretBox {
  const known = new Map(keys.map((bytes) => [nameOf(bytes), derived(bytes)]));
  const newest = known.values().next().value;
  if (!newest) throw new Error('There is no key to keep secrets with.');
  return {
    seal(text, about) {
      const nonce = randomBytes(nonceLength);
      const sealing = createCipheriv(cipher, newest.sealing, nonce).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([nonce, sealing.update(text, 'utf8'), sealing.final(), sealing.getAuthTag()]);
      return `${newest.name}.${sealed.toString('base64url')}`;
    },
    open(sealed, about) {
      const [name = '', data = ''] = sealed.split('.');
      const key = known.get(name);
      if (!key)
        throw new Problem('exception', `No key of SECRET_KEYS opens a secret that was sealed with the key ${nameOnly(name)}.`); // prettier-ignore
      try {
        const bytes = Buffer.from(data, 'base64url');
        const opening = createDecipheriv(cipher, key.sealing, bytes.subarray(0, nonceLength)).setAAD(
          Buffer.from(about),
        );
        opening.setAuthTag(bytes.subarray(bytes.length - tagLength));
        const text = opening.update(bytes.subarray(nonceLength, bytes.length - tagLength));
        return Buffer.concat([text, opening.final()]).toString('utf8');
      } catch (cause) {
        throw new Problem('exception', 'A secret in the database is damaged or belongs elsewhere.', { cause });
      }
    },
    knows: (sealed) => known.has(sealed.split('.')[0] ?? ''),
    isOld: (sealed) => !sealed.startsWith(`${newest.name}.`),
    digest: (text, purpose) => `${newest.name}.${digestOf(newest, text, purpose).toString('base64url')}`,
    isDigest(digest, text, purpose) {
      const [name = '', data = ''] = digest.split('.');
      const key = known.get(name);
      const given = Buffer.from(data, 'base64url');
      if (!key) return false;
      const right = digestOf(key, text, purpose);
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

function derived(bytes: Uint8Array): Key {
  const part = (use: string) => Buffer.from(hkdfSync('sha256', bytes, '', `csss ${use}`, 32));
  // As an object of its own: bytes would be made one for each digest, which costs more than the digest.
  return { name: nameOf(bytes), sealing: part('seal'), digesting: createSecretKey(part('digest')) };
}

function digestOf(key: Key, text: string, purpose: string): Buffer {
  return createHmac('sha256', key.digesting).update(`${purpose}\0${text}`).digest();
}

function nameOf(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex').slice(0, 8);
}

/** Of what stands in the database only what can be a name is told. */
function nameOnly(name: string): string {
  return /^[0-9a-f]{8}$/.test(name) ? name : '?';
}
