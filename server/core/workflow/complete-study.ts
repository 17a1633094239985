import type { ImagingStudy } from '@medplum/fhirtypes';
import { mayAll } from '../access/policy.ts';
import { everything } from '../access/narrowing.ts';
import { newId } from '../identifier.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { systemPrincipal } from '../principal.ts';
import { auditRefusal } from '../records/audit-refusal.ts';
import { referenceTo } from '../r4/pointer.ts';
import { inOneTransaction } from '../records/write.ts';
import type { StoredRecord } from '../records/record-store.ts';
import { completionJob } from '../studies/settle-study.ts';
import { studyUidOf } from '../studies/study-uid.ts';
import { traceOf, type Trace } from '../trace.ts';
import type { World, WriteContext } from '../world.ts';
import { analyzeLate, beginAnalysis } from './analysis-step.ts';
import { reviewOfStudy } from './review-of-study.ts';
import { isBeforeReading, reviewAt } from './review.ts';
import { tellOfImages } from './tell-of-images.ts';

/**
 * The quiet time of a study may be over: then it is complete, and what waited for that follows in the same transaction.
 * If more images came meanwhile, it is looked at again when their time is over.
 */
export function completeWhenQuiet(world: World, imagingStudyId: string): Promise<void> {
  return inOneTransaction(world, { principal: systemPrincipal('study-completion') }, (context) =>
    complete(context, imagingStudyId, false),
  );
}

/**
 * A sender or a person says that a study is complete: an operation here, an MPPS that is COMPLETED (PS3.4 F.7) from a
 * modality. What waited for that follows at once. Of a study that is complete already nothing follows.
 *
 * @returns the ImagingStudy.
 * @throws Problem `forbidden` for whoever may not, `not-found`.
 */
export async function completeStudy(
  world: World,
  principal: Principal,
  imagingStudyId: string,
  trace: Trace = {},
): Promise<StoredRecord> {
  return inOneTransaction(world, { principal, ...trace }, async (context) => {
    const event = { action: 'U' as const, event: 'fhir:$complete', entities: [`ImagingStudy/${imagingStudyId}`] };
    try {
      mustBeAllowed(principal);
      const { stores } = context;
      const record = await stores.records.read('ImagingStudy', imagingStudyId, everything);
      if (!record?.resource) throw new Problem('not-found', `ImagingStudy/${imagingStudyId} does not exist.`);
      await complete({ ...context, principal: systemPrincipal('study-completion') }, imagingStudyId, true);
      const patients = [...(record.patients ?? [])];
      await stores.audit.append({ ...event, outcome: 'success', principal, patients, ...traceOf(context) });
      return record;
    } catch (error) {
      await auditRefusal(context, error, event);
      throw error;
    }
  });
}

/** Whose word it is that no more images come: the sender's, a doctor's, an administrator's. */
function mustBeAllowed(principal: Principal): void {
  const { kind, role, scopes } = principal;
  const isAdmin =
    role === 'admin' &&
    scopes.some(({ context, type, permissions, query }) => context === 'user' && (type === '*' || type === 'ImagingStudy') && permissions.includes('u') && query === undefined); // prettier-ignore
  const mayUpdate = (role === 'doctor' || kind !== 'user') && mayAll(principal, 'ImagingStudy', 'update');
  if (!isAdmin && !mayUpdate)
    throw new Problem(
      'forbidden',
      'A study is said to be complete by its sender (system/ImagingStudy.u), a doctor or an administrator.',
    );
}

async function complete(context: WriteContext, imagingStudyId: string, atOnce: boolean): Promise<void> {
  const { stores } = context;
  const read = async () =>
    (await stores.records.read('ImagingStudy', imagingStudyId, everything))?.resource as ImagingStudy | undefined;
  const uid = studyUidOf(await read());
  if (uid === undefined) return;
  const study = await stores.studies.lockStudy(uid);
  if (study?.imagingStudyId !== imagingStudyId) return;
  const state = await stores.studies.completeIfDue(uid, atOnce);
  if (typeof state === 'number') return stores.jobs.enqueue(completionJob(imagingStudyId, newId(), state));
  if (state === undefined) return;
  const [last, imagingStudy] = [await reviewOfStudy(stores, imagingStudyId), await read()];
  if (!last || !imagingStudy) return;
  const review = await reviewAt(context, referenceTo(last));
  if (review.status === 'PENDING_AI') return beginAnalysis(review);
  await tellOfImages(review, imagingStudy);
  if (isBeforeReading(review.status)) await analyzeLate(review);
}
