import { everything } from '../access/narrowing.ts';
import { Problem } from '../problem.ts';
import { auditRefusal } from '../records/audit-refusal.ts';
import type { StoredRecord } from '../records/record-store.ts';
import { traceOf } from '../trace.ts';
import type { WriteContext } from '../world.ts';
import { entityOf } from './locate.ts';
import type { RemovedInstance } from './removal-store.ts';
import { actingOn } from './remove.ts';
import { settleStudy } from './settle-study.ts';

/** What of a study is brought back: all that was deleted, unless it is named more closely. */
export interface Restoring {
  reason: string;
  SeriesInstanceUID?: string;
  SOPInstanceUID?: string;
  /** What rejection notes took away too. Without it a note's word stands, however much is brought back. */
  rejected: boolean;
}

/**
 * Brings back what was removed of a study and is still kept, in the caller's transaction: images are where they were, and
 * the study is settled with them as if they had come anew.
 *
 * @returns the ImagingStudy as it is now.
 * @throws Problem `forbidden` for all but administrators with a scope that changes studies; `not-found` without such a
 * study, or when nothing of it is kept that could come back.
 */
export async function restoreStudy(context: WriteContext, id: string, wish: Restoring): Promise<StoredRecord> {
  const row = {
    action: 'U' as const,
    event: 'fhir:restore',
    entities: [`ImagingStudy/${id}`],
    query: `reason=${wish.reason}`,
  };
  try {
    const { StudyInstanceUID, patientId, back } = await restored(context, id, wish);
    const parts = back.slice(0, 100).map(({ byNote: _note, reason: _reason, ...part }) => entityOf(part));
    await context.stores.audit.append({
      ...row,
      entities: [...row.entities, entityOf({ StudyInstanceUID }), ...parts],
      outcome: 'success',
      principal: context.principal,
      patients: [patientId],
      ...traceOf(context),
    });
    return (await context.stores.records.read('ImagingStudy', id, everything))!;
  } catch (error) {
    await auditRefusal(context, error, row);
    throw error;
  }
}

async function restored(
  context: WriteContext,
  id: string,
  wish: Restoring,
): Promise<{ StudyInstanceUID: string; patientId: string; back: RemovedInstance[] }> {
  const { stores, principal } = context;
  if (principal.kind === 'user' && principal.role !== 'admin')
    throw new Problem('forbidden', 'Only an administrator may bring back removed images.');
  const visible = await stores.records.read('ImagingStudy', id, actingOn(principal, 'u', 'update'));
  const StudyInstanceUID = visible?.resource && (await stores.studies.tiedTo(id));
  const study = StudyInstanceUID === undefined ? undefined : await stores.studies.lockStudy(StudyInstanceUID);
  if (!study || study.imagingStudyId !== id) throw new Problem('not-found', `ImagingStudy/${id} has no images here.`);
  const back = (await stores.removals.removed(study.StudyInstanceUID)).filter(
    (one) =>
      (wish.rejected || !one.byNote) &&
      (wish.SeriesInstanceUID === undefined || one.SeriesInstanceUID === wish.SeriesInstanceUID) &&
      (wish.SOPInstanceUID === undefined || one.SOPInstanceUID === wish.SOPInstanceUID),
  );
  if (back.length === 0)
    throw new Problem(
      'not-found',
      'Nothing that was removed of it is kept and could be brought back so; what a rejection note took away comes back with rejected = true only.',
    );
  const added = back.map(({ SOPInstanceUID }) => SOPInstanceUID);
  await stores.removals.bringBack(study.StudyInstanceUID, added);
  await settleStudy(context, study.StudyInstanceUID, study, { added });
  return { StudyInstanceUID: study.StudyInstanceUID, patientId: study.patientId, back };
}
