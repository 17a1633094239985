import type { ImagingStudy } from '@medplum/fhirtypes';
import { systems } from '../vocabulary/systems.ts';

/** The Study Instance UID that an ImagingStudy names first (FHIR imagingstudy.html: `urn:dicom:uid`, value `urn:oid:`). */
export function studyUidOf(study: Pick<ImagingStudy, 'identifier'> | undefined): string | undefined {
  const uid = study?.identifier?.find(({ system }) => system === systems.studyUid)?.value;
  return uid?.replace(/^urn:oid:/, '');
}
