/** The rules of the whole house, by type of record and by event: what `compose` hands to the rooms below. */
import { keepModelRecord, mustNotBeOfModel } from './analysis/registry/model-records.ts';
import { binaryRule } from './records/binary-rule.ts';
import type { RecordRules } from './records/rules.ts';
import { imagingStudyRule } from './studies/imaging-study-rule.ts';
import type { RemovalGuard } from './studies/removal-guard.ts';
import type { StudyFollower, StudyMoveFollower } from './studies/study-follower.ts';
import { advance, keepReview } from './workflow/advance.ts';
import { followOwner } from './workflow/follow-owner.ts';
import { keepReviewedImages } from './workflow/keep-reviewed-images.ts';
export { askWhose } from './workflow/open-identity-check.ts';
import { openReview } from './workflow/open-review.ts';
import { patientRule } from './workflow/patients/patient-rule.ts';
import { stillWithheld } from './workflow/still-withheld.ts';
import type { WriteContext } from './world.ts';

/** Every type with a rule of its own. */
export const clinicalRules: RecordRules<WriteContext> = {
  change: {
    Task: advance,
    Patient: patientRule,
    ImagingStudy: imagingStudyRule,
    Binary: binaryRule,
    Device: keepModelRecord,
    DocumentReference: keepModelRecord,
    Provenance: keepModelRecord,
  },
  removal: {
    Task: keepReview,
    Device: mustNotBeOfModel,
    DocumentReference: mustNotBeOfModel,
    Provenance: mustNotBeOfModel,
  },
  ofClients: stillWithheld,
  serverIds: new Set(['Task', 'ImagingStudy', 'Binary', 'Provenance', 'AuditEvent']),
};

/** A study that has settled opens its review. */
export const studyFollowers: readonly StudyFollower<WriteContext>[] = [openReview];

/** A study under review keeps its images. */
export const removalGuards: readonly RemovalGuard<WriteContext>[] = [keepReviewedImages];

/** A study that has come to another patient takes its review along, or begins a new one. */
export const studyMoveFollowers: readonly StudyMoveFollower<WriteContext>[] = [followOwner];
