/**
 * What has changed, as one process hears it: the one source of everything that tells others. Who listens is kept apart
 * from it: open pages do (`live/`), and whatever delivers FHIR Subscriptions may.
 */
import type { ResourceType } from '@medplum/fhirtypes';
import type { Role } from '../principal.ts';
import type { Topic } from './news-store.ts';

/** A record that has another version. Addressed to nobody yet: who may hear of it is asked of the one predicate (`news-of.ts`). */
export interface RecordNews {
  type: ResourceType;
  id: string;
  act: 'create' | 'update' | 'delete';
  /** FHIR ids of the patients in whose compartment it lay when it was written. */
  patients: readonly string[];
  /** Id of the coordination Task of the review that it is a step or a result of. */
  review?: string;
}

export interface TopicNews {
  topic: Topic;
  account?: string;
  roles?: readonly Role[];
}

export interface News {
  /** Everything up to here has been told with these. */
  cursor: string;
  /** Each record once, with what has become of it. */
  records: readonly RecordNews[];
  topics: readonly TopicNews[];
  /** When the oldest of it was written, in milliseconds since 1970. */
  since: number;
}

export interface NewsFeed {
  /** Hears everything that is committed from now on, in order, without a gap. @returns how to stop. */
  follow(listener: (news: News) => void): () => void;
  /** Everything up to here has been given to listeners. */
  position(): string;
  /** Where this process was so many milliseconds ago; undefined if that is longer than it remembers. */
  positionBefore(ms: number): string | undefined;
  /**
   * What was told between two positions, for who has missed it. Who comes from a process that was faster may have heard
   * more than is told here yet: the answer has no news then, and a cursor up to which all that follows is known.
   *
   * @returns undefined if that is not known any more, is more than can be told, or if `after` is no position of this database.
   */
  between(after: string, until: string): Promise<News | undefined>;
  close(): Promise<void>;
}

/** Where in the feed: transaction and sequence. */
const form = /^(\d{1,18})\.(\d{1,18})$/;

export const isCursor = (text: string): boolean => form.test(text);

/** Whether one position lies behind another. */
export function isBehind(one: string, other: string): boolean {
  const [a, b] = [form.exec(one), form.exec(other)];
  if (!a || !b) return false;
  const [transactions, sequences] = [BigInt(a[1]!) - BigInt(b[1]!), BigInt(a[2]!) - BigInt(b[2]!)];
  return transactions === 0n ? sequences < 0n : transactions < 0n;
}
