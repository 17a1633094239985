/** What one channel, one person and all of them may cost. Times in milliseconds. */
export const liveLimits = {
  /** Of a message from a page: a token and a few words. */
  messageBytes: 16 << 10,
  /** From the connection to its first message. */
  helloMs: 10_000,
  /** Channels that have not said yet whose they are; for one more the one goes that has been silent longest. */
  strangers: 100,
  /** Open channels of one account, each a page. */
  perAccount: 30,
  /** Channels that one account opens in a minute. */
  openingsPerMinute: 60,
  /** Messages of one channel in ten seconds. */
  messagesPerTenSeconds: 20,
  /** Bytes that a page has not taken yet. */
  backlogBytes: 256 << 10,
  /** News that wait for being narrowed; more are not told one by one. */
  waitingNews: 20,
  /** Changes in one message; of more only the types are told. */
  changes: 200,
  pingMs: 25_000,
  /** How often it is asked whether a token still stands; its answer may be 20 s old, and a minute is promised. */
  checkMs: 15_000,
} as const;

/** Counts by key within a window that begins with the first. */
export function countIn(windowMs: number): (key: string) => number {
  const windows = new Map<string, { since: number; count: number }>();
  return (key) => {
    const now = performance.now();
    if (windows.size > 10_000)
      for (const [other, { since }] of windows) if (now - since > windowMs) windows.delete(other);
    const standing = windows.get(key);
    const window = standing && now - standing.since <= windowMs ? standing : { since: now, count: 0 };
    window.count++;
    windows.set(key, window);
    return window.count;
  };
}
