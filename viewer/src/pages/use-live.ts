/**
 * Keeps what pages show up to date: a query names in `meta.live` what it shows, and is asked again when the server says
 * that such a thing changed. While the server says nothing, all of them are asked every 15 seconds.
 *
 * Words: a FHIR type (`Task`), one record (`Patient/id`), one review (`review:id`), or `topic:` and a topic of ours.
 */
import type { Query, QueryClient } from '@tanstack/vue-query';
import { ref, watch } from 'vue';
import type { LiveChannel, LiveNews } from '../api/live.ts';
import type { useSession } from '../smart/session.ts';

export type LiveWord = string;

declare module '@tanstack/vue-query' {
  interface Register {
    queryMeta: { live?: readonly LiveWord[] };
  }
}

/** Several messages of one act come within moments. */
const restMs = 150;
/** How often everything is asked while no changes are told. */
export const fallbackMs = 15_000;

/** Whether the page hears of changes at this moment. */
export const isLive = ref(false);

/** While somebody is signed in. */
export function keepLive(
  queries: QueryClient,
  session: Pick<ReturnType<typeof useSession>, 'state'>,
  channel: LiveChannel,
): void {
  let stop: (() => void) | undefined;
  watch(
    () => session.state === 'signed-in',
    (isIn) => {
      stop?.();
      stop = isIn ? live(queries, channel) : undefined;
    },
    { immediate: true },
  );
}

function live(queries: QueryClient, channel: LiveChannel): () => void {
  const asker = askingAgain(queries);
  const hangUp = channel.open({
    news: (news) => asker.note((words) => words.some((word) => concerns(news, word))),
    reset: () => asker.note(() => true),
    heard: (heard) => (isLive.value = heard),
  });
  const timer = setInterval(() => {
    if (!isLive.value && document.visibilityState !== 'hidden') asker.note(() => true);
  }, fallbackMs);
  return () => {
    clearInterval(timer);
    hangUp();
    asker.stop();
    isLive.value = false;
  };
}

export function concerns({ changes, gone, topics }: LiveNews, word: LiveWord): boolean {
  if (word.startsWith('topic:')) return topics.includes(word.slice(6));
  // Of what is not named, every record and every review may be it.
  if (gone.some((type) => word === type || word.startsWith(`${type}/`))) return true;
  if (word.startsWith('review:')) return gone.length > 0 || changes.some(({ review }) => word === `review:${review}`);
  return changes.some(({ type, id }) => word === type || word === `${type}/${id}`);
}

/**
 * Asks queries again, each once at a time: what comes while one is being asked is asked after it, because its answer may
 * be from before. Nothing is cancelled, or a stream of changes would never let a slow answer come.
 */
function askingAgain(queries: QueryClient) {
  const noted = new Set<Query>();
  const asking = new Set<Query>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function ask(query: Query): Promise<void> {
    noted.delete(query);
    query.invalidate();
    // What nobody sees is asked when it is shown again: it is stale now.
    if (!query.isActive() || document.visibilityState === 'hidden') return;
    asking.add(query);
    try {
      // One that is under way may have been answered before the change: it ends first.
      await query.promise?.catch(() => undefined);
      await query.fetch().catch(() => undefined); // the query tells what went wrong
    } finally {
      asking.delete(query);
    }
    if (noted.has(query)) plan();
  }

  function plan(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const query of [...noted]) if (!asking.has(query)) void ask(query);
    }, restMs);
  }

  return {
    note(isConcerned: (words: readonly LiveWord[]) => boolean): void {
      const met = queries
        .getQueryCache()
        .getAll()
        .filter((query) => {
          const words = query.meta?.live;
          return words !== undefined && isConcerned(words);
        });
      for (const query of met) noted.add(query);
      if (met.length > 0) plan();
    },
    stop(): void {
      clearTimeout(timer);
      noted.clear();
    },
  };
}
