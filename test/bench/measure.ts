/** Times of repeated calls, in milliseconds. */
export interface Times {
  p50: number;
  p95: number;
  /** Calls a second, all callers together. */
  rate: number;
}

/** Calls `work` `count` times from `callers` loops at once, after a warm-up, and sorts what each call took. */
export async function measure(work: (index: number) => Promise<void>, count: number, callers = 1): Promise<Times> {
  for (let index = 0; index < Math.min(20, count); index++) await work(index);
  const times: number[] = [];
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (next < count) {
        const index = next++;
        const before = performance.now();
        await work(index);
        times.push(performance.now() - before);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  return { p50: at(times, 0.5), p95: at(times, 0.95), rate: count / seconds };
}

export function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export function median(values: readonly number[]): number {
  return at(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** One line of the result table. */
export function report(name: string, ours: string, peer: string, ratio: string): void {
  console.log(`${name.padEnd(52)} ${ours.padStart(18)} ${peer.padStart(22)} ${ratio.padStart(12)}`);
}

/** Throws when an answer is not what was expected: a fast wrong answer is no result. */
export async function expectStatus(answer: Response, status: number): Promise<ArrayBuffer> {
  const body = await answer.arrayBuffer();
  if (answer.status !== status)
    throw new Error(`${answer.url.replace(/\?.*/, '')} answered ${answer.status}, not ${status}`);
  return body;
}
