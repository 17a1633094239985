/** One of several keys that take turns. */
export interface RingKey<Key> {
  key: Key;
  /** When its turn begins (ISO 8601, UTC): it signs from then on, and verifies from the moment it is in the ring. */
  from: string;
}

/** Oldest first. The one that signs is the last whose turn has begun. */
export type KeyRing<Key> = readonly RingKey<Key>[];

export interface RingTimes {
  /** How long a key's turn is. */
  everyMs: number;
  /** How long before its turn a key is in the ring, so that everybody who verifies knows it by then. */
  announcedMs: number;
  /** How long after its turn a key still verifies: as long as what it signed is good. */
  keptMs: number;
}

/** For use at a time: the one that signs, then all others that verify. */
export function keysAt<Key>(ring: KeyRing<Key>, now: Date): Key[] {
  const signer = signerAt(ring, now);
  return [...ring.slice(signer, signer + 1), ...ring.slice(0, signer), ...ring.slice(signer + 1)].map(({ key }) => key);
}

/**
 * The ring as house-keeping leaves it: a new key is announced when the turn of the one that signs nears its end, and
 * keys that nobody needs any more are gone.
 *
 * @returns undefined if there is nothing to change.
 */
export async function turned<Key>(
  ring: KeyRing<Key>,
  now: Date,
  times: RingTimes,
  make: () => Promise<Key>,
): Promise<KeyRing<Key> | undefined> {
  const signer = signerAt(ring, now);
  const isOver = (at: number) => Date.parse(ring[at + 1]!.from) + times.keptMs <= now.getTime();
  const standing = ring.filter((_key, at) => at >= signer || !isOver(at));
  const ends = Date.parse(ring[signer]!.from) + times.everyMs;
  const isDue = signer === ring.length - 1 && ends - times.announcedMs <= now.getTime();
  if (!isDue) return standing.length === ring.length ? undefined : standing;
  return [...standing, announced(await make(), now, times)];
}

/** The ring with a new key that is announced now, whoever's turn it is. */
export async function withNext<Key>(
  ring: KeyRing<Key>,
  now: Date,
  times: RingTimes,
  make: () => Promise<Key>,
): Promise<KeyRing<Key>> {
  return [...ring, announced(await make(), now, times)];
}

/** A ring of one key, whose turn begins now: the first one, and what is left when no other may be trusted any more. */
export async function freshRing<Key>(now: Date, make: () => Promise<Key>): Promise<KeyRing<Key>> {
  return [{ key: await make(), from: now.toISOString() }];
}

function announced<Key>(key: Key, now: Date, { announcedMs }: RingTimes): RingKey<Key> {
  return { key, from: new Date(now.getTime() + announcedMs).toISOString() };
}

/** The first one if no turn has begun: this machine's clock may be behind that of the one that made it. */
function signerAt<Key>(ring: KeyRing<Key>, now: Date): number {
  return Math.max(
    ring.findLastIndex(({ from }) => Date.parse(from) <= now.getTime()),
    0,
  );
}
