import type { ImagingStudy } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { Rule } from '../records/rules.ts';
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
  return { resource: after };
};

function mustKeep(before: ImagingStudy, after: ImagingStudy): void {
  const standing = studyUidOf(before);
  if (standing !== undefined && studyUidOf(after) !== standing) {
    throw new Problem('business-rule', 'The Study Instance UID of an ImagingStudy cannot change.', {
      expression: 'ImagingStudy.identifier',
    });
  }
}
