import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Problem } from '../../core/problem.ts';
import type { SearchQuery } from '../../core/search/search-query.ts';

/** Where a page ended: the sort values of its last record as text, and the record. */
export interface Position {
  keys: (string | null)[];
  rid: number;
}

/**
 * Seals a position with AES-256-GCM: page links end up in logs and histories, and a sort value may be a name. The type
 * and order of the search are authenticated with it, so a cursor fits no other search; it grants nothing by itself.
 */
export function sealCursor(query: SearchQuery, position: Position, key: Buffer): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(orderOf(query));
  const sealed = Buffer.concat([cipher.update(JSON.stringify([position.rid, ...position.keys])), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
}

/** @throws Problem `value` for anything that `sealCursor` did not make for this search. */
export function openCursor(query: SearchQuery, cursor: string, key: Buffer): Position {
  const bytes = Buffer.from(cursor, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 }).setAAD(
      orderOf(query),
    );
    decipher.setAuthTag(bytes.subarray(-16));
    const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
    const [rid, ...keys] = JSON.parse(text) as [number, ...(string | null)[]];
    return { rid, keys };
  } catch (cause) {
    throw new Problem('value', 'The page link is not valid for this search; start again at its first page.', { cause });
  }
}

function orderOf({ type, sort }: SearchQuery): Buffer {
  return Buffer.from(JSON.stringify([type, ...sort.map(({ parameter, descending }) => [parameter, descending])]));
}
