/**
 * Loaded into the server's process before the server (`--import`): tells the bench how long the event loop stood still.
 * Nothing of it is in the product.
 *
 * Two clocks. Elapsed time is what a caller feels, but on a busy machine it also counts the time that the process was
 * not let run; time on the processor between two turns of the loop is what the server itself did in one go.
 */
import { isMainThread } from 'node:worker_threads';

export interface Pause {
  /** Longest time between two turns of the loop, in milliseconds. */
  elapsed: number;
  /** The most processor time that the main thread used between two turns; `elapsed` where Node cannot tell. */
  processor: number;
  /** Highest resident memory in MiB since the last question. */
  memory: number;
}

const everyMs = 2;

if (isMainThread && process.send) {
  const cpu = (process as { threadCpuUsage?: () => NodeJS.CpuUsage }).threadCpuUsage?.bind(process);
  const used = () => (cpu ? (cpu().user + cpu().system) / 1000 : performance.now());
  let longest: Pause = { elapsed: 0, processor: 0, memory: 0 };
  let [at, spent] = [performance.now(), used()];
  setInterval(() => {
    const [now, usedNow] = [performance.now(), used()];
    longest.elapsed = Math.max(longest.elapsed, now - at - everyMs);
    longest.processor = Math.max(longest.processor, usedNow - spent);
    [at, spent] = [now, usedNow];
  }, everyMs).unref();
  setInterval(() => {
    longest.memory = Math.max(longest.memory, process.memoryUsage.rss() / 2 ** 20);
  }, 20).unref();
  process.on('message', (asked) => {
    if (asked !== 'longest pause') return;
    process.send!(longest);
    longest = { elapsed: 0, processor: 0, memory: 0 };
  });
  process.channel?.unref();
}
