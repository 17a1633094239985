import type { Job } from '../core/jobs.ts';
import type { ReadsFrom, World, WritesTo } from '../core/world.ts';
import { mendLacking } from '../core/workflow/owed-work.ts';
import { endIssue } from './issue-report.ts';
import { searchOwn } from '../core/records/own-search.ts';
import { systems } from '../core/vocabulary/systems.ts';
import { jobOf } from '../core/deliveries/owe-delivery.ts';
import type { SearchCondition } from '../core/search/search-query.ts';

/**
 * Reports that are approved and of which no job waits or runs are owed again; where the job's last try failed or died,
 * the step ends as the handler would have ended it: `print-failed`, and a fresh approval waits.
 */
export function oweReports(world: World): Promise<number> {
  return mendLacking(world, { step: 'report-delivery', status: 'requested', kind: 'issue-report' }, (step, last) =>
    last === 'failed' ? endIssue(world, step.id) : owe(world, reportJob(step.id)),
  );
}

/**
 * Messages whose next try has come, and of which no job waits or runs. The job is only the hand: its row says whether and
 * when a message is tried, however its last job ended.
 */
export async function oweMails(world: ReadsFrom<'deliveries' | 'jobs'> & WritesTo<'jobs'>): Promise<number> {
  const owed = await world.read(async ({ deliveries, jobs }) => {
    const due = (await deliveries.due(mostMessages)).map((one) => jobOf(one));
    const lacking: Job[] = [];
    for (const kind of new Set(due.map((job) => job.kind))) {
      const ofKind = due.filter((job) => job.kind === kind);
      const keys = new Set((await jobs.lacking(kind, ofKind.map(({ key }) => key))).map(({ key }) => key)); // prettier-ignore
      lacking.push(...ofKind.filter(({ key }) => keys.has(key)));
    }
    return lacking;
  });
  for (const job of owed) await owe(world, job);
  return owed.length;
}

/** Steps and messages that an earlier release left without a delivery get one. */
export async function oweUnwritten(world: World): Promise<number> {
  const steps = await searchAll(world, 'Task', [
    { parameter: 'code', values: [`${systems.reviewStep}|report-delivery`] },
    { parameter: 'status', values: ['in-progress'] },
  ]);
  const messages = await searchAll(world, 'Communication', [
    { parameter: 'identifier', values: [`${systems.messageId}|`] },
    { parameter: 'status', values: ['preparation'] },
  ]);
  const own = messages.filter(({ id, identifier }) => identifier?.some(({ value }) => value?.startsWith(`<withdrawal.${id}@`))); // prettier-ignore
  const subjects = [...steps, ...own].map(({ resourceType, id }) => `${resourceType}/${id}`);
  const missing = new Set(await world.read(({ deliveries }) => deliveries.withoutDelivery(subjects)));
  for (const subjectOf of missing) {
    const kind = subjectOf.startsWith('Task/') ? 'report' : 'withdrawal';
    await owe(world, jobOf({ id: '', kind, subjectOf }));
  }
  return missing.size;
}

async function searchAll<Type extends 'Task' | 'Communication'>(
  world: World,
  type: Type,
  conditions: SearchCondition[],
) {
  return (await world.read((stores) => searchOwn(stores, type, conditions, { count: mostMessages }))).found;
}

/** Of one turn; the longest due come first. */
const mostMessages = 500;

function reportJob(task: string): Job {
  return { kind: 'issue-report', key: task, data: { task } };
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
