import type { Resource } from '@medplum/fhirtypes';
import { narrow } from '../../access/policy.ts';
import type { Principal } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import { inOneTransaction, write } from '../../records/write.ts';
import type { Trace } from '../../trace.ts';
import type { World, WriteContext } from '../../world.ts';
import { openSteps, reviewAt } from '../review.ts';
import { stepsOfRole } from './queues.ts';

export interface Claims {
  claimed: string[];
  refused: { review: string; why: string }[];
}

/**
 * Claims the step of each review that waits for the person's role, each in a transaction of its own and by the rule that
 * holds for everybody who claims: what another person has claimed meanwhile is refused, the others go on. Who claims
 * again what is claimed already changes nothing.
 */
export async function claimWork(
  world: World,
  principal: Principal,
  reviews: readonly string[],
  trace: Trace,
): Promise<Claims> {
  const claims: Claims = { claimed: [], refused: [] };
  for (const review of new Set(reviews)) {
    try {
      await inOneTransaction(world, { principal, ...trace }, (context) => claimOne(context, review));
      claims.claimed.push(review);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      claims.refused.push({ review, why: error.message });
    }
  }
  return claims;
}

async function claimOne(context: WriteContext, id: string): Promise<void> {
  const { stores, principal } = context;
  const seen = await stores.records.read('Task', id, narrow(principal, 'Task', 'read'));
  if (!seen?.resource) throw new Problem('not-found', 'There is no such review.');
  const review = await reviewAt(context, { reference: `Task/${id}` });
  const steps = await openSteps(review);
  const kinds = (principal.role && stepsOfRole[principal.role]) ?? [];
  const ofPeople = kinds.filter((kind) => kind !== 'ai-inference');
  const step = ofPeople.flatMap((kind) => steps.filter(({ code }) => code?.coding?.some((one) => one.code === kind)))[0];
  if (!step) throw new Problem('conflict', `The review is ${review.status}: no step of it waits for you.`);
  const resource: Resource = { ...step, status: 'in-progress' };
  await write(context, { method: 'update', id: step.id, resource });
} // prettier-ignore
