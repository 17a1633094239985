import { everything } from '../access/narrowing.ts';
import { presentationOf } from '../dicom/presentation.ts';
import type { Classification, Classifier, ClassifyOptions } from './classifier.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { StudyStore } from '../studies/study-store.ts';
import type { ReadsFrom, World } from '../world.ts';
import { Problem } from '../problem.ts';
import { decide, type Decision } from './decide.ts';
import { tagsOf } from './eligible.ts';

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

/** What came of the images of a study. */
export interface StudyAnalysis {
  /** In the order in which they were read; one at least. */
  analyses: Analysis[];
  /** Images that could not be read, beside others that could. */
  failures: { SOPInstanceUID: string; error: unknown }[];
}

/**
 * Analyses images of a study, one after the other. One that cannot be read does not lose the others.
 *
 * @param SOPInstanceUIDs those to read, the most telling first (`images-to-read.ts`); what was removed meanwhile is left out.
 * @param turn how urgent it is, and how it is given up: see `Classifier.classify`.
 * @param isPassing whether a fault is worth another try of the whole analysis, and is thrown.
 * @throws Problem `not-found` if the study has no such image; what decoder and classifier threw if no image could be read.
 */
export async function analyzeImages(
  world: Pick<World, 'pixels' | 'blobs' | 'settings'> & ReadsFrom<'studies'>,
  { StudyInstanceUID, SOPInstanceUIDs }: { StudyInstanceUID: string; SOPInstanceUIDs: readonly string[] },
  classifier: Classifier,
  turn: Turn,
  isPassing: (error: unknown) => boolean,
): Promise<StudyAnalysis> {
  const analyses: Analysis[] = [];
  const failures: StudyAnalysis['failures'] = [];
  for (const SOPInstanceUID of SOPInstanceUIDs) {
    turn.signal?.throwIfAborted();
    const instance = await world.read(({ studies }) => imageOf(studies, StudyInstanceUID, SOPInstanceUID));
    if (!instance) continue;
    try {
      analyses.push({ instance, ...(await classifyInstance(world, instance, classifier, turn)) });
    } catch (error) {
      if (turn.signal?.aborted || isPassing(error)) throw error;
      failures.push({ SOPInstanceUID, error });
    }
  }
  if (analyses.length > 0) return { analyses, failures };
  throw failures[0]?.error ?? new Problem('not-found', 'The study has no image that can be analysed.');
}

async function imageOf(
  studies: Pick<StudyStore, 'addresses' | 'instance'>,
  StudyInstanceUID: string,
  SOPInstanceUID: string,
): Promise<InstanceRow | undefined> {
  const [address] = await studies.addresses({ StudyInstanceUID, SOPInstanceUID }, everything);
  return address?.isImage ? studies.instance(address, everything) : undefined;
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

export function middleFrame({ frames }: InstanceRow): number {
  const count = frames?.encapsulated === false ? frames.count : (frames?.frames.length ?? 1);
  return Math.floor((count - 1) / 2);
}

async function lookupTables(
  { blobs }: Pick<World, 'blobs'>,
  { blob, bulk }: InstanceRow,
): Promise<Map<string, Uint8Array>> {
  const wanted = Object.entries(bulk).filter(([path, { length }]) => tablePath.test(path) && length <= longestTable);
  const read = wanted.map(async ([path, place]) => [path, await blobs.read(blob, place)] as const);
  return new Map(await Promise.all(read));
}
