/** Thread body: reads one file for each message. Whatever hostile bytes do here, the server's event loop does not feel it. */
import '../../core/sealed-prototype.ts';
import { closeSync, openSync, rmSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { ByteSource } from '../../core/dicom/byte-source.ts';
import { coercionEdits, type DataSetCoercion } from '../../core/dicom/coerced-data-set.ts';
import { frameCount } from '../../core/dicom/frame-ranges.ts';
import { edited } from '../../core/dicom/edits.ts';
import { readFileMeta, readInstance } from '../../core/dicom/part10.ts';
import type { LongParts } from '../../core/dicom/instance.ts';
import type { CoercedFile, ReadInstance } from '../../core/studies/dicom-reader.ts';
import { Problem, type ProblemCode } from '../../core/problem.ts';
import { diskProblem } from '../blobs/disk-problem.ts';
import { fileSource } from './file-source.ts';
import { inflateFile } from './inflate.ts';
import { writeRepaired } from './write-repaired.ts';

/** A file to read, or to give out with another data set. */
export interface ReadingTask {
  path: string;
  coercion?: DataSetCoercion;
}

export type Reading =
  { instance: ReadInstance } | { coerced: CoercedFile } | { code: ProblemCode; message: string } | { fault: unknown };

parentPort!.on('message', (task: ReadingTask | 'ping') => {
  if (task === 'ping') return parentPort!.postMessage({});
  void perform(task).then((reading) => parentPort!.postMessage(reading));
});

async function perform({ path, coercion }: ReadingTask): Promise<Reading> {
  try {
    if (coercion) return { coerced: withSource(path, (source) => coercedFile(source, coercion)) };
    return { instance: withoutLongParts(await readPath(path)) };
  } catch (error) {
    // A class does not survive the way to another thread; its content does.
    const problem = error instanceof Problem ? error : diskProblem(error);
    return problem ? { code: problem.code, message: problem.message } : { fault: error };
  }
}

function coercedFile(source: ByteSource, coercion: DataSetCoercion): CoercedFile {
  const { dataSetAt, syntax } = readFileMeta(source);
  const edits = coercionEdits(source, dataSetAt, source.size, syntax, coercion);
  return { dataSetAt, segments: edited(source, dataSetAt, source.size, edits) };
}

/** Characters of JSON of a part: beyond this, building its objects again would hold up the server. */
const longPart = 32_768;
/** Of one attribute that stays an object all the same. */
const longElement = 4096;

/**
 * Objects cost the thread that receives them as much as reading the file costs here, so long parts leave as text. The
 * attributes that say whose image it is are short, and stay.
 */
function withoutLongParts(instance: ReadInstance): ReadInstance {
  const long: LongParts = {};
  let { attributes, bulk, frames } = instance;
  const texts = Object.entries(attributes).map(([tag, element]) => [tag, JSON.stringify(element)] as const);
  if (texts.reduce((sum, [, text]) => sum + text.length, 0) > longPart) {
    long.attributes = `{${texts.map(([tag, text]) => `"${tag}":${text}`).join(',')}}`;
    const short = new Set(texts.filter(([, text]) => text.length <= longElement).map(([tag]) => tag));
    attributes = Object.fromEntries(Object.entries(attributes).filter(([tag]) => short.has(tag)));
  }
  if (Object.keys(bulk).length > 300) {
    long.bulk = JSON.stringify(bulk);
    bulk = {};
  }
  if (frames?.encapsulated && frames.frames.length > 1000) {
    long.frames = JSON.stringify(frames);
    frames = null;
  }
  return Object.keys(long).length === 0 ? instance : { ...instance, attributes, bulk, frames, long };
}

/** What a broken file is refused with; past a limit nothing is tried again. */
const broken = new Set<ProblemCode>(['structure', 'required', 'value']);

/** A file that breaks the rules in a way that leaves no doubt is read as what it should have been. */
async function readPath(path: string): Promise<ReadInstance> {
  try {
    return await readAsWritten(path);
  } catch (error) {
    if (!(error instanceof Problem) || !broken.has(error.code)) throw error;
    const repaired = writeRepaired(path);
    if (!repaired) throw error;
    try {
      const instance = await readAsWritten(repaired.path);
      if (repaired.endWasMissing) mustHaveAllFrames(instance);
      const { endWasMissing: _, ...made } = repaired;
      return { ...instance, repaired: made };
    } catch (second) {
      rmSync(repaired.path, { force: true });
      throw second instanceof Problem && second.code === 'too-costly' ? second : error;
    }
  }
}

/** Pixel data without its end may lack frames, too. */
function mustHaveAllFrames({ attributes, frames }: ReadInstance): void {
  const said = Number(attributes['00280008']?.Value?.[0] ?? 1);
  if (!frames || frameCount(frames) !== said)
    throw new Problem('structure', 'Pixel data is cut off: frames are missing');
}

async function readAsWritten(path: string): Promise<ReadInstance> {
  const meta = withSource(path, readFileMeta);
  if (!meta.syntax.deflated) return withSource(path, (source) => readInstance(source, meta));
  const inflated = await inflateFile(path, meta);
  try {
    return { ...withSource(inflated.path, (source) => readInstance(source, meta)), inflated };
  } catch (error) {
    rmSync(inflated.path, { force: true });
    throw error;
  }
}

function withSource<T>(path: string, use: (source: ByteSource) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return use(fileSource(descriptor));
  } finally {
    closeSync(descriptor);
  }
}
