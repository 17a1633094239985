/** The rules of the whole house, by type of record and by event: what `compose` hands to the rooms below. */
import { keepModelRecord, mustNotBeOfModel } from './analysis/registry/model-records.ts';
import { binaryRule } from './records/binary-rule.ts';
import type { RecordRules } from './records/rules.ts';
import { imagingStudyRule } from './studies/imaging-study-rule.ts';
import type { StudyFollower } from './studies/study-follower.ts';
import { advance, keepReview } from './workflow/advance.ts';
import { followImages } from './workflow/follow-images.ts';
import { openReview } from './workflow/open-review.ts';
import { lockReviewFirst } from './workflow/review.ts';
import { stillWithheld } from './workflow/still-withheld.ts';
import type { WriteContext } from './world.ts';

/** Every type with a rule of its own. */
export const clinicalRules: RecordRules<WriteContext> = {
  lockFirst: { Task: lockReviewFirst },
  change: {
    Task: advance,
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

/** A study that has settled opens its review, or tells it of images that came late or were taken away. */
export const studyFollowers: readonly StudyFollower<WriteContext>[] = [openReview, followImages];
