/** What somebody has typed and not yet sent, sealed: only the server's keys open it. */
export interface DraftStore {
  of(accountId: string, name: string): Promise<{ id: string; sealed: string; savedAt: Date } | undefined>;
  /** Replaces an earlier one of that name; of many the oldest go. */
  save(draft: { id: string; accountId: string; name: string; sealed: string }): Promise<void>;
  remove(accountId: string, name: string): Promise<void>;
  /** @returns how many were older. */
  forget(days: number): Promise<number>;
}
