/**
 * Runs in a worker thread: reads the bytes of one frame, decodes them and, if asked, makes them displayable.
 * It knows files and codecs only; what it may read comes with the task.
 */
import '../../core/sealed-prototype.ts';
import { parentPort } from 'node:worker_threads';
import type { DataSetCoercion } from '../../core/dicom/coerced-data-set.ts';
import type { DecodedFrame, InstanceRow } from '../../core/dicom/instance.ts';
import type { RenderedLook } from '../../core/studies/pixel-decoder.ts';
import { Problem } from '../../core/problem.ts';
import { drawOverlays, overlaysOf } from '../../core/dicom/overlays.ts';
import { display, type DisplayFrame } from '../../core/dicom/display.ts';
import { swapWords, wordWidth, wordWidthAt } from '../../core/dicom/word-order.ts';
import { presentationOf } from '../../core/dicom/presentation.ts';
import { diskProblem } from '../blobs/disk-problem.ts';
import { decodeCompressed } from './compressed-frame.ts';
import { explicitSurroundings, type Surroundings } from './explicit-surroundings.ts';
import { describeFrame } from './frame-description.ts';
import { readFrame, readRanges } from './frame-bytes.ts';
import { encodeFrame } from './encode-frame.ts';
import { encodingOf } from './encoded-form.ts';
import { codedForm, type Encoded } from './rewritten-form.ts';
import { decodeNative } from './native-frame.ts';
import { own } from '../../core/table.ts';

/** Results by kind of task. */
export interface PixelResults {
  decode: DecodedFrame;
  display: DisplayFrame;
  surroundings: Surroundings;
  /** One frame as a codestream. */
  encode: { data: Uint8Array };
}

const longestTable = 262_144;
/** Of all planes of an overlay: 64 million pixels. */
const longestOverlay = 8 * 1024 * 1024;

export interface PixelTask {
  kind: keyof PixelResults;
  path: string;
  instance: InstanceRow;
  frame: number;
  /** Which frame of the whole image it is; `frame` counts those that `instance` still has. */
  shown?: number | undefined;
  window?: RenderedLook['window'] | undefined;
  coercion?: DataSetCoercion | undefined;
  encoded?: Encoded | undefined;
}

export type PixelAnswer =
  | { result: PixelResults[keyof PixelResults] }
  /** `spoiled`: a codec gave up inside of its memory, which is not to be trusted with the next image. */
  | { problem: { code: Problem['code']; message: string }; spoiled: boolean }
  | { crash: string; spoiled: true };

async function decode({ path, instance, frame }: PixelTask): Promise<DecodedFrame> {
  const description = describeFrame(instance);
  const { bytes, firstBit } = readFrame(path, instance, frame);
  return instance.frames?.encapsulated
    ? decodeCompressed(bytes, description, instance.TransferSyntaxUID)
    : decodeNative(inWordOrder(bytes, instance), description, firstBit);
}

async function encode(task: PixelTask): Promise<Uint8Array> {
  const encoded = task.encoded!;
  codedForm(task.instance, encoded); // what cannot be had is refused before it is worked on
  return encodeFrame(await decode(task), encodingOf(encoded.transferSyntax));
}

/** The bytes little endian, in place. */
function inWordOrder(bytes: Uint8Array, instance: InstanceRow): Uint8Array {
  swapWords(bytes, wordWidth(instance));
  return bytes;
}

/** Reads lookup tables that were too long to stay in the attributes; words in the file's byte order become little endian. */
function bulkReader({ path, instance }: PixelTask, longest = longestTable) {
  return (element: string): Uint8Array | undefined => {
    const place = own(instance.bulk, element);
    if (!place || place.length > longest) return undefined;
    const bytes = readRanges(path, [[place.offset, place.length]]);
    swapWords(bytes, wordWidthAt(instance, element));
    return bytes;
  };
}

async function perform(task: PixelTask): Promise<PixelResults[keyof PixelResults]> {
  if (task.kind === 'surroundings') return explicitSurroundings(task.path, task.instance, task.coercion, task.encoded);
  if (task.kind === 'encode') return { data: await encode(task) };
  const frame = await decode(task);
  if (task.kind === 'decode') return frame;
  return drawn(task, frame);
}

/** As it is to be seen, with its overlays in it. */
function drawn(task: PixelTask, frame: DecodedFrame): DisplayFrame {
  const { instance, shown = 0 } = task;
  const presentation = presentationOf(instance, 0, bulkReader(task));
  const planes = overlaysOf(instance, shown, bulkReader(task, longestOverlay), () => rawSamples(task));
  const picture = drawOverlays(display(frame, presentation, task.window), planes);
  return presentation.aspect === undefined ? picture : { ...picture, aspect: presentation.aspect };
}

/** Native cells of 16 bits whole: only such ones have held overlays. */
function rawSamples({ path, instance, frame }: PixelTask): Uint16Array | undefined {
  if (instance.frames?.encapsulated || instance.attributes['00280100']?.Value?.[0] !== 16) return undefined;
  const bytes = inWordOrder(readFrame(path, instance, frame).bytes, instance);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
}

function buffersOf(result: PixelResults[keyof PixelResults]): ArrayBuffer[] {
  if ('pixels' in result && ArrayBuffer.isView(result.pixels)) return [result.pixels.buffer as ArrayBuffer];
  return 'data' in result ? [result.data.buffer as ArrayBuffer] : [];
}

async function answer(task: PixelTask): Promise<void> {
  try {
    const result = await perform(task);
    parentPort!.postMessage({ result } satisfies PixelAnswer, buffersOf(result));
  } catch (error) {
    const scarce = diskProblem(error);
    const refusal: PixelAnswer = scarce
      ? { problem: { code: scarce.code, message: scarce.message }, spoiled: false }
      : error instanceof Problem
        ? { problem: { code: error.code, message: error.message }, spoiled: error.cause !== undefined }
        : { crash: error instanceof Error ? (error.stack ?? error.message) : String(error), spoiled: true };
    parentPort!.postMessage(refusal);
  }
}

parentPort?.on('message', (task: PixelTask | 'ping') => {
  if (task === 'ping') parentPort!.postMessage({});
  else void answer(task);
});
