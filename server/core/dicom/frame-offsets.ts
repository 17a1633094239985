import type { FrameIndex } from './instance.ts';
import { Problem } from '../problem.ts';
import type { ByteSource } from './byte-source.ts';
import type { DataSet, PixelDataElement } from './data-set.ts';
import type { DicomJson } from './json.ts';
import type { TransferSyntax } from './transfer-syntax.ts';
import { own } from '../table.ts';

/**
 * Where each frame lies in the file, worked out once on arrival so that a frame is a range read for ever after.
 *
 * @returns null when there is no pixel data, or its frames cannot be told apart.
 * @throws Problem `structure` when native pixel data is shorter than its frames.
 */
export function frameOffsets(source: ByteSource, dataSet: DataSet, syntax: TransferSyntax): FrameIndex | null {
  const { attributes, pixelData } = dataSet;
  if (!pixelData || pixelData.length === 0) return null;
  if (!pixelData.encapsulation) return nativeFrames(attributes, pixelData);
  const { fragments } = pixelData.encapsulation;
  const given = integer(attributes, '00280008');
  const frames = syntax.video
    ? [fragments]
    : (byExtendedOffsetTable(source, dataSet, fragments) ??
      byBasicOffsetTable(source, pixelData.encapsulation, syntax) ??
      byFragments(source, fragments, Math.max(1, given ?? 1)));
  return frames && { encapsulated: true, frames: frames.map((frame) => frame.filter(([, length]) => length > 0)) };
}

/** Native frames follow each other without padding; those of 1 or 12 bits a sample even share bytes (PS3.5 8.1.1, 8.2). */
function nativeFrames(attributes: DicomJson, pixelData: PixelDataElement): FrameIndex | null {
  const rows = integer(attributes, '00280010') ?? 0;
  const columns = integer(attributes, '00280011') ?? 0;
  const allocated = integer(attributes, '00280100') ?? 0;
  let samples = integer(attributes, '00280002') ?? 1;
  // Two pixels share their chrominance (PS3.3 C.7.6.3.1.2).
  if (attributes['00280004']?.Value?.[0] === 'YBR_FULL_422') samples = 2;
  const bits = rows * columns * samples * allocated;
  if (bits <= 0) return null;
  const given = integer(attributes, '00280008');
  // Secondary captures of several frames exist that do not say how many.
  const count = given !== undefined && given > 0 ? given : Math.max(1, Math.floor((pixelData.length * 8) / bits));
  if (Math.ceil((bits * count) / 8) > pixelData.length) {
    throw new Problem('structure', `Pixel data is shorter than ${count} frame(s) of ${rows} x ${columns}`);
  }
  const bitPacked = allocated === 1 || allocated === 12;
  if (!bitPacked && bits % 8 !== 0) return null;
  return { encapsulated: false, offset: pixelData.offset, length: Math.ceil(bits / 8), count, bitPacked };
}

type Fragments = [offset: number, length: number][];

/** (7FE0,0001) and (7FE0,0002): 64-bit offsets and lengths, one fragment for a frame (PS3.5 A.4, PS3.3 C.7.6.3.1.8). */
function byExtendedOffsetTable(source: ByteSource, dataSet: DataSet, fragments: Fragments): Fragments[] | undefined {
  const offsets = unsigned64(source, dataSet, '7FE00001', fragments.length);
  const lengths = unsigned64(source, dataSet, '7FE00002', fragments.length);
  const first = fragments[0];
  if (!first || !offsets || !lengths || offsets.length === 0 || offsets.length !== lengths.length) return undefined;
  const byOffset = new Map(fragments);
  const frames: Fragments[] = [];
  for (const [i, offset] of offsets.entries()) {
    const at = first[0] + offset;
    const whole = byOffset.get(at);
    const length = lengths[i]!;
    if (whole === undefined || length > whole) return undefined;
    frames.push([[at, length]]);
  }
  return frames;
}

/** Offsets are those of item tags, counted from the first item after the table (PS3.5 A.4). */
function byBasicOffsetTable(
  source: ByteSource,
  { basicOffsetTable: [at, length], fragments }: { basicOffsetTable: [number, number]; fragments: Fragments },
  { littleEndian }: TransferSyntax,
): Fragments[] | undefined {
  const first = fragments[0];
  if (!first || length === 0 || length % 4 !== 0 || length > fragments.length * 4) return undefined;
  const bytes = source.bytes(at, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const indexOf = new Map(fragments.map(([offset], i) => [offset - first[0], i]));
  const starts: number[] = [];
  for (let i = 0; i < length / 4; i++) {
    const index = indexOf.get(view.getUint32(i * 4, littleEndian));
    // Wrong tables exist (all zeros, counted from elsewhere): then the fragments themselves decide.
    if (index === undefined || index <= (starts.at(-1) ?? -1)) return undefined;
    starts.push(index);
  }
  if (starts[0] !== 0) return undefined;
  return starts.map((start, i) => fragments.slice(start, starts[i + 1]));
}

/** No table: one frame, one fragment a frame, or frames that begin where a code stream begins. */
function byFragments(source: ByteSource, all: Fragments, count: number): Fragments[] | null {
  const fragments = all.filter(([, length]) => length > 0);
  if (fragments.length === 0) return null;
  if (count === 1) return [fragments];
  if (fragments.length === count) return fragments.map((fragment) => [fragment]);
  const frames: Fragments[] = [];
  for (const fragment of fragments) {
    if (beginsCodeStream(source, fragment)) frames.push([fragment]);
    else if (frames.length === 0) return null;
    else frames.at(-1)!.push(fragment);
  }
  return frames.length === count ? frames : null;
}

/** JPEG and JPEG-LS begin with FF D8, JPEG 2000 and HTJ2K with FF 4F, JPEG XL with FF 0A. */
function beginsCodeStream(source: ByteSource, [offset, length]: [number, number]): boolean {
  if (length < 2) return false;
  const [a, b] = source.bytes(offset, 2);
  return a === 0xff && (b === 0xd8 || b === 0x4f || b === 0x0a);
}

function unsigned64(
  source: ByteSource,
  { attributes, bulk }: DataSet,
  tag: string,
  limit: number,
): number[] | undefined {
  const { InlineBinary: inline } = own(attributes, tag) ?? {};
  const long = own(bulk, tag);
  if (long && long.length > limit * 8) return undefined;
  const bytes = inline !== undefined ? Buffer.from(inline, 'base64') : long && source.bytes(long.offset, long.length);
  if (!bytes || bytes.length % 8 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, i) => Number(view.getBigUint64(i * 8, true)));
}

function integer(attributes: DicomJson, tag: string): number | undefined {
  const value = own(attributes, tag)?.Value?.[0];
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
}
