/**
 * The place where a list goes on, as one word in an address. In clear it would carry the search (names, birth dates) and
 * stored values into logs and browser histories, so all of it is one encrypted token, good for the same caller and the
 * same list only. The one sealing of such places: what stores and cores say of a position stays inside of it.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Principal } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';

export interface PageTokens {
  /** @param list what is paged through, such as `search Patient` */
  seal(list: string, page: unknown, principal: Principal): string;
  /** @throws Problem `value` when the token is not ours, or was another caller's or of another list. */
  open(list: string, token: string, principal: Principal): unknown;
}

/** @param key 32 bytes; the same on every process that serves the API, so that any of them can give the next page. */
export function pageTokens(key: Uint8Array): PageTokens {
  return {
    seal(list, page, principal) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundTo(list, principal));
      const sealed = Buffer.concat([cipher.update(deflateRawSync(JSON.stringify(page))), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(list, token, principal) {
      try {
        const bytes = Buffer.from(token, 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
        decipher.setAAD(boundTo(list, principal)).setAuthTag(bytes.subarray(12, 28));
        const opened = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
        return JSON.parse(inflateRawSync(opened, { maxOutputLength: 1_000_000 }).toString('utf8')) as unknown;
      } catch (error) {
        throw new Problem('value', 'The page is not known here; start again at the first one', { cause: error });
      }
    },
  };
}

const boundTo = (list: string, { kind, subject, clientId, patient }: Principal): Buffer =>
  Buffer.from(JSON.stringify([list, kind, subject, clientId, patient ?? '']));
