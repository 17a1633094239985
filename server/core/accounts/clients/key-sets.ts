import { Problem } from '../../problem.ts';
import { usableKeys, type JudgedKey, type KeySet } from './client-keys.ts';

/** Asks an address of somebody else for its key set, within limits. */
export interface KeyFetcher {
  /** Whether the address could be asked at all. @throws Problem `value` that says why not. */
  check(url: string): void;
  /**
   * @returns the parsed JSON, and how many seconds its publisher lets it be kept.
   * @throws Problem `transient` or `value` with a sentence for the administrator: nothing of what was read is in it.
   */
  read(url: string): Promise<{ set: unknown; maxAge: number | undefined }>;
}

/** What was found at an address when it was last asked. */
export interface FoundKeys {
  usable: KeySet;
  judged: JudgedKey[];
  at: Date;
}

/** The keys that systems publish (`jwks_uri`), kept for a while in the memory of the process. */
export interface KeySets {
  /**
   * @param kid the key that is asked for: when the kept set has it not, the address is asked again, at most once a minute.
   * @throws Problem as the fetcher, when there is nothing that can still be used.
   */
  keysAt(url: string, kid?: string): Promise<KeySet>;
  /** Asks at once, for an administrator who wants to see. @throws Problem as the fetcher. */
  look(url: string): Promise<FoundKeys>;
  check(url: string): void;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
/** How long a set is kept, whatever its publisher says, and when it says nothing. Milliseconds. */
const shortest = minute;
const longest = 24 * hour;
const usual = 5 * minute;
/** How long after it was due a set is used when the address does not answer. */
const mostStale = hour;
/** A failing address is asked again after so long. */
const pause = 10 * second;
const mostSets = 1000;

interface Kept {
  found?: FoundKeys & { until: number };
  /** Of the last try. */
  triedAt: number;
  problem?: Problem;
  underWay?: Promise<void>;
}

/** @param now milliseconds. */
export function keySets(fetcher: KeyFetcher, now: () => number = Date.now): KeySets {
  /** The one asked for longest ago first. */
  const sets = new Map<string, Kept>();

  function keptAt(url: string): Kept {
    const kept = sets.get(url) ?? { triedAt: -Infinity };
    sets.delete(url);
    sets.set(url, kept);
    if (sets.size > mostSets) sets.delete(sets.keys().next().value!);
    return kept;
  }

  /** Never rejects; those who ask at the same time share one try. */
  function ask(url: string, kept: Kept): Promise<void> {
    kept.underWay ??= (async () => {
      kept.triedAt = now();
      try {
        const { set, maxAge } = await fetcher.read(url);
        const keep = maxAge === undefined ? usual : Math.min(longest, Math.max(shortest, maxAge * second));
        kept.found = { ...usableKeys(set), at: new Date(now()), until: now() + keep };
        delete kept.problem;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        kept.problem = error;
      }
    })().finally(() => delete kept.underWay);
    return kept.underWay;
  }

  return {
    check: (url) => fetcher.check(url),
    async look(url) {
      const kept = keptAt(url);
      await ask(url, kept);
      if (kept.problem) throw kept.problem;
      return kept.found!;
    },
    async keysAt(url, kid) {
      const kept = keptAt(url);
      const { found } = kept;
      const isFresh = found !== undefined && found.until > now();
      const isUnknown = found !== undefined && kid !== undefined && !found.usable.keys.some((key) => key.kid === kid);
      const since = now() - kept.triedAt;
      if (kept.underWay && !(isFresh && !isUnknown)) await kept.underWay;
      else if (!isFresh ? since >= pause : isUnknown && since >= minute) await ask(url, kept);
      if (kept.found && kept.found.until + mostStale > now()) return kept.found.usable;
      throw kept.problem ?? new Problem('transient', 'The keys of the client cannot be fetched.');
    },
  };
}
