import { setImmediate as immediate } from 'node:timers/promises';

/** Milliseconds of work in one go: far below what somebody would notice who waits for something else. */
const turn = 8;

/** `list.map(work)`, with a pause for others whenever some milliseconds are over: for lists as long as a caller likes. */
export async function inTurns<Item, Result>(
  list: readonly Item[],
  work: (item: Item, index: number) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  let until = performance.now() + turn;
  for (const [index, item] of list.entries()) {
    results.push(work(item, index));
    if (performance.now() < until) continue;
    await immediate();
    until = performance.now() + turn;
  }
  return results;
}
