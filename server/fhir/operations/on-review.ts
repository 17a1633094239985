/** Operations on a review: the address names its coordination Task. */
import { narrow } from '../../core/access/policy.ts';
import { idIn } from '../../core/r4/pointer.ts';
import { Problem } from '../../core/problem.ts';
import { traceOf } from '../../core/trace.ts';
import { statusOf } from '../../core/vocabulary/review-codes.ts';
import { canonical } from '../../core/vocabulary/systems.ts';
import type { WriteContext } from '../../core/world.ts';
import type { Kept } from '../../core/records/server-write.ts';
import { inOneAct } from './in-one-act.ts';
import type { Asked, Operation } from './operation.ts';

/** @returns the Task that the operation answers with. */
export type ReviewWork = (context: WriteContext, coordination: Kept<'Task'>, asked: Asked) => Promise<Kept<'Task'>>;

/**
 * `Task/{T0}/$[name]`: one transaction, in which the act and its row in the audit trail are kept or not at all.
 *
 * @param work refuses by the table of transitions, under the lock of the review.
 */
export function onReview(name: string, work: ReviewWork): Operation {
  return {
    type: 'Task',
    name,
    definition: `${canonical}/OperationDefinition/Task-${name}`,
    level: 'instance',
    async run(exchange, asked, id) {
      const act = { event: `fhir:$${name}`, entities: [`Task/${id}`] };
      const task = await inOneAct(exchange, act, async (context) => {
        const done = await work(context, await coordinationOf(context, id), asked);
        const patient = idIn(done.for, 'Patient');
        await context.stores.audit.append({
          action: 'E',
          event: act.event,
          entities: [...act.entities, `Task/${done.id}/_history/${done.meta?.versionId}`],
          outcome: 'success',
          principal: context.principal,
          patients: patient === undefined ? [] : [patient],
          ...traceOf(context),
        });
        return done;
      });
      return { status: 200, resource: task };
    },
  };
}

/** @throws Problem `forbidden`, `not-found` for what the caller may not change or see; `not-supported` for another Task. */
async function coordinationOf({ principal, stores }: WriteContext, id: string): Promise<Kept<'Task'>> {
  const record = await stores.records.read('Task', id, narrow(principal, 'Task', 'update'));
  if (!record?.resource) throw new Problem('not-found', `Task/${id} does not exist.`);
  const task = record.resource as Kept<'Task'>;
  if (!statusOf(task.businessStatus))
    throw new Problem('business-rule', 'The operation is on the coordination Task of a review, not on a step of it.');
  if (principal.fhirUser === undefined) throw new Problem('forbidden', 'The account has no FHIR resource of its own.');
  return task;
}
