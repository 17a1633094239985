/** What a reader may conclude of a study, as codes of the server's lists; beside them words are always allowed. */
import type { ImagingStudy } from '@medplum/fhirtypes';
import { conclusionSets } from './vocabulary.ts';

export interface CodedConclusion {
  system: string;
  code: string;
  display: string;
}

/** Says nothing about how the image was made: what arrives so may be anything. */
const anyModality = new Set(['OT', 'SC']);

/** The lists that fit modality and body part of some series, as the server has them; what a series does not say excludes nothing. */
export function conclusionsFor(study: Pick<ImagingStudy, 'series'> | undefined): readonly CodedConclusion[] {
  const series = study?.series ?? [];
  const fitting = conclusionSets.filter(
    ({ modalities, bodyParts }) =>
      series.length === 0 ||
      series.some(({ modality, bodySite }) => {
        const code = modality.code ?? 'OT';
        const parts = [bodySite?.code, bodySite?.display].flatMap((part) => part ?? []).map(plain);
        return (
          (modalities === null || anyModality.has(code) || includes(modalities, code)) &&
          (bodyParts === null || parts.length === 0 || parts.some((part) => includes(bodyParts, part)))
        );
      }),
  );
  const codes = fitting.flatMap((set): readonly CodedConclusion[] => set.codes);
  return [...new Map(codes.map((one) => [`${one.system}|${one.code}`, one])).values()];
}

/** A reader who finds no abnormality says what the model calls Normal. */
export function classMeantBy(code: string | undefined): string | undefined {
  return code === 'no-abnormality' ? 'Normal' : code;
}

/** A reading that found nothing: not one that was written in words, whose meaning nobody can compute. */
export function foundNothing(code: string | undefined): boolean {
  return classMeantBy(code) === 'Normal';
}

function includes(list: readonly string[], value: string): boolean {
  return list.includes(value);
}

function plain(part: string): string {
  return part.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}
