import type { AuditRow } from '../access/audit-trail.ts';
import type { Narrowing } from '../access/narrowing.ts';
import { narrow } from '../access/policy.ts';
import { isUid } from '../dicom/uid.ts';
import { callerOf, type Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { auditRefusal } from '../records/audit-refusal.ts';
import { inOneTransaction } from '../records/write.ts';
import { traceOf } from '../trace.ts';
import type { World, WriteContext } from '../world.ts';
import type { EmptyAs } from './imaging-study.ts';
import { entityOf, type Asking } from './locate.ts';
import { isOver, type RemovalReason } from './removal-reasons.ts';
import type { Removing, StoredName } from './removal-store.ts';
import { settleStudy } from './settle-study.ts';
import type { StudyPart } from './study-store.ts';

const day = 24 * 3_600_000;
/** Instances that an audit row names; of more it names the part that they are. */
const namedLimit = 100;

/**
 * Deletes a study, a series or an instance for a person or a service: hidden at once from everybody, kept to be brought
 * back until the retention time is over. The study is settled, so that its ImagingStudy and its review know.
 *
 * @throws Problem `value` for what is no UID; `forbidden` without the role or a scope that deletes; `not-found` for what is
 * not there or not to be seen; `conflict` while a review of the study runs.
 */
export async function removePart(world: World, asking: Asking, part: StudyPart, reason: RemovalReason): Promise<void> {
  for (const uid of [part.StudyInstanceUID, part.SeriesInstanceUID, part.SOPInstanceUID])
    if (uid !== undefined && !isUid(uid)) throw new Problem('value', 'The path holds something that is not a UID');
  await inOneTransaction(world, asking, async (context) => {
    const row = {
      action: 'D' as const,
      event: 'dicomweb:delete',
      entities: [entityOf(part)],
      query: `reason=${reason}`,
    };
    try {
      await removeVisible(context, part, reason, row);
    } catch (error) {
      await auditRefusal({ ...context, ...traceOf(asking) }, error, row);
      throw error;
    }
  });
}

async function removeVisible(
  context: WriteContext,
  part: StudyPart,
  reason: RemovalReason,
  row: Pick<AuditRow, 'action' | 'event' | 'query'>,
): Promise<void> {
  const { stores, principal } = context;
  const narrowing = mayRemove(principal);
  const study = await stores.studies.lockStudy(part.StudyInstanceUID);
  const found = study ? await stores.studies.addresses(part, narrowing) : [];
  if (!study || found.length === 0) throw new Problem('not-found', 'There is nothing stored under these UIDs');
  for (const guard of context.world.removalGuards) await guard(context, study.imagingStudyId);

  const uids = found.map(({ SOPInstanceUID }) => SOPInstanceUID);
  const why = removing(context, reason);
  const removed = await stores.removals.putAside(part.StudyInstanceUID, uids, why);
  // What was taken away for patient safety is known by its name for ever.
  if (reason === '113037')
    await stores.removals.bar(part.StudyInstanceUID, removed, { ...why, patientId: study.patientId });
  await settleStudy(context, part.StudyInstanceUID, study, { removed, ...emptyAs(reason) });
  const instances = found.length <= namedLimit ? found.map(entityOf) : [];
  await stores.audit.append({
    ...row,
    outcome: 'success',
    principal,
    patients: [study.patientId],
    entities: [...new Set([entityOf(part), `ImagingStudy/${study.imagingStudyId}`, ...instances])],
    ...traceOf(context),
  });
}

/**
 * What the caller may delete: what its scopes to delete ImagingStudies would let it read.
 * @throws Problem `forbidden`.
 */
function mayRemove(principal: Principal): Narrowing {
  if (principal.kind === 'user' && principal.role !== 'admin' && principal.role !== 'doctor')
    throw new Problem('forbidden', 'Only a doctor, an administrator or a service may delete images.');
  return actingOn(principal, 'd', 'delete');
}

/**
 * What the scopes with one permission let their holder see, for acts on images, of which the table of FHIR writes says
 * nothing.
 * @throws Problem `forbidden` when there are none.
 */
export function actingOn(principal: Principal, permission: 'd' | 'u', act: string): Narrowing {
  if (principal.kind === 'system') return narrow(principal, 'ImagingStudy', 'read');
  const scopes = principal.scopes
    .filter(({ permissions }) => permissions.includes(permission))
    .map((scope) => ({ ...scope, permissions: 'r' }));
  try {
    return narrow({ ...principal, scopes }, 'ImagingStudy', 'read');
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'forbidden') throw error;
    throw new Problem('forbidden', `The token does not allow to ${act} ImagingStudy.`);
  }
}

/** What a study is that loses its last image for this reason. */
export const emptyAs = (reason: RemovalReason): EmptyAs => ({
  emptyAs: isOver(reason) ? 'cancelled' : 'entered-in-error',
});

/** Why, by whom and until when, for what is removed in this transaction. */
export function removing(context: WriteContext, reason: RemovalReason, note?: StoredName): Removing {
  const { world, principal, requestId } = context;
  const { retentionDays, expiredRetentionDays } = world.settings.removal;
  const at = world.now();
  const days = isOver(reason) ? expiredRetentionDays : retentionDays;
  return {
    reason,
    ...(note && { note }),
    by: callerOf(principal),
    ...(requestId !== undefined && { requestId }),
    at,
    purgeAfter: new Date(at.getTime() + days * day),
  };
}
