/** The rules of the whole house, by type of record and by event: what `compose` hands to the rooms below. */
import { binaryRule } from './records/binary-rule.ts';
import type { RecordRules } from './records/rules.ts';
import { imagingStudyRule } from './studies/imaging-study-rule.ts';
import type { RemovalGuard } from './studies/removal-guard.ts';
import type { StudyFollower, StudyMoveFollower } from './studies/study-follower.ts';
import { advance } from './workflow/advance.ts';
import { followImages } from './workflow/follow-images.ts';
import { followOrder } from './workflow/follow-order.ts';
import { followOwner } from './workflow/follow-owner.ts';
import { keepRecords } from './workflow/keep-records.ts';
import { keepReviewedImages } from './workflow/keep-reviewed-images.ts';
import { openReview } from './workflow/open-review.ts';
import { patientRule } from './workflow/patients/patient-rule.ts';
import { telling } from './workflow/tell-people.ts';
import { lockReviewFirst } from './workflow/review.ts';
import type { WriteContext } from './world.ts';

/** Every type with a rule of its own. */
export const clinicalRules: RecordRules<WriteContext> = {
  lockFirst: { Task: lockReviewFirst },
  change: {
    Task: telling(advance),
    Patient: patientRule,
    ImagingStudy: imagingStudyRule,
    ServiceRequest: followOrder,
    Binary: binaryRule,
  },
  ofClients: keepRecords,
  serverIds: new Set(['Task', 'ImagingStudy', 'Binary', 'Provenance', 'AuditEvent']),
};

/** A study that has settled opens its review, or tells it of images that came late or were taken away. */
export const studyFollowers: readonly StudyFollower<WriteContext>[] = [openReview, followImages];

/** A study that has come to another patient takes its review along, or begins a new one. */
export const studyMoveFollowers: readonly StudyMoveFollower<WriteContext>[] = [followOwner];

/** A study under review keeps its images. */
export const removalGuards: readonly RemovalGuard<WriteContext>[] = [keepReviewedImages];

/** Hears what each transaction has written, before it commits: the lists of work say what the records say. */
export { keepWorkRows as followWrites } from './workflow/work/keep-work-rows.ts';

/** Asks a human whose images are. */
export { askWhose } from './workflow/open-identity-check.ts';
