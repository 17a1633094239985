/**
 * The address of the next page. It would carry the search (names, birth dates) and a cursor made of stored
 * values into logs and browser histories, so all of it is one encrypted token that only the same caller
 * can use.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Principal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';

export interface PageTokens {
  seal(page: unknown, principal: Principal): string;
  /** @throws Problem `value` when the token is not ours or was another caller's. */
  open(token: string, principal: Principal): unknown;
}

/** @param key 32 bytes; the same on every process that serves the API, so that any of them can give the next page. */
export function pageTokens(key: Uint8Array): PageTokens {
  return {
    seal(page, principal) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(caller(principal));
      const sealed = Buffer.concat([cipher.update(deflateRawSync(JSON.stringify(page))), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(token, principal) {
      try {
        const bytes = Buffer.from(token, 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
        decipher.setAAD(caller(principal)).setAuthTag(bytes.subarray(12, 28));
        const opened = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
        return JSON.parse(inflateRawSync(opened, { maxOutputLength: 1_000_000 }).toString('utf8')) as unknown;
      } catch (error) {
        throw new Problem('value', 'The page is not known; start the search again', { cause: error });
      }
    },
  };
}

const caller = ({ kind, subject, clientId, patient }: Principal): Buffer =>
  Buffer.from(JSON.stringify([kind, subject, clientId, patient ?? '']));
