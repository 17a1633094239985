/**
 * The `report-amendment` step: what a doctor owes, or wants, to add to a report that is released. The released report
 * stays as it is until the amendment is released in its turn (docs/workflow.md).
 */
import type { CodeableConcept, Task, TaskInput } from '@medplum/fhirtypes';
import { type Pointer, referenceTo, versioned } from '../r4/pointer.ts';
import { create, type Kept, put } from '../records/server-write.ts';
import { dataConcept, type ReviewData, stepOf } from '../vocabulary/review-codes.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';
import { recordProvenance } from './provenance.ts';
import { inputOf, stepTask } from './review-tasks.ts';
import { openSteps, type Review, reviewAt } from './review.ts';
import { stepsOf } from './review-steps.ts';
import { transitionFor } from './scan-review.ts';
import { isEnded } from './task-moves.ts';

/**
 * `addendum` adds below the text that stands; `correction` says that something was wrong; `amendment` changes without
 * there having been a mistake (FHIR diagnostic-report-status: appended, corrected, amended).
 */
export const amendmentKinds = ['addendum', 'correction', 'amendment'] as const satisfies readonly ReviewData[];
export type AmendmentKind = (typeof amendmentKinds)[number];

export interface Owed {
  kind: AmendmentKind;
  reason: CodeableConcept;
  /** What the doctor has to look at, `image-update` for one. */
  inputs?: TaskInput[];
}

/**
 * An amendment of a released report is owed: the step waits for a doctor. Where one waits or is being written already,
 * that one gets the reason and the new inputs.
 *
 * @throws Problem `conflict` for a review without a released report.
 */
export async function oweAmendment(review: Review, owed: Owed): Promise<Kept<'Task'>> {
  const { context, coordination } = review;
  if (review.status !== 'REPORT_READY')
    throw new Problem('conflict', `The review is ${review.status}: only a released report is amended.`);
  const [open] = await openSteps(review, 'report-amendment');
  const step = open ? await addTo(review, open, owed) : await create(context, amendmentStep(review, owed));
  await recordProvenance(context, {
    act: owed.kind,
    operation: open ? 'UPDATE' : 'CREATE',
    targets: [versioned(step)],
    sources: [referenceTo(coordination)],
  });
  return step;
}

/**
 * Somebody asks for an amendment of a released report: one at a time, so that two people cannot both write the next
 * version.
 *
 * @throws Problem `forbidden`, `conflict` by the table of transitions; `conflict` while another one is open.
 */
export async function requestAmendment(
  context: WriteContext,
  coordination: Pointer,
  owed: Owed,
): Promise<Kept<'Task'>> {
  const review = await reviewAt(context, coordination);
  transitionFor(review.status, 'addendum', context.principal.role);
  const [waiting] = await openSteps(review, 'report-amendment');
  const open = waiting ?? (await underWay(review));
  if (open) {
    throw new Problem(
      'conflict',
      `An amendment of this report is open already (Task/${open.id}): end it, or have it released, first.`,
    );
  }
  return oweAmendment(review, owed);
}

export function amendmentStep(review: Review, { kind, reason, inputs = [] }: Owed): Task & { id: string } {
  return {
    ...stepTask(review.coordination, {
      code: 'report-amendment',
      at: review.at,
      input: [
        { type: dataConcept('amendment-kind'), valueCodeableConcept: dataConcept(kind) },
        { type: dataConcept('amendment-reason'), valueCodeableConcept: reason },
        ...inputs,
      ],
    }),
    reasonCode: reason,
  };
}

async function addTo(review: Review, open: Kept<'Task'>, { reason, inputs = [] }: Owed): Promise<Kept<'Task'>> {
  const why = { type: dataConcept('amendment-reason'), valueCodeableConcept: reason };
  return put(review.context, {
    ...open,
    lastModified: review.at.toISOString(),
    input: [...(open.input ?? []), why, ...inputs],
  });
}

/** What an amendment is for; the kind never changes while it is open. */
export function kindOf(step: Task): AmendmentKind {
  const stated = step.input?.find(({ type }) => codeOf(type, systems.reviewData) === 'amendment-kind');
  const code = codeOf(stated?.valueCodeableConcept, systems.reviewData);
  return amendmentKinds.find((kind) => kind === code) ?? 'amendment';
}

/** The amendment that a later step (pharmacist, release, delivery) brings to its end; undefined in the first release. */
export function amendmentOf(step: Task): Pointer | undefined {
  return inputOf(step, 'amended-by');
}

/** The step that brings an amendment to its release, if one is on its way: a mail that is still owed is no such step. */
export async function underWay({ context, coordination }: Review): Promise<Kept<'Task'> | undefined> {
  const steps = await stepsOf(context.stores, coordination.id);
  return steps.find((step) => amendmentOf(step) && !isEnded(step.status) && !isMailing(step));
}

function isMailing(step: Task): boolean {
  return stepOf(step.code) === 'report-delivery' && step.status === 'in-progress';
}
