/** Changes to a file that is not changed: what is put in place of which bytes, and what remains of it between. */
import type { ByteSource } from './byte-source.ts';

/** `length` bytes at `at` give way to these. */
export interface Edit {
  at: number;
  length: number;
  bytes: Uint8Array;
}

/** Bytes, or a range of the source. */
export type Segment = Uint8Array | { offset: number; length: number };

/** Ranges shorter than this are copied: opening the file for each would cost more. */
const shortest = 32 << 10;

/** The bytes `[start, end)` of a source with all edits made, which do not overlap. What is inserted at a place comes before what is replaced there. */
export function edited(source: ByteSource, start: number, end: number, edits: readonly Edit[]): Segment[] {
  const segments: Segment[] = [];
  let pending: Uint8Array[] = [];
  const flush = () => {
    if (pending.length > 0) segments.push(Buffer.concat(pending));
    pending = [];
  };
  const keep = (from: number, to: number) => {
    if (to <= from) return;
    if (to - from < shortest) pending.push(Uint8Array.from(source.bytes(from, to - from)));
    else {
      flush();
      segments.push({ offset: from, length: to - from });
    }
  };
  let at = start;
  for (const edit of inOrder(edits)) {
    keep(at, edit.at);
    if (edit.bytes.length > 0) pending.push(edit.bytes);
    at = edit.at + edit.length;
  }
  keep(at, end);
  flush();
  return segments;
}

/** The same where all of it is wanted in memory. */
export function editedBytes(source: ByteSource, start: number, end: number, edits: readonly Edit[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = start;
  for (const edit of inOrder(edits)) {
    parts.push(Uint8Array.from(source.bytes(at, edit.at - at)), edit.bytes);
    at = edit.at + edit.length;
  }
  parts.push(Uint8Array.from(source.bytes(at, end - at)));
  return Buffer.concat(parts);
}

export const sizeOf = (segments: readonly Segment[]): number =>
  segments.reduce((sum, segment) => sum + segment.length, 0);

function inOrder(edits: readonly Edit[]): Edit[] {
  return [...edits].sort((a, b) => a.at - b.at || Math.min(1, a.length) - Math.min(1, b.length));
}
