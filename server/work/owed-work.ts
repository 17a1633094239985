import type { Job } from '../core/jobs.ts';
import type { ReadsFrom, World, WritesTo } from '../core/world.ts';
import { mendLacking } from '../core/workflow/owed-work.ts';
import { endIssue } from './issue-report.ts';
import { searchOwn } from '../core/records/own-search.ts';
import { systems } from '../core/vocabulary/systems.ts';
import { withdrawalJob } from '../core/workflow/withdrawal.ts';
import { recordEnd } from './send-report.ts';
import { recordWithdrawal } from './send-withdrawal.ts';

/**
 * Reports that are approved and of which no job waits or runs are owed again; where the job's last try failed or died,
 * the step ends as the handler would have ended it: `print-failed`, and a fresh approval waits.
 */
export function oweReports(world: World): Promise<number> {
  return mendLacking(world, { step: 'report-delivery', status: 'requested', kind: 'issue-report' }, (step, last) =>
    last === 'failed' ? endIssue(world, step.id) : owe(world, reportJob('issue-report', step.id)),
  );
}

/** Released reports that nobody brings to their patients, the same way: `delivery-failed`, which an admin sees. */
export function oweMails(world: World): Promise<number> {
  return mendLacking(world, { step: 'report-delivery', status: 'in-progress', kind: 'send-report' }, (step, last) =>
    last === 'failed'
      ? recordEnd(world, step.id, { sent: false, reason: 'delivery-failed' })
      : owe(world, reportJob('send-report', step.id)),
  );
}

/** Messages that a report was withdrawn, of which no job waits or runs; one whose last try died ends as `delivery-failed`. */
export async function oweWithdrawals(world: World): Promise<number> {
  const messageId = { parameter: 'identifier', values: [`${systems.messageId}|`] };
  const owed = { parameter: 'status', values: ['preparation'] };
  const { found } = await world.read((stores) =>
    searchOwn(stores, 'Communication', [messageId, owed], { count: mostMessages }),
  );
  const own = found.filter(({ id, identifier }) => identifier?.some(({ value }) => value?.startsWith(`<withdrawal.${id}@`))); // prettier-ignore
  const lacking = await world.read(({ jobs }) => jobs.lacking('send-withdrawal', own.map(({ id }) => id))); // prettier-ignore
  for (const { key, last } of lacking)
    if (last === 'failed') await recordWithdrawal(world, key, { sent: false, reason: 'delivery-failed' });
    else await owe(world, withdrawalJob(key));
  return lacking.length;
}

/** Of one turn; the oldest come first. */
const mostMessages = 500;

function reportJob(kind: 'issue-report' | 'send-report', task: string): Job {
  return { kind, key: task, data: { task } };
}

/** Shorter than the queue remembers how a job ended: a run that failed for good is not asked for again after that. */
const shadowDays = 3;
const mostRuns = 2_000;

/**
 * Runs of the shadow that should be there since it was appointed, and of which no job is known. One whose job ended,
 * well or not, concerns nobody any more.
 */
export async function oweShadowRuns(
  world: Pick<World, 'now'> & ReadsFrom<'models' | 'analyses' | 'jobs'> & WritesTo<'jobs'>,
): Promise<number> {
  const lost = await world.read(async ({ models, analyses, jobs }) => {
    const digest = await models.shadow();
    if (digest === undefined) return [];
    const appointed = (await models.changes()).find((change) => change.digest === digest && change.to === 'shadow');
    const since = Math.max(world.now().getTime() - shadowDays * 86_400_000, appointed?.at.getTime() ?? 0);
    const runs = await analyses.withoutShadow(digest, new Date(since), mostRuns);
    const data = new Map(runs.map((run) => [`${run.task}/${digest}`, { ...run, digest }]));
    const lacking = await jobs.lacking('shadow', [...data.keys()]);
    return lacking.filter(({ last }) => last === undefined).map(({ key }) => ({ key, data: data.get(key)! }));
  });
  for (const run of lost) await owe(world, { kind: 'shadow', ...run });
  return lost.length;
}

function owe(world: WritesTo<'jobs'>, job: Job): Promise<void> {
  return world.transaction(({ jobs }) => jobs.enqueue(job));
}
