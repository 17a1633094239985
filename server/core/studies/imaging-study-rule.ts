import type { ImagingStudy } from '@medplum/fhirtypes';
import type { Rule } from '../records/rules.ts';
import { isWithheld, withholding } from '../vocabulary/security-labels.ts';
import type { WriteContext } from '../world.ts';

/** A study that was entered in error is kept from its patient, whoever says so: the images may be somebody else's. */
export const imagingStudyRule: Rule<WriteContext> = ({ after }) => {
  const study = after as ImagingStudy;
  const isShown = study.status !== 'entered-in-error' || isWithheld(study);
  return Promise.resolve({ resource: isShown ? study : { ...study, meta: withholding(study.meta) } });
};
