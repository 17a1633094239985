/** Which images an `ai-inference` step reads: named in its inputs, so that everybody can see it. */
import type { Annotation, Task, TaskInput } from '@medplum/fhirtypes';
import { imagesOfStudy, type StudyImage } from '../analysis/images-to-read.ts';
import { studyUid } from '../analysis/image-of-result.ts';
import { idIn } from '../r4/pointer.ts';
import { dataConcept } from '../vocabulary/review-codes.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import type { Reading, WriteContext } from '../world.ts';
import { inputOf } from './review-tasks.ts';
import type { Review } from './review.ts';

const oid = 'urn:oid:';

/** A SOP Instance UID as FHIR carries UIDs of DICOM (Identifier with the system urn:dicom:uid). */
export function imageInput(SOPInstanceUID: string): TaskInput {
  return {
    type: dataConcept('image'),
    valueIdentifier: { system: systems.studyUid, value: `${oid}${SOPInstanceUID}` },
  };
}

/** SOP Instance UIDs, in the order in which they are read. */
export function namedImages(step: Task): string[] {
  return (step.input ?? []).flatMap(({ type, valueIdentifier }) =>
    codeOf(type, systems.reviewData) === 'image' && valueIdentifier?.value?.startsWith(oid)
      ? [valueIdentifier.value.slice(oid.length)]
      : [],
  );
}

export function studyUidOfReview(stores: Pick<Reading, 'records'>, coordination: Task): Promise<string | undefined> {
  return studyUid(stores, idIn(inputOf(coordination, 'study'), 'ImagingStudy') ?? '');
}

/** All images of the study that a review is about, the most telling first. */
export async function imagesOfReview({ stores }: WriteContext, coordination: Task): Promise<StudyImage[]> {
  const uid = await studyUidOfReview(stores, coordination);
  return uid === undefined ? [] : imagesOfStudy(stores.studies, uid);
}

/** What an analysis does not read, in words for its step. */
export function leftOut(read: number, eligible: number, notFor: number): string[] {
  return [
    ...(eligible > read
      ? [
          `Reads ${read} of ${eligible} images that the AI is for, the most telling first; ${eligible - read} are left out.`,
        ]
      : []),
    ...(notFor > 0 ? [`${notFor} ${notFor === 1 ? 'image is' : 'images are'} none that the AI is for.`] : []),
  ];
}

/** The step's notes with further ones by the software. */
export function withNotes({ at }: Review, { note = [] }: Task, texts: readonly string[]): { note?: Annotation[] } {
  const fresh = texts.map((text) => ({ authorString: 'CSSS', time: at.toISOString(), text }));
  return note.length + fresh.length > 0 ? { note: [...note, ...fresh] } : {};
}
