import type { AuditBlock } from './audit-block.ts';
import type { KeptAuditRecord } from './audit-mark.ts';

/** What a list of the trail is narrowed to; all of it must hold. */
export interface AuditFilter {
  /** FHIR ids. */
  patients?: readonly string[];
  /** Account, client, or worker. */
  subject?: string;
  /** `Practitioner/id` or `Patient/id`. */
  person?: string;
  clientId?: string;
  /** Whole (`fhir:read`), or with an asterisk at its end (`fhir:*`). */
  event?: string;
  outcome?: 'success' | 'refused' | 'failed';
  from?: Date;
  /** Before this. */
  to?: Date;
  /** `ImagingStudy/id`, in whatever version; `studies/1.2.3`, and what lies below it. */
  entity?: string;
  /** Leaves out what the server did by itself, and what these persons did. */
  byOthersThan?: readonly string[];
  /** Only what was done within a session that people or apps had. */
  hidden?: 'system';
}

/** Where a list goes on: behind this row. */
export interface AuditPlace {
  at: string;
  seq: number;
}

/** A row with what a person calls who did it. */
export interface NamedAuditRecord extends KeptAuditRecord {
  /** Of the account, if there is one. */
  name: string | null;
  /** Of the app or service. */
  clientName: string | null;
}

/** A verification, as far as it is. */
export interface AuditCheck {
  id: string;
  startedAt: Date;
  changedAt: Date;
  state: 'running' | 'done' | 'failed';
  checked: number;
  total: number;
  /** How many faults; the first of them are told. */
  found: number;
  faults: AuditFault[];
  /** What is no fault and should be known. */
  notes: string[];
}

export interface AuditFault {
  /** The row, or the first of a run of rows; 0 for a fault of a block. */
  seq: number;
  /** Last of a run. */
  to?: number;
  kind: 'changed' | 'removed' | 'inserted' | 'copied' | 'exchanged' | 'unknown-key' | 'block' | 'truncated';
  text: string;
}

/** Reads the audit trail, and what is known of its wholeness. */
export interface AuditLog {
  /** Newest first. */
  list(filter: AuditFilter, page: { limit: number; before?: AuditPlace }): Promise<NamedAuditRecord[]>;
  /** In the order of their numbers, behind `after`; with `twins` also whether a row of a lower number has the same mark. */
  inOrder(
    after: number,
    page: { limit: number; upTo?: number; twins?: boolean },
  ): Promise<(KeptAuditRecord & { twin: boolean })[]>;
  countAfter(seq: number): Promise<number>;
  /** The highest number that was given; then, a transaction above all that ran when it was looked up. Never the other way round. */
  horizon(): Promise<{ seen: number; horizon: string }>;
  /** Up to which number an earlier round has looked that nothing can appear in any more. */
  passed(now: Date): Promise<number>;
  /** Of the last round: what is not sealed up to this number never was; what has a higher one may still come. */
  settled(): Promise<number>;
  lastBlock(which?: 'signed'): Promise<AuditBlock | undefined>;
  blockDigests(numbers: readonly number[]): Promise<{ number: number; digest: string }[]>;
  /** In order, with a number from this on. */
  blocksFrom(number: number, limit: number): Promise<AuditBlock[]>;
  /** Of rows: those that reach over these numbers, by their lowest. */
  blocksOver(low: number, high: number, limit: number): Promise<AuditBlock[]>;
  lastCheck(): Promise<AuditCheck | undefined>;
}

/** Beside reading: seals. */
export interface AuditSeals extends AuditLog {
  /** Serialises those who seal until the transaction ends. */
  lockSeals(): Promise<void>;
  addBlock(block: AuditBlock): Promise<void>;
  keepCheck(check: Omit<AuditCheck, 'startedAt' | 'changedAt'>): Promise<void>;
}

/** A place outside the database, which its owner does not reach, for what proves that the trail had no shorter end. */
export interface AuditAnchors {
  /** Adds a signed checkpoint (one line), and tells the log. */
  add(jws: string, facts: { number: number; digest: string; rows: number }): Promise<void>;
  /** Keeps the last block, replacing the one before: between checkpoints. */
  keepHead(jws: string): Promise<void>;
  /** All checkpoints, oldest first, and the head last; none if there is no such place yet. */
  lines(): AsyncIterable<string>;
}
