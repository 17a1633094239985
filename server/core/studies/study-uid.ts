import type { ImagingStudy } from '@medplum/fhirtypes';
import { systems } from '../vocabulary/systems.ts';

/** The Study Instance UID that an ImagingStudy names first (FHIR imagingstudy.html: `urn:dicom:uid`, value `urn:oid:`). */
export function studyUidOf(study: Pick<ImagingStudy, 'identifier'> | undefined): string | undefined {
  return studyUidsOf(study)[0];
}

/** All that it names: a search finds it by each. */
export function studyUidsOf(study: Pick<ImagingStudy, 'identifier'> | undefined): string[] {
  const uids = (study?.identifier ?? []).filter(({ system }) => system === systems.studyUid);
  return uids.flatMap(({ value }) => value?.replace(/^urn:oid:/, '') ?? []);
}
