import { everything } from '../access/narrowing.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import { text } from '../dicom/attribute-values.ts';
import type { ImageAttributes, StudyStore } from '../studies/study-store.ts';
import { eligibilityTags, refusalByTags, tagsOf, type TagRefusal } from './eligible.ts';

/** An image of a study and whether the AI is for it. */
export interface StudyImage {
  SOPInstanceUID: string;
  SeriesInstanceUID: string;
  /** Why the AI is not for it; absent for one that it is for. */
  refusal?: TagRefusal;
}

const wanted = [...eligibilityTags, '00080016', '00080068', '00080008'];

/**
 * Objects about images that are no images themselves, though some have pixels: structured reports and rejection notes
 * (88), presentation states (11), raw data, registrations, segmentations (66), encapsulated documents (104), waveforms (9).
 */
const noImage = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(9|11|66|67|88|104)(\.|$)/;

export function isImageClass(SOPClassUID: string): boolean {
  return !noImage.test(SOPClassUID);
}

/**
 * The images of a study, those that say most first: what the model is made for before the rest, pictures for people before
 * raw ones; series and instance order among equals.
 *
 * @param among SOP Instance UIDs: only these.
 */
export async function imagesOfStudy(
  studies: Pick<StudyStore, 'imageAttributes'>,
  StudyInstanceUID: string,
  among?: readonly string[],
): Promise<StudyImage[]> {
  const all = await studies.imageAttributes(StudyInstanceUID, wanted, among);
  return all
    .filter(({ attributes }) => isImageClass(text(attributes, '00080016') ?? ''))
    .map((image) => ({ image, refusal: refusalByTags(tagsOf(image)), rank: rank(image) }))
    .toSorted((one, other) => Number(!!one.refusal) - Number(!!other.refusal) || one.rank - other.rank)
    .map(({ image: { SOPInstanceUID, SeriesInstanceUID }, refusal }) => ({
      SOPInstanceUID,
      SeriesInstanceUID,
      ...(refusal && { refusal }),
    }));
}

/** What an analysis reads, the most telling first, and how many it leaves out for the limit. */
export function choose(
  images: readonly StudyImage[],
  most: number,
): { SOPInstanceUIDs: string[]; eligible: number; notFor: number } {
  const eligible = images.filter(({ refusal }) => !refusal).map(({ SOPInstanceUID }) => SOPInstanceUID);
  return {
    SOPInstanceUIDs: eligible.slice(0, most),
    eligible: eligible.length,
    notFor: images.length - eligible.length,
  };
}

/** The image that a report shows where no AI result names one; undefined for a study of documents only. */
export async function mostTelling(
  studies: Pick<StudyStore, 'imageAttributes' | 'instance'>,
  StudyInstanceUID: string,
): Promise<InstanceRow | undefined> {
  const [best] = await imagesOfStudy(studies, StudyInstanceUID);
  return best && studies.instance({ StudyInstanceUID, ...nameOf(best) }, everything);
}

function nameOf({ SeriesInstanceUID, SOPInstanceUID }: StudyImage) {
  return { SeriesInstanceUID, SOPInstanceUID };
}

/** Lower is better. */
function rank(image: ImageAttributes): number {
  const { modality = '' } = tagsOf(image);
  const kind = ['CR', 'DX', 'RG'].includes(modality) ? 0 : modality === 'MR' ? 2 : 4;
  const isRaw = text(image.attributes, '00080068')?.toUpperCase() === 'FOR PROCESSING';
  const isSecondary = image.attributes['00080008']?.Value?.[1] === 'SECONDARY';
  return kind + (isRaw ? 1 : 0) + (isSecondary ? 0.5 : 0);
}
