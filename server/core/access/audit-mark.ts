/**
 * The mark of a row of the audit trail: a keyed digest over all that it says, its time and a nonce included. Whoever
 * changes a row, or writes one, without the key (which is not in the database) makes one whose mark does not fit.
 */
import { hash, randomBytes } from 'node:crypto';
import type { SecretBox } from '../secret-box.ts';
import type { AuditRow } from './audit-trail.ts';

/** A row as the table has it; absent values are null. */
export interface AuditRecord {
  /** ISO 8601 in UTC with six digits of the second, as `auditTime` writes it. */
  at: string;
  action: AuditRow['action'];
  event: string;
  outcome: AuditRow['outcome'];
  kind: string | null;
  subject: string | null;
  clientId: string | null;
  role: string | null;
  fhirUser: string | null;
  tokenId: string | null;
  patients: string[];
  entities: string[];
  /** Base64 of the query string. */
  query: string | null;
  requestId: string | null;
  sourceAddress: string | null;
  reason: string | null;
  purpose: string | null;
  times: number | null;
}

/** A row that is in the table. */
export interface KeptAuditRecord extends AuditRecord {
  seq: number;
  /** `nonce.key.digest`; null in rows of releases that made none. */
  mac: string | null;
}

export type MarkKeys = Pick<SecretBox, 'digest' | 'isDigest'>;

const purpose = 'audit row';

/** Milliseconds are what our clock gives; the database keeps six digits, and rows of earlier releases have them. */
export function auditTime(at: Date): string {
  return at.toISOString().replace('Z', '000Z');
}

/** What is to be kept of a row. */
export function auditRecord({ principal, ...row }: AuditRow, at: Date): AuditRecord {
  return {
    at: auditTime(at),
    action: row.action,
    event: row.event,
    outcome: row.outcome,
    kind: principal?.kind ?? null,
    subject: principal?.subject ?? null,
    clientId: principal?.clientId ?? null,
    role: principal?.role ?? null,
    fhirUser: principal?.fhirUser ?? null,
    tokenId: principal?.tokenId ?? null,
    patients: row.patients ?? [],
    entities: row.entities ?? [],
    query: row.query === undefined ? null : Buffer.from(row.query).toString('base64'),
    requestId: row.requestId ?? null,
    sourceAddress: row.sourceAddress ?? null,
    reason: row.reason ?? null,
    purpose: row.purpose ?? null,
    times: row.times ?? null,
  };
}

export function markOf(record: AuditRecord, keys: MarkKeys): string {
  const nonce = randomBytes(12).toString('base64url');
  return `${nonce}.${keys.digest(contentOf(record, nonce), purpose)}`;
}

/** Whether a row says what it said when it was marked; `unmarked` if it never was. */
export function judgeMark(record: KeptAuditRecord, keys: MarkKeys): 'right' | 'wrong' | 'unmarked' {
  if (record.mac === null) return 'unmarked';
  const dot = record.mac.indexOf('.');
  const [nonce, digest] = [record.mac.slice(0, dot), record.mac.slice(dot + 1)];
  return dot > 0 && keys.isDigest(digest, contentOf(record, nonce), purpose) ? 'right' : 'wrong';
}

/** Name of the key that made a mark. */
export function keyOfMark(mac: string): string {
  return /^[\w-]+\.([0-9a-f]{8})\./.exec(mac)?.[1] ?? '?';
}

/** Length of what a block keeps of each row's mark. */
export const printLength = 8;

/**
 * What a block keeps of a row, to name the one that was changed or exchanged: of a marked one that of its mark, which
 * has the key; of one of an earlier release that of all it says.
 */
export function printOf(record: KeptAuditRecord): Buffer {
  return hash('sha256', record.mac ?? contentOf(record, ''), 'buffer').subarray(0, printLength);
}

/** In one order, so that the same row is always the same text. The first value tells this form from later ones. */
function contentOf(row: AuditRecord, nonce: string): string {
  return JSON.stringify([
    1, nonce, row.at, row.action, row.event, row.outcome, row.kind, row.subject, row.clientId, row.role, row.fhirUser,
    row.tokenId, row.patients, row.entities, row.query, row.requestId, row.sourceAddress, row.reason, row.purpose, row.times,
  ]); // prettier-ignore
}
