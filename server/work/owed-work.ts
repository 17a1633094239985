import type { Job, World } from '../core/ports.ts';
import { mendLacking } from '../core/workflow/owed-work.ts';
import { endIssue } from './issue-report.ts';
import { recordEnd } from './send-report.ts';

/**
 * Reports that are approved and of which no job waits or runs are owed again; where the job's last try failed or died,
 * the step ends as the handler would have ended it: `print-failed`, and a fresh approval waits.
 */
export function oweReports(world: World): Promise<number> {
  return mendLacking(world, { step: 'report-delivery', status: 'requested', kind: 'issue-report' }, (step, last) =>
    last === 'failed' ? endIssue(world, step.id) : world.jobs.enqueue(reportJob('issue-report', step.id)),
  );
}

/** Released reports that nobody brings to their patients, the same way: `delivery-failed`, which an admin sees. */
export function oweMails(world: World): Promise<number> {
  return mendLacking(world, { step: 'report-delivery', status: 'in-progress', kind: 'send-report' }, (step, last) =>
    last === 'failed'
      ? recordEnd(world, step.id, { sent: false, reason: 'delivery-failed' })
      : world.jobs.enqueue(reportJob('send-report', step.id)),
  );
}

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
export async function oweShadowRuns(world: Pick<World, 'models' | 'analyses' | 'jobs' | 'now'>): Promise<number> {
  const digest = await world.models.shadow();
  if (digest === undefined) return 0;
  const appointed = (await world.models.changes()).find((change) => change.digest === digest && change.to === 'shadow');
  const since = Math.max(world.now().getTime() - shadowDays * 86_400_000, appointed?.at.getTime() ?? 0);
  const runs = await world.analyses.withoutShadow(digest, new Date(since), mostRuns);
  const findings = new Map(runs.map(({ task, finding }) => [`${task}/${digest}`, { task, finding }]));
  const lacking = await world.jobs.lacking('shadow', [...findings.keys()]);
  const lost = lacking.filter(({ last }) => last === undefined);
  for (const { key } of lost)
    await world.jobs.enqueue({ kind: 'shadow', key, data: { ...findings.get(key)!, digest } });
  return lost.length;
}
