import type { DiagnosticReport, Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { Kept } from '../records/server-write.ts';
import { referenceTo } from '../r4/pointer.ts';
import { stepOf } from '../vocabulary/review-codes.ts';
import type { Reading, Surroundings } from '../world.ts';
import { amendmentOf } from './amendment.ts';
import { isFor, isReleased, lastOf, type ReportParts, releaseContent, reportParts } from './report-parts.ts';
import { mustStand, type Standing } from './signature.ts';

/** A report as far as it is signed: enough for a preview, and for nothing that leaves the house. */
export interface ReportToRelease extends ReportParts {
  /** Undefined until somebody approves it. */
  approval: (Standing & { step: Kept<'Task'> }) | undefined;
  amendment: Kept<'Task'> | undefined;
  /** Amendments that are released, oldest first, and the one that this delivery releases. */
  amendments: Kept<'Task'>[];
  /** 1 for the first. */
  version: number;
}

/** A report as it was signed and approved: what may be printed, and stored when it is. */
export interface SignedReport extends ReportToRelease {
  approval: Standing & { step: Kept<'Task'> };
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
  const amendment = amendmentAmong(steps, delivery);
  const approved = lastOf(steps, 'release-approval', (step) => isFor(step, amendment));
  if (!approved) throw noApproval();
  const parts = await reportParts(house, stores, records, amendment);
  const standing = await mustStand(house, stores, 'approve', approved, releaseContent(parts, approved));
  return { ...parts, approval: { step: approved, ...standing }, ...versionsOf(steps, amendment) };
}

/**
 * The same before anybody has approved it, by the approval that waits: what it rests on is held against its signatures
 * as for a release.
 *
 * @throws Problem `conflict`; signature-mismatch (`isMismatch`).
 */
export async function reportToRelease(
  house: Pick<Surroundings, 'signer'>,
  stores: Pick<Reading, 'records'>,
  waiting: Task,
  records: { coordination: Kept<'Task'>; steps: readonly Kept<'Task'>[]; report: DiagnosticReport },
): Promise<ReportToRelease> {
  const { steps } = records;
  const amendment = amendmentAmong(steps, waiting);
  const parts = await reportParts(house, stores, records, amendment);
  return { ...parts, approval: undefined, ...versionsOf(steps, amendment) };
}

function amendmentAmong(steps: readonly Kept<'Task'>[], step: Task): Kept<'Task'> | undefined {
  const named = amendmentOf(step)?.reference;
  if (named === undefined) return undefined;
  const amendment = steps.find((one) => referenceTo(one).reference === named);
  if (!amendment) throw noApproval();
  return amendment;
}

function versionsOf(
  steps: readonly Kept<'Task'>[],
  amendment: Kept<'Task'> | undefined,
): Pick<ReportToRelease, 'amendment' | 'amendments' | 'version'> {
  const released = steps.filter(
    (step) => stepOf(step.code) === 'report-amendment' && step.id !== amendment?.id && isReleased(step),
  );
  const amendments = amendment ? [...released, amendment] : released;
  return { amendment, amendments, version: 1 + amendments.length };
}

const noApproval = () => new Problem('conflict', 'The review has no approval of this release.');
