import { everything } from '../access/narrowing.ts';
import { presentationOf } from '../dicom/presentation.ts';
import type { Classification, Classifier, ClassifyOptions } from './classifier.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { StudyStore } from '../studies/study-store.ts';
import type { ReadsFrom, World } from '../world.ts';
import { Problem } from '../problem.ts';
import { decide, type Decision, type ImageTags } from './decide.ts';
import { own } from '../table.ts';

export interface Analysis {
  /** The image that was analysed. */
  instance: InstanceRow;
  classification: Classification;
  decision: Decision;
}

/** How urgent an analysis is, whether anybody looks at a heat map, and how it is given up. */
export type Turn = Pick<ClassifyOptions, 'priority' | 'picture' | 'signal'>;

/** Lookup tables that a reader left in the file: modality, VOI and palette data. */
const tablePath = /(^|\.)(00283006|0028120[123])$/;
const longestTable = 1 << 18;

/**
 * Analyses the image of a study that says most: one that the model is made for rather than another, a frontal
 * view rather than a lateral, the middle frame of a moving one.
 *
 * @param turn how urgent it is, and how it is given up: see `Classifier.classify`.
 * @throws Problem `not-found` if the study has no image; what decoder and classifier throw.
 */
export async function analyzeStudy(
  world: Pick<World, 'pixels' | 'blobs' | 'settings'> & ReadsFrom<'studies'>,
  StudyInstanceUID: string,
  classifier: Classifier,
  turn: Turn = {},
): Promise<Analysis> {
  const instance = await world.read(({ studies }) => mostTelling(studies, StudyInstanceUID));
  if (!instance) throw new Problem('not-found', 'The study has no image that can be analysed.');
  return { instance, ...(await classifyInstance(world, instance, classifier, turn)) };
}

/** What a model says about one stored image: its middle frame, decoded and as a person sees it. @throws as `analyzeStudy`. */
export async function classifyInstance(
  world: Pick<World, 'pixels' | 'blobs' | 'settings'>,
  instance: InstanceRow,
  classifier: Classifier,
  turn: Turn = {},
): Promise<{ classification: Classification; decision: Decision }> {
  const frame = middleFrame(instance);
  const decoded = await world.pixels.decode(instance, frame);
  const tables = await lookupTables(world, instance);
  const presentation = presentationOf(instance, frame, (path) => tables.get(path));
  const tags = tagsOf(instance);
  const classification = await classifier.classify(decoded, presentation, {
    ...turn,
    wholeFrame: tags.modality === 'MR',
  });
  return { classification, decision: decide(classification, tags, world.settings.confidenceThreshold) };
}

/** The image that analysis and report show; undefined for a study of documents only. */
export async function mostTelling(
  studies: Pick<StudyStore, 'imageAttributes' | 'instance'>,
  StudyInstanceUID: string,
): Promise<InstanceRow | undefined> {
  const images = await studies.imageAttributes(StudyInstanceUID, Object.values(telling));
  const [best] = images.toSorted((one, other) => rank(one) - rank(other));
  return best && studies.instance(best, everything);
}

export function middleFrame({ frames }: InstanceRow): number {
  const count = frames?.encapsulated === false ? frames.count : (frames?.frames.length ?? 1);
  return Math.floor((count - 1) / 2);
}

/** Lower is better; sorting keeps series and instance order among equals. */
function rank(instance: Pick<InstanceRow, 'attributes'>): number {
  const { modality = '', viewPosition = '' } = tagsOf(instance);
  const kind = ['CR', 'DX', 'RG'].includes(modality)
    ? 0
    : modality === 'MR'
      ? 2
      : ['SEG', 'SR', 'PR', 'DOC'].includes(modality)
        ? 6
        : 4;
  return kind + (/^(LL|RL|LAT)/.test(viewPosition) ? 1 : 0);
}

/** Modality (0008,0060), View Position (0018,5101), Body Part Examined (0018,0015). */
const telling = { modality: '00080060', viewPosition: '00185101', bodyPart: '00180015' } as const;

/** In capitals as the standard has them. */
export function tagsOf({ attributes }: Pick<InstanceRow, 'attributes'>): ImageTags {
  const text = (tag: string) => {
    const value = own(attributes, tag)?.Value?.[0];
    return typeof value === 'string' && value.trim() !== '' ? value.trim().toUpperCase() : undefined;
  };
  const [modality, viewPosition, bodyPart] = [telling.modality, telling.viewPosition, telling.bodyPart].map(text);
  return { ...(modality && { modality }), ...(viewPosition && { viewPosition }), ...(bodyPart && { bodyPart }) };
}

async function lookupTables(
  { blobs }: Pick<World, 'blobs'>,
  { blob, bulk }: InstanceRow,
): Promise<Map<string, Uint8Array>> {
  const wanted = Object.entries(bulk).filter(([path, { length }]) => tablePath.test(path) && length <= longestTable);
  const read = wanted.map(async ([path, place]) => [path, await blobs.read(blob, place)] as const);
  return new Map(await Promise.all(read));
}
