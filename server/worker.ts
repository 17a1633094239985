import type { System } from './compose.ts';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';
import { analyze } from './work/analyze.ts';

/**
 * Takes jobs in this process. Workers of several processes share one queue; each job runs in one of them.
 * A job that throws is tried again by the queue; what it has written stays, what it had not is written then.
 */
export async function startWorkers({ jobs, world }: Pick<System, 'jobs' | 'world'>, config: Config, log: Logger): Promise<void> {
  const handlers = { analyze } as const;
  const state = world.classifier.state();
  const concurrency = { analyze: state.ready ? state.workers : 1 };
  for (const kind of Object.keys(handlers) as (keyof typeof handlers)[]) {
    await jobs.work(kind, concurrency[kind], async (job) => {
      const start = performance.now();
      try {
        await handlers[kind](world, {}, job);
        log.info({ job: kind, key: job.key, attempt: job.attempt, ms: Math.round(performance.now() - start) }, 'job done');
      } catch (err) {
        log.warn({ err, job: kind, key: job.key, attempt: job.attempt }, 'job failed');
        throw err;
      }
    });
  }
}
