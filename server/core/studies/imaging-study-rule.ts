import type { ImagingStudy } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { Rule } from '../records/rules.ts';
import { isWithheld, withholding } from '../vocabulary/security-labels.ts';
import { studyUidOf } from './study-uid.ts';
import type { WriteContext } from '../world.ts';

/** An ImagingStudy is derived from stored images (rule 3 of the architecture): a patient cannot make one by writing it. */
export const imagingStudyRule: Rule<WriteContext> = async ({ context, before, after }) => {
  if (context.principal.role === 'patient') {
    throw new Problem(
      'forbidden',
      'Images are sent by STOW-RS (/dicomweb/studies); their ImagingStudy follows by itself.',
    );
  }
  if (before) mustKeep(before as ImagingStudy, after as ImagingStudy);
  if (before && context.principal.kind !== 'system') await mustKeepSubject(context, before as ImagingStudy, after as ImagingStudy); // prettier-ignore
  return { resource: shownUnlessMistaken(after as ImagingStudy) };
};

/** Whose stored images are is the index's to say. @throws Problem `business-rule`. */
async function mustKeepSubject({ stores }: WriteContext, before: ImagingStudy, after: ImagingStudy): Promise<void> {
  if (before.subject?.reference === after.subject?.reference) return;
  if ((await stores.studies.tiedTo(before.id!)) === undefined) return; // registered, and no images yet
  throw new Problem(
    'business-rule',
    `Images of a study are given to another patient by POST ImagingStudy/${before.id}/$move, which carries its review and its results along.`,
    { expression: 'ImagingStudy.subject' },
  );
}

/** A study that was entered in error is kept from its patient: the images may be somebody else's. */
function shownUnlessMistaken(study: ImagingStudy): ImagingStudy {
  if (study.status !== 'entered-in-error' || isWithheld(study)) return study;
  return { ...study, meta: withholding(study.meta) };
}

function mustKeep(before: ImagingStudy, after: ImagingStudy): void {
  const standing = studyUidOf(before);
  if (standing !== undefined && studyUidOf(after) !== standing) {
    throw new Problem('business-rule', 'The Study Instance UID of an ImagingStudy cannot change.', {
      expression: 'ImagingStudy.identifier',
    });
  }
}
