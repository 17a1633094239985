import { narrow } from '../access/policy.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import type { Kept } from '../records/server-write.ts';
import { stepOf } from '../vocabulary/review-codes.ts';
import { stepsOf } from '../workflow/review-steps.ts';
import { isEnded } from '../workflow/task-moves.ts';
import type { Reading, World } from '../world.ts';
import { gatherPreview } from './gather-report.ts';
import type { OneByOne } from './one-by-one.ts';
import { reportHtml } from './report-html.ts';

/** A review whose report somebody is to release. */
export interface Waiting {
  coordination: Kept<'Task'>;
  steps: Kept<'Task'>[];
  /** The `release-approval` that is open. */
  approval: Kept<'Task'>;
}

/**
 * The review, as far as the person may read it, and the approval that waits.
 *
 * @throws Problem `not-found`, also for a review that the person may not see; `conflict` when no approval waits.
 */
export async function waitingForRelease(
  stores: Pick<Reading, 'records'>,
  principal: Principal,
  review: string,
): Promise<Waiting> {
  const found = await stores.records.read('Task', review, narrow(principal, 'Task', 'read'));
  const coordination = found?.resource as Kept<'Task'> | undefined;
  // Steps are Tasks, too; of a deleted one there is no resource.
  if (!coordination || coordination.partOf) throw new Problem('not-found', 'There is no such review.');
  const steps = await stepsOf(stores, coordination.id);
  const approval = steps.findLast((step) => stepOf(step.code) === 'release-approval' && !isEnded(step.status));
  if (!approval)
    throw new Problem(
      'conflict',
      'No report of this review waits for its release: somebody has released it or sent it back. Look at the list again.',
    );
  return { coordination, steps, approval };
}

/**
 * The report as it would leave the house if it were approved now, as PDF: from the same records, by the same layout and
 * browser as the report itself, with "Preview, not released" on every page. Nothing of it is kept, and no number is taken.
 *
 * @throws Problem as `waitingForRelease`; `not-supported` where no browser is; `throttled` when too many are asked for;
 *   signature-mismatch (`isMismatch`), as the release itself would.
 */
export async function previewReport(
  world: World,
  places: OneByOne,
  asked: { principal: Principal; review: string; signal: AbortSignal },
): Promise<{ pdf: Uint8Array; patient: string | undefined }> {
  const { coordination, approval } = await world.read((stores) =>
    waitingForRelease(stores, asked.principal, asked.review),
  );
  const pdf = world.pdf.elsewhere
    ? await world.pdf.print('') // says so
    : await places.take(asked.signal, async () =>
        world.pdf.print(reportHtml(await gatherPreview(world, approval, world.now()))),
      );
  return { pdf, patient: coordination.for?.reference?.replace('Patient/', '') };
}
