/** Blocks that seal the audit trail: which rows were there, in what order, each block bound to the one before. */
import { hash } from 'node:crypto';
import type { SecretBox } from '../secret-box.ts';
import { printLength } from './audit-mark.ts';

export interface AuditBlock {
  /** 0, 1, 2 ... */
  number: number;
  /** `start`: where the seals begin; `rows`; `note`: what is known to be gone, and why. */
  kind: 'start' | 'rows' | 'note';
  at: Date;
  /** First and last number of its rows. */
  low: number | null;
  high: number | null;
  /** Rows sealed so far. */
  total: number;
  /** `sealedEntries` of rows, or of a note the numbers that it is about: first and last of each run. */
  entries: Buffer;
  /** Last block of a round: it has looked at every row up to this number that was there then ... */
  seen: number | null;
  /** ... of which none can appear later once no transaction below this one runs ... */
  horizon: string | null;
  /** ... and up to this number none could any more when the round began: what is not sealed never was. */
  settled: number | null;
  /** JSON. */
  note: string | null;
  /** Digest of the block before; empty in the first. */
  previous: string;
  digest: string;
  /** Of a checkpoint: a JWS over `checkpointOf`. */
  signature: string | null;
}

export type UnsealedBlock = Omit<AuditBlock, 'digest' | 'signature'>;

/** Of a row that a block seals. */
export interface SealedEntry {
  seq: number;
  print: string;
}

/** What notes tell. */
export type BlockNote =
  | { start: 'earlier rows up to'; seq: number }
  | { retention: string; rows: number }
  | { restored: string; lost: string[] };

const purpose = 'audit block';
const entryLength = 8 + printLength;

export function encodeEntries(entries: readonly { seq: number; print: Uint8Array }[]): Buffer {
  const bytes = Buffer.alloc(entries.length * entryLength);
  entries.forEach(({ seq, print }, at) => {
    bytes.writeBigInt64BE(BigInt(seq), at * entryLength);
    bytes.set(print, at * entryLength + 8);
  });
  return bytes;
}

export function decodeEntries({ kind, entries }: Pick<AuditBlock, 'kind' | 'entries'>): SealedEntry[] {
  if (kind !== 'rows') return [];
  return Array.from({ length: Math.floor(entries.length / entryLength) }, (_, n) => ({
    seq: Number(entries.readBigInt64BE(n * entryLength)),
    print: entries.toString('base64', n * entryLength + 8, (n + 1) * entryLength),
  }));
}

export function encodeRuns(runs: readonly [first: number, last: number][]): Buffer {
  const bytes = Buffer.alloc(runs.length * 16);
  runs.forEach(([first, last], at) => {
    bytes.writeBigInt64BE(BigInt(first), at * 16);
    bytes.writeBigInt64BE(BigInt(last), at * 16 + 8);
  });
  return bytes;
}

export function decodeRuns({ kind, entries }: Pick<AuditBlock, 'kind' | 'entries'>): [first: number, last: number][] {
  if (kind !== 'note') return [];
  return Array.from({ length: Math.floor(entries.length / 16) }, (_, n) => [
    Number(entries.readBigInt64BE(n * 16)),
    Number(entries.readBigInt64BE(n * 16 + 8)),
  ]);
}

export function digestOfBlock(block: UnsealedBlock, keys: Pick<SecretBox, 'digest'>): string {
  return keys.digest(textOf(block), purpose);
}

export function isWhole(block: AuditBlock, keys: Pick<SecretBox, 'isDigest'>): boolean {
  return keys.isDigest(block.digest, textOf(block), purpose);
}

/** What a checkpoint signs: enough to know later that the trail has lost its end. */
export function checkpointOf({ number, digest, at, total, seen, high }: Omit<AuditBlock, 'signature'>): string {
  return JSON.stringify({ audit: { number, digest, at: at.toISOString(), rows: total, last: seen ?? high ?? 0 } });
}

function textOf(block: UnsealedBlock): string {
  const { number, kind, at, low, high, total, entries, seen, horizon, settled, note, previous } = block;
  const content = hash('sha256', entries, 'base64url');
  return JSON.stringify([
    1,
    number,
    kind,
    at.toISOString(),
    low,
    high,
    total,
    content,
    seen,
    horizon,
    settled,
    note,
    previous,
  ]);
}
