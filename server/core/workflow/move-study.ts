import type { ImagingStudy } from '@medplum/fhirtypes';
import { narrow } from '../access/policy.ts';
import { mustMayGiveOut } from '../access/restricted.ts';
import { Problem } from '../problem.ts';
import type { RelatedRecord } from '../records/record-store.ts';
import type { Kept } from '../records/server-write.ts';
import { giveStudyTo, standingPatient } from '../studies/study-owner.ts';
import { traceOf } from '../trace.ts';
import type { WriteContext } from '../world.ts';
import { requireMoveRight } from './patients/merge-rights.ts';
import { reviewOfStudy } from './review-of-study.ts';

export interface MovedStudy {
  imagingStudy: ImagingStudy & { id: string };
  /** The review that begins with the right patient. */
  review: Kept<'Task'> | undefined;
  /** What people wrote about the study that is with the wrong patient still: only they can say what is right. */
  left: RelatedRecord[];
}

/** Of what is left, so many are looked for. */
const mostLeft = 1_000;

/**
 * Gives the images of a study to the patient whose they are. What was read of them is retracted, released or not, and
 * kept from the wrong patient; the right one's review begins. Works back again in the same way.
 *
 * @throws Problem `forbidden`; `not-found` for a study that the caller does not see; `business-rule` for the patient who
 * has it already, one who is not there or was merged into another, and a study without images.
 */
export async function moveStudy(
  context: WriteContext,
  imagingStudyId: string,
  to: { patientId: string; reason: string },
): Promise<MovedStudy> {
  const { stores, principal } = context;
  requireMoveRight(principal);
  const seen = await stores.records.read('ImagingStudy', imagingStudyId, narrow(principal, 'ImagingStudy', 'read'));
  if (!seen?.resource) throw new Problem('not-found', `ImagingStudy/${imagingStudyId} does not exist.`);
  const uid = await stores.studies.tiedTo(imagingStudyId);
  if (uid === undefined)
    throw new Problem('business-rule', 'No images are stored for this ImagingStudy yet: change its subject by an update.'); // prettier-ignore
  // As a merge locks them: the Patient first, so that nobody retires who gets the study, and studies second.
  await stores.records.lock('Patient', to.patientId);
  const from = (await stores.studies.lockStudy(uid))!.patientId;
  if (principal.hidden?.includes(to.patientId))
    throw new Problem('business-rule', `Patient/${to.patientId} does not exist.`);
  await mustMayGiveOut(stores, principal, from);
  const { id: patientId } = await standingPatient(context, to.patientId);
  if (patientId === from) throw new Problem('business-rule', `The study is of Patient/${patientId} already.`);
  await stores.audit.append({
    action: 'E',
    event: 'fhir:move',
    outcome: 'success',
    principal,
    patients: [from, patientId],
    entities: [`ImagingStudy/${imagingStudyId}`],
    ...traceOf(context),
  });
  const imagingStudy = await giveStudyTo(context, uid, patientId, {
    reason: 'move',
    text: to.reason,
    at: context.world.now(),
  });
  return {
    imagingStudy,
    review: await reviewOfStudy(stores, imagingStudyId),
    left: await leftWith(context, imagingStudyId, from),
  };
}

/** Records of people that refer to the study and lie with the wrong patient; those of the retracted review are withheld. */
async function leftWith({ stores }: WriteContext, imagingStudyId: string, patient: string): Promise<RelatedRecord[]> {
  const about = await stores.records.relatedTo('ImagingStudy', imagingStudyId, mostLeft);
  const theirs = { kind: 'some' as const, grants: [{ patient, released: true as const }] };
  const left: RelatedRecord[] = [];
  for (const one of about) if (await stores.records.read(one.resourceType, one.id, theirs)) left.push(one);
  return left;
}
