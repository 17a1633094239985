import { availableParallelism } from 'node:os';
import type { System } from './compose.ts';
import { sweepBlobs } from './core/studies/sweep-blobs.ts';
import { wakeAnalyses } from './core/workflow/wake-analyses.ts';
import { outcomeOf } from './infrastructure/metrics.ts';
import type { Logger } from './log.ts';
import { analyze, failLostAnalyses } from './work/analyze.ts';
import { issueReport } from './work/issue-report.ts';
import { sendReport } from './work/send-report.ts';
import { shadow } from './work/shadow.ts';

const minute = 60_000;

/**
 * Takes jobs in this process. Workers of several processes share one queue; each job runs in one of them.
 * A job that throws is tried again by the queue; what it has written stays, what it had not is written then.
 */
export async function startWorkers(
  system: Pick<System, 'jobs' | 'world' | 'authorizations' | 'metrics' | 'closing'>,
  log: Logger,
): Promise<void> {
  const { jobs, world, metrics } = system;
  const handlers = { analyze, shadow, 'issue-report': issueReport, 'send-report': sendReport } as const;
  const state = world.classifier.state();
  const concurrency = {
    analyze: state.ready ? state.parallel : availableParallelism() + 4,
    shadow: 1,
    'issue-report': 1,
    'send-report': 2,
  };
  for (const kind of Object.keys(handlers) as (keyof typeof handlers)[]) {
    await jobs.work(kind, concurrency[kind], async (job) => {
      const start = performance.now();
      const facts = { job: kind, key: job.key, attempt: job.attempt, requestId: job.requestId };
      try {
        await handlers[kind](world, job);
        metrics.job(kind, 'ok', performance.now() - start);
        log.info({ ...facts, ms: Math.round(performance.now() - start) }, 'job done');
      } catch (err) {
        metrics.job(kind, outcomeOf(err), performance.now() - start);
        log.warn({ err, ...facts }, 'job failed');
        throw err;
      }
    });
  }
  keepHouse(system, log);
}

/** What must be looked at from time to time; every process may do it, because each act is safe to repeat. */
function keepHouse(
  { world, authorizations, closing }: Pick<System, 'world' | 'authorizations' | 'closing'>,
  log: Logger,
): void {
  const chores = [
    { kind: 'lost analyses', every: minute, work: () => failLostAnalyses(world) },
    { kind: 'waiting analyses', every: minute, work: () => wakeAnalyses(world) },
    { kind: 'expired sessions', every: 10 * minute, work: () => authorizations.sweep() },
    { kind: 'blobs without rows', every: 60 * minute, work: () => sweepBlobs(world) },
  ];
  for (const { kind, every, work } of chores) {
    const timer = setInterval(() => {
      work().then(
        (count) => count > 0 && log.info({ kind, count }, 'housekeeping'),
        (err: unknown) => log.warn({ err, kind }, 'housekeeping failed'),
      );
    }, every);
    timer.unref();
    closing.push(async () => clearInterval(timer));
  }
}
