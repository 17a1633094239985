import type { TakenJob } from '../core/jobs.ts';
import { pushMessage } from '../core/notices/push-words.ts';
import { openTarget } from '../core/notices/push-targets.ts';
import { Problem } from '../core/problem.ts';
import { everything } from '../core/access/narrowing.ts';
import { patientsOf } from '../core/access/compartment.ts';
import type { World } from '../core/world.ts';

/**
 * Tells browsers that there is news. The job of a notice becomes one job for each browser, so that a push service which is
 * away makes nobody else wait, and nobody is told twice.
 *
 * @param job data.notice: its id; data.subscription: that of the browser.
 * @throws Problem `transient` when the push service is away: the queue tries again.
 */
export async function push(world: World, { data }: TakenJob): Promise<void> {
  const notice = String(data['notice']);
  const subscription = data['subscription'];
  if (subscription === undefined) return spread(world, notice, data);
  return tellOne(world, String(subscription), data['urgent'] === true);
}

async function spread(world: World, notice: string, { review, urgent }: TakenJob['data']): Promise<void> {
  const patient = review === undefined ? undefined : await patientOfReview(world, String(review));
  await world.transaction(async ({ pushes, jobs }) => {
    for (const subscription of await pushes.hearing(notice, patient)) {
      const data = { notice, subscription, ...(urgent !== undefined && { urgent }) };
      await jobs.enqueue({ kind: 'push', key: `${notice}/${subscription}`, data });
    }
  });
}

async function patientOfReview({ read, settings }: World, review: string): Promise<string | undefined> {
  const task = await read(({ records }) => records.read('Task', review, everything));
  return task?.resource && patientsOf(task.resource, settings.fhirBaseUrl)[0];
}

async function tellOne(world: World, id: string, urgent: boolean): Promise<void> {
  const subscription = await world.read(({ pushes }) => pushes.byId(id));
  if (!subscription) return; // signed out meanwhile
  const target = openTarget(world.secrets, subscription);
  const end = await world.push.send(target, pushMessage(subscription.language), { urgent }).catch((error: unknown) => {
    // An address that was public and is private now.
    if (error instanceof Problem && error.code === 'value') return 'gone' as const;
    throw error;
  });
  if (end === 'gone') await world.transaction(({ pushes }) => pushes.removeById(id));
}
