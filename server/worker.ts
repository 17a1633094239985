import { availableParallelism } from 'node:os';
import type { System } from './compose.ts';
import { sealAudit } from './core/access/audit-seal.ts';
import { mendWorkRows } from './core/workflow/work/remake-work-rows.ts';
import { keepHouse, type Chore } from './core/house-keeping.ts';
import { purgeRemoved } from './core/studies/purge-removed.ts';
import { sweepBlobs } from './core/studies/sweep-blobs.ts';
import { settleOverdue } from './core/studies/settle-owed.ts';
import { carryOnMerges } from './core/workflow/patients/carry-on-merges.ts';
import { wakeAnalyses } from './core/workflow/wake-analyses.ts';
import { outcomeOf } from './infrastructure/metrics.ts';
import type { Logger } from './log.ts';
import { turnSmartKeys } from './smart/keys.ts';
import { analyze, failLostAnalyses } from './work/analyze.ts';
import { completeOverdue, completeStudyJob } from './work/complete-study.ts';
import { issueReport } from './work/issue-report.ts';
import { oweMails, oweReports, oweShadowRuns, oweUnwritten } from './work/owed-work.ts';
import { forgetPersonal } from './work/forget-personal.ts';
import { forgetDeliveries } from './work/forget-deliveries.ts';
import { push } from './work/push.ts';
import { sendMail } from './work/send-mail.ts';
import { sendReport } from './work/send-report.ts';
import { sendWithdrawal } from './work/send-withdrawal.ts';
import { shadow } from './work/shadow.ts';

const minute = 60_000;
const hour = 60 * minute;

/**
 * Takes jobs in this process. Workers of several processes share one queue; each job runs in one of them.
 * A job that throws is tried again by the queue; what it has written stays, what it had not is written then.
 */
export async function startWorkers(
  system: Pick<
    System,
    'jobs' | 'world' | 'authorizations' | 'growing' | 'workRows' | 'unlessBusy' | 'metrics' | 'closing'
  >,
  log: Logger,
): Promise<void> {
  const { jobs, world, metrics } = system;
  const handlers = {
    analyze,
    shadow,
    'complete-study': completeStudyJob,
    'issue-report': issueReport,
    'send-report': sendReport,
    'send-withdrawal': sendWithdrawal,
    'send-mail': sendMail,
    push,
  } as const;
  const state = world.classifier.state();
  const concurrency = {
    analyze: state.ready ? state.parallel : availableParallelism() + 4,
    shadow: 1,
    'complete-study': 2,
    'issue-report': 1,
    'send-report': 2,
    'send-withdrawal': 1,
    'send-mail': 2,
    push: 4,
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
  const endHouse = keepHouse(chores(system), {
    unlessBusy: system.unlessBusy,
    onDone: (turn) => turn.count > 0 && log.info(turn, 'housekeeping'),
    onFault: (err, kind) => log.warn({ err, kind }, 'housekeeping failed'),
  });
  // Before the browser, the models, the relay and the pool end, which the work under way needs: a mail that went out
  // and could not be written down would be sent again.
  system.closing.push(() => Promise.all([endHouse(), jobs.stop()]));
}

/** What must be looked at from time to time; each act is safe to repeat. */
function chores({
  world,
  authorizations,
  growing,
  workRows,
}: Pick<System, 'world' | 'authorizations' | 'growing' | 'workRows'>): Chore[] {
  return [
    { kind: 'lost analyses', everyMs: minute, work: () => failLostAnalyses(world) },
    { kind: 'waiting analyses', everyMs: minute, work: () => wakeAnalyses(world) },
    { kind: 'unsettled studies', everyMs: minute, work: () => settleOverdue(world) },
    { kind: 'overdue studies', everyMs: minute, work: () => completeOverdue(world) },
    { kind: 'owed reports', everyMs: minute, work: () => oweReports(world) },
    { kind: 'owed mails', everyMs: 10_000, work: () => oweMails(world) },
    { kind: 'mails without a row', everyMs: 10 * minute, firstMs: 10_000, work: () => oweUnwritten(world) },
    { kind: 'old deliveries', everyMs: hour, work: () => forgetDeliveries(world) },
    { kind: 'old notices and drafts', everyMs: hour, work: () => forgetPersonal(world) },
    { kind: 'owed shadow runs', everyMs: 10 * minute, work: () => oweShadowRuns(world) },
    { kind: 'records of merged patients', everyMs: 10 * minute, work: () => carryOnMerges(world) },
    { kind: 'expired sessions', everyMs: 10 * minute, work: () => authorizations.sweep() },
    { kind: 'audit seals', everyMs: minute, firstMs: 5_000, work: () => sealAudit(world) },
    { kind: 'turns of keys', everyMs: hour, firstMs: minute, work: () => turnSmartKeys(authorizations, world.now()) },
    { kind: 'audit partitions', everyMs: hour, firstMs: minute, work: growing.keepAudit },
    { kind: 'rows of work', everyMs: 10 * minute, firstMs: minute, work: () => mendWorkRows(workRows, world.now()) },
    { kind: 'old news', everyMs: hour, work: growing.trimChanges },
    { kind: 'removed images', everyMs: hour, firstMs: 10 * minute, work: () => purgeRemoved(world) },
    { kind: 'blobs without rows', everyMs: hour, work: () => sweepBlobs(world) },
  ];
}
