import type { ImagingStudy } from '@medplum/fhirtypes';
export interface CodedConclusion {
  system: string;
  code: string;
  display: string;
}
export function conclusionsFor(_study: ImagingStudy | undefined): readonly CodedConclusion[] {
  return [];
}
