import pg from 'pg';
import { isBehind, isCursor, type News, type NewsFeed } from '../../../core/news/news-feed.ts';
import { Problem } from '../../../core/problem.ts';
import type { Sql } from '../connection.ts';
import { changesAfter, changesWait, endOfChanges } from '../records/change-feed.ts';
import { newsFrom } from './news-details.ts';

export interface NewsReaderOptions {
  url: string;
  sql: Sql;
  onFault: (error: unknown) => void;
}

const channel = 'csss_news';
/** Rows in one piece of news. */
const batch = 1_000;
/** What is told again to one who was away; beyond it, all is to be asked anew. */
const mostMissed = 5_000;
/** Between two looks, so that a stream of small writes is told in pieces. */
const restMs = 100;
/** Without a wake-up: what was written by a statement of its own, or while the connection that listens was away. */
const everyMs = 1_000;
/** News that wait for an older transaction become due when that ends, which wakes nobody who has no news of its own. */
const dueMs = 200;
const remembersMs = 120_000;
const mostPositions = 2_000;

/**
 * Reads the feed of changes, once for all who listen in this process.
 *
 * NOTIFY wakes it, from this process and others (`newsWaker`); it looks every second besides, because a wake-up may be
 * lost and a row may not.
 */
export async function readNews({ url, sql, onFault }: NewsReaderOptions): Promise<NewsFeed> {
  const listeners = new Set<(news: News) => void>();
  const track = positionTrack(await endOfChanges(sql));
  let closed = false;

  async function look(): Promise<number> {
    for (;;) {
      const nobody = listeners.size === 0;
      if (nobody) {
        const end = await endOfChanges(sql);
        // Whoever came meanwhile hears of what was committed meanwhile.
        if (listeners.size === 0) {
          track.reach(end);
          return everyMs;
        }
      }
      const changes = await changesAfter(sql, track.position(), batch);
      if (changes.length > 0) {
        const news = await newsFrom(sql, changes, changes.at(-1)!.cursor);
        track.reach(news.cursor);
        for (const listener of listeners) listener(news);
      }
      if (changes.length < batch) return (await changesWait(sql)) ? dueMs : everyMs;
    }
  }

  const watch = regularly(async () => {
    try {
      return await look();
    } catch (error) {
      // Trimmed while nobody looked for weeks: the rest is all there is.
      if (error instanceof Problem && error.code === 'deleted')
        track.reach(await endOfChanges(sql).catch(() => track.position()));
      else if (!closed) onFault(error);
      return everyMs;
    }
  });
  const stopListening = listen(url, watch.wake, onFault);
  watch.wake();
  return {
    follow(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    position: track.position,
    positionBefore: track.positionBefore,
    between: (after, until) => missed(sql, after, until),
    async close() {
      closed = true;
      await stopListening();
      await watch.stop();
    },
  };
}

/** How far the reader is, and how far it was: for pages that were loaded a moment before they began to listen. */
function positionTrack(begin: string) {
  let position = begin;
  const past = [{ at: performance.now(), cursor: begin }];
  return {
    position: () => position,
    reach(cursor: string): void {
      if (cursor === position) return;
      position = cursor;
      const now = performance.now();
      // What is left out makes the past a little older than it was: then something is told twice, and nothing never.
      if (now - past.at(-1)!.at >= 50) past.push({ at: now, cursor });
      while (past.length > mostPositions || (past.length > 1 && past[1]!.at < now - remembersMs)) past.shift();
    },
    positionBefore(ms: number): string | undefined {
      const then = performance.now() - ms;
      return past.findLast(({ at }) => at <= then)?.cursor;
    },
  };
}

/** Does `look` when it is woken, and after the pause that it asks for; never twice at a time. */
function regularly(look: () => Promise<number>): { wake: () => void; stop: () => Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let endedAt = -Infinity;
  const plan = (ms: number) => {
    clearTimeout(timer);
    if (stopped) return;
    timer = setTimeout(begin, ms);
    timer.unref();
  };
  const begin = () => {
    looking = look().then((pause) => {
      looking = undefined;
      endedAt = performance.now();
      plan(again ? restMs : pause);
      again = false;
    });
  };
  return {
    wake() {
      if (looking) again = true;
      else plan(Math.max(0, endedAt + restMs - performance.now()));
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

async function missed(sql: Sql, after: string, until: string): Promise<News | undefined> {
  if (!isCursor(after)) return undefined;
  // Another process was faster; or the database is one that was restored, and the position is of what is lost.
  if (isBehind(until, after))
    return isBehind(await endOfChanges(sql), after) ? undefined : { cursor: after, records: [], topics: [], since: Date.now() }; // prettier-ignore
  try {
    const changes = await changesAfter(sql, after, mostMissed + 1);
    const wanted = changes.filter(({ cursor }) => !isBehind(until, cursor));
    return wanted.length > mostMissed ? undefined : await newsFrom(sql, wanted, until);
  } catch (error) {
    if (error instanceof Problem && error.code === 'deleted') return undefined;
    throw error;
  }
}

/** A connection of its own that hears wake-ups, made again when it is lost; `heard` is called at each start, too. */
function listen(url: string, heard: () => void, onFault: (error: unknown) => void): () => Promise<void> {
  let client: pg.Client | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const again = () => {
    if (closed) return;
    timer = setTimeout(() => void open(), 2_000);
    timer.unref();
  };
  async function open(): Promise<void> {
    const made = new pg.Client({
      connectionString: url,
      application_name: 'csss-news',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    });
    let lost = false;
    const onLost = (error: unknown) => {
      if (lost) return;
      lost = true;
      if (!closed) onFault(error);
      void made.end().catch(() => undefined);
      again();
    };
    made.on('error', onLost);
    made.on('end', () => onLost(new Problem('transient', 'The connection that hears news ended.')));
    made.on('notification', heard);
    try {
      await made.connect();
      await made.query(`listen ${channel}`);
      client = made;
      heard();
    } catch (error) {
      onLost(error);
    }
  }
  void open();
  return async () => {
    closed = true;
    clearTimeout(timer);
    await client?.end().catch(() => undefined);
  };
}

/**
 * Wakes the readers of all processes, a moment after something was committed.
 *
 * Not in the transaction itself: PostgreSQL lets transactions that notify commit one after the other only, and every
 * write of images and records would wait for the disk alone.
 */
export function newsWaker(sql: Sql): { wake: () => void; stop: () => Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<unknown> | undefined;
  const send = () => {
    timer = undefined;
    sending = sql.query(`select pg_notify('${channel}', '')`).catch(() => undefined); // they look by themselves, too
  };
  return {
    wake: () => (timer ??= setTimeout(send, 20)),
    async stop() {
      clearTimeout(timer);
      await sending;
    },
  };
}
