/** Something that must be looked at from time to time; safe to repeat. */
export interface Chore {
  /** For the log. */
  kind: string;
  /** Milliseconds from the end of one turn to the next; also before the first, but for `firstMs`. */
  everyMs: number;
  firstMs?: number;
  /** Gives how many things it mended, removed or made. */
  work(): Promise<number>;
}

export interface House {
  /** Does the work unless another process has that chore in hand at this moment; gives undefined then. */
  unlessBusy(kind: string, work: () => Promise<number>): Promise<number | undefined>;
  onDone(turn: { kind: string; count: number; ms: number }): void;
  onFault(error: unknown, kind: string): void;
}

/** How long the end waits for chores under way; what they do not finish is done at another time. */
const patienceMs = 5_000;

/**
 * Gives each chore its turns: never two of one chore at once, here or in another process, because the next turn counts
 * from the end of the last. A slow one holds up nobody else, and none is made up for.
 *
 * @returns what ends it.
 */
export function keepHouse(chores: readonly Chore[], house: House): () => Promise<void> {
  let ended = false;
  const timers = new Map<string, NodeJS.Timeout>();
  const underWay = new Set<Promise<void>>();

  function after(ms: number, chore: Chore): void {
    if (ended) return;
    const turn = () => {
      const doing = takeTurn(chore, house).finally(() => {
        underWay.delete(doing);
        after(chore.everyMs, chore);
      });
      underWay.add(doing);
    };
    timers.set(chore.kind, setTimeout(turn, ms).unref());
  }

  for (const chore of chores) after(chore.firstMs ?? chore.everyMs, chore);
  return async () => {
    ended = true;
    for (const timer of timers.values()) clearTimeout(timer);
    let patience: NodeJS.Timeout | undefined;
    const enough = new Promise((done) => (patience = setTimeout(done, patienceMs)));
    await Promise.race([Promise.all(underWay), enough]);
    clearTimeout(patience);
  };
}

/** Never rejects. */
async function takeTurn({ kind, work }: Chore, house: House): Promise<void> {
  const start = performance.now();
  try {
    const count = await house.unlessBusy(kind, work);
    if (count !== undefined) house.onDone({ kind, count, ms: Math.round(performance.now() - start) });
  } catch (error) {
    house.onFault(error, kind);
  }
}
