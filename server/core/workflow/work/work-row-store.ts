import type { Narrowing } from '../../access/narrowing.ts';
import type { ReviewStatus } from '../../vocabulary/review-codes.ts';
import type { WorkNumber, WorkOrder, WorkQueue } from './queues.ts';
import type { KnownFact } from './work-facts.ts';
import type { AskedWord } from './words.ts';
import type { WorkPriority, WorkRow } from './work-row.ts';

/** A row in the hands of one transaction. */
export interface HeldRow {
  review: string;
  known: KnownFact[];
}

/** A record as it is now; `content` only where another version was known. */
export interface SourceVersion {
  /** `Type/id`. */
  key: string;
  version: number;
  content?: string;
}

export interface StoredRow {
  review: string;
  version: number;
  known: KnownFact[];
}

export interface WorkFilter {
  /** Within it; every review but those entered in error without it. */
  queue: WorkQueue;
  /** No word at all (a text of signs alone, half typed) is in no row. */
  words?: readonly AskedWord[];
  statuses?: readonly ReviewStatus[];
  modalities?: readonly string[];
  /** Labels or kinds. */
  findings?: readonly string[];
  priorities?: readonly WorkPriority[];
  from?: Date;
  /** Before this. */
  to?: Date;
  /** Held or done by this person (`Practitioner/id`). */
  person?: string;
}

/** What of the rows a caller may see, and where days begin. */
export interface WorkReader {
  /** Of the review's Task. */
  review: Narrowing;
  /** Of its report. */
  report: Narrowing;
  /** `Practitioner/id`. */
  self?: string;
  /** Which work a caller means by "completed". */
  role: 'doctor' | 'pharmacist' | 'admin';
  today: { from: Date; to: Date };
}

/** Where a page ended: the text of its last row's sort value, or none, and the row. */
export interface WorkPosition {
  value: string | null;
  row: number;
}

/** The read model of the lists of work. What it says is computed from the records, and made anew from them at any time. */
export interface WorkRowStore {
  /**
   * Locks the rows of these reviews, and of those that are told from one of the records (`Type/id`), in one order, until
   * the transaction ends; makes rows for reviews that have none.
   */
  hold(reviews: readonly string[], keys: readonly string[]): Promise<HeldRow[]>;
  /** The coordination Tasks of these reviews and all their steps, as this transaction sees them. */
  tasksOf(reviews: readonly string[], known: readonly KnownFact[]): Promise<(SourceVersion & { review: string })[]>;
  /** Other records; those that are deleted or were never there are left out. */
  versionsOf(keys: readonly string[], known: readonly KnownFact[]): Promise<SourceVersion[]>;
  /** Writes rows that are held; without a row, the review is not there any more. */
  keep(rows: readonly { review: string; row: WorkRow | undefined; words: string[]; known: KnownFact[]; reportStatus?: string }[]): Promise<void>; // prettier-ignore
  find(
    reader: WorkReader,
    filter: WorkFilter,
    page: { order: WorkOrder; limit: number; after?: WorkPosition },
  ): Promise<{ rows: StoredRow[]; total: number; next?: WorkPosition }>;
  one(reader: WorkReader, review: string): Promise<StoredRow | undefined>;
  count(reader: WorkReader, numbers: readonly WorkNumber[], filter: Omit<WorkFilter, 'queue'>): Promise<number[]>;
  /** Reviews behind a place in the order in which they were made; `lacking`: those only that have no row. */
  reviewsAfter(place: number, limit: number, lacking: boolean): Promise<{ review: string; place: number }[]>;
  /** Reviews whose row is older than a record that it is told from and that changed since. */
  stale(since: Date, limit: number): Promise<string[]>;
  /** Rows of reviews that are not there any more. @returns how many were removed. */
  removeOrphans(): Promise<number>;
}
