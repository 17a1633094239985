import type { EntryContent, EntryKind } from './entries.ts';

/** One template or row of the table, as it stands. */
export interface Entry<Content extends EntryContent = EntryContent> {
  id: string;
  content: Content;
  /** Counts from 1 with every change. */
  version: number;
  changedAt: string;
  /** Name of who changed it; undefined: it came with the release. */
  changedBy?: string;
}

/** A version that was: without content, the entry was removed by it. */
export interface EntryVersion {
  version: number;
  content?: EntryContent;
  at: string;
  by?: string;
}

export interface EntryChange {
  id: string;
  /** undefined removes it. */
  content: EntryContent | undefined;
}

export interface EntryStore {
  /** Those of the kinds that are not removed, in the order in which they were made. */
  all<Kind extends EntryKind>(kinds: readonly Kind[]): Promise<Entry<Extract<EntryContent, { kind: Kind }>>[]>;
  byId(id: string): Promise<Entry | undefined>;
  /** Newest first; empty for what never was. */
  versions(id: string): Promise<EntryVersion[]>;
  /** Whoever changes entries waits here for whoever changes them now. */
  lock(): Promise<void>;
  /** Each change makes a version; an id that is new makes an entry. */
  change(changes: readonly EntryChange[], by: string): Promise<void>;
}
