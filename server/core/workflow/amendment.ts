import type { CodeableConcept, Task, TaskInput } from '@medplum/fhirtypes';
import { type Kept, create, put } from '../records/server-write.ts';
import { versioned } from '../r4/pointer.ts';
import { dataConcept } from '../vocabulary/review-codes.ts';
import type { WriteContext } from '../world.ts';
import { recordProvenance } from './provenance.ts';
import { stepTask } from './review-tasks.ts';
import { openSteps, type Review } from './review.ts';

/** What is owed to a report that is released. */
export interface OwedAmendment {
  kind: 'addendum' | 'correction' | 'amendment';
  reason: CodeableConcept;
  inputs?: TaskInput[];
}

/**
 * A released report must be amended: a step for the doctor, or what is added to the one that is open already.
 *
 * @param coordination locked
 */
export async function oweAmendment(
  context: WriteContext,
  coordination: Kept<'Task'>,
  { kind, reason, inputs = [] }: OwedAmendment,
): Promise<Kept<'Task'>> {
  const at = context.world.now();
  const review: Review = { context, coordination, status: 'REPORT_READY', at };
  const [standing] = await openSteps(review, 'report-amendment');
  const kindInput: TaskInput = { type: dataConcept('amendment-kind'), valueCodeableConcept: dataConcept(kind) };
  const step: Kept<'Task'> = standing
    ? await put(context, { ...standing, lastModified: at.toISOString(), input: [...(standing.input ?? []), ...inputs] })
    : await create(context, {
        ...(stepTask(coordination as Task, {
          code: 'report-amendment',
          at,
          input: [kindInput, ...inputs],
        }) as Kept<'Task'>),
        statusReason: reason,
      });
  await recordProvenance(context, {
    act: 'owe-amendment',
    operation: standing ? 'UPDATE' : 'CREATE',
    targets: [versioned(step)],
  });
  return step;
}
