import type { NewsFeed } from '../core/news/news-feed.ts';
import { newsWaker, readNews } from '../infrastructure/postgres/news/news-reader.ts';
import type { Database } from './database.ts';
import type { Start } from './start.ts';

export interface NewsParts {
  /** After each commit of this process. */
  committed: () => void;
  /** Undefined in a worker, in which nobody listens. */
  feed: NewsFeed | undefined;
}

/** Every process wakes those that listen; an `api` process listens, once for all of its pages. */
export async function openNews({ config, log, closing }: Start, { url, sql }: Database): Promise<NewsParts> {
  const waker = newsWaker(sql);
  closing.push(waker.stop);
  if (!config.roles.api) return { committed: waker.wake, feed: undefined };
  const onFault = (err: unknown) => log.warn({ err }, 'news could not be read');
  const feed = await readNews({ url, sql, onFault });
  closing.push(feed.close);
  return { committed: waker.wake, feed };
}
