import type { ImagingStudy, Task } from '@medplum/fhirtypes';
import { redirectReferences } from '../records/redirect-references.ts';
import { type Kept, put } from '../records/server-write.ts';
import type { StudyMove } from '../studies/study-follower.ts';
import type { WriteContext } from '../world.ts';
import { type Pointer, referenceTo } from '../r4/pointer.ts';
import { reasonConcept, statusOf } from '../vocabulary/review-codes.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { leaveOrder } from './leave-order.ts';
import { openReview } from './open-review.ts';
import { partsOf, retractReview } from './retract.ts';
import { stepsOf } from './review-steps.ts';
import { reviewOfStudy, reviewsOfStudy } from './review-of-study.ts';

/**
 * What becomes of the review of a study that comes to another patient.
 *
 * The same person under another record (merge, unmerge): the reviews of the study, all of them, are about the other
 * record from now on, and go on where they are. Another person (move): what was read is retracted, for it was read and
 * perhaps released as somebody else's, and a review of the right person's begins.
 */
export async function followOwner(context: WriteContext, move: StudyMove): Promise<void> {
  return move.kind === 'move' ? beginAnew(context, move) : carryAlong(context, move);
}

async function beginAnew(context: WriteContext, { imagingStudy, text }: StudyMove): Promise<void> {
  const last = await reviewOfStudy(context.stores, imagingStudy.id);
  if (last) {
    const reason = { ...reasonConcept('wrong-patient'), ...(text !== undefined && { text }) };
    if (statusOf(last.businessStatus) !== 'RETRACTED') await retractReview(context, last, { reason });
    await leaveOrder(context, last, imagingStudy);
  }
  const accession = accessionOf(imagingStudy);
  await openReview(context, { imagingStudy, ...(accession !== undefined && { accession }), added: [], removed: [] });
}

/** DICOM's Accession Number, as settle-study.ts writes it. */
function accessionOf({ identifier }: ImagingStudy): string | undefined {
  const isAccession = (code: string | undefined) => code === 'ACSN';
  return identifier?.find(({ type }) => isAccession(codeOf(type, systems.identifierType)))?.value;
}

async function carryAlong(context: WriteContext, { imagingStudy, from, to }: StudyMove): Promise<void> {
  const names = { from: `Patient/${from}`, to: `Patient/${to}`, baseUrl: context.world.settings.fhirBaseUrl };
  for (const coordination of await reviewsOfStudy(context.stores, imagingStudy.id)) {
    const steps = (await stepsOf(context.stores, coordination.id)).map(referenceTo);
    const order = coordination.focus?.reference;
    const parts = await partsOf({ context, coordination });
    const all: Pointer[] = [referenceTo(coordination), ...steps, ...parts, ...(order ? [{ reference: order }] : [])];
    for (const { reference } of all) {
      const [type, id] = reference.split('/') as [Task['resourceType'], string];
      const part = (await context.stores.records.lock(type, id))?.resource as Kept<'Task'> | undefined;
      const redirected = part && redirectReferences(part, names);
      if (redirected !== part) await put(context, redirected!);
    }
  }
}
