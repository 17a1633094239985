import type { DiagnosticReport, Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { Kept } from '../records/server-write.ts';
import { referenceTo } from '../r4/pointer.ts';
import { stepOf } from '../vocabulary/review-codes.ts';
import type { Reading, Surroundings } from '../world.ts';
import { amendmentOf } from './amendment.ts';
import { isFor, isReleased, lastOf, type ReportParts, releaseContent, reportParts } from './report-parts.ts';
import { mustStand, type Standing } from './signature.ts';

/** A report as it was signed and approved: what may be printed, and stored when it is. */
export interface SignedReport extends ReportParts {
  approval: Standing & { step: Kept<'Task'> };
  amendment: Kept<'Task'> | undefined;
  /** Amendments that are released, oldest first, and the one that this delivery releases. */
  amendments: Kept<'Task'>[];
  /** 1 for the first. */
  version: number;
}

/**
 * Reads the report of a delivery and holds all of it against its signatures: printing does it, and storing does it
 * again under the locks of its transaction.
 *
 * @throws Problem `conflict` without an approval; signature-mismatch (`isMismatch`).
 */
export async function signedReport(
  house: Pick<Surroundings, 'signer'>,
  stores: Pick<Reading, 'records'>,
  delivery: Task,
  records: { coordination: Kept<'Task'>; steps: readonly Kept<'Task'>[]; report: DiagnosticReport },
): Promise<SignedReport> {
  const { steps } = records;
  const named = amendmentOf(delivery)?.reference;
  const amendment = named === undefined ? undefined : steps.find((step) => referenceTo(step).reference === named);
  const approved = lastOf(steps, 'release-approval', (step) => isFor(step, amendment));
  if (!approved || (named !== undefined && !amendment))
    throw new Problem('conflict', 'The review has no approval of this release.');
  const parts = await reportParts(house, stores, records, amendment);
  const standing = await mustStand(house, stores, 'approve', approved, releaseContent(parts, approved));
  const amendments = steps.filter(
    (step) => stepOf(step.code) === 'report-amendment' && step.id !== amendment?.id && isReleased(step),
  );
  return {
    ...parts,
    approval: { step: approved, ...standing },
    amendment,
    amendments: amendment ? [...amendments, amendment] : amendments,
    version: 1 + amendments.length + (amendment ? 1 : 0),
  };
}
