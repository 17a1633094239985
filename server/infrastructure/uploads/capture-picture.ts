import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp, { type Metadata, type Sharp } from 'sharp';
import {
  captureHeader,
  paddingOf,
  type CapturedPicture,
  type CaptureFacts,
} from '../../core/dicom/secondary-capture.ts';
import type { MadeFile, Readable } from '../../core/studies/uploads/upload-ports.ts';
import { spaceAlong } from '../blobs/disk.ts';

// One picture at a time in a thread, of which nothing is wanted again.
sharp.cache(false);
sharp.concurrency(1);

/** Rows and Columns are 16 bits (PS3.3 C.7.6.3). */
const longestSide = 65_535;

/**
 * Writes a Secondary Capture of a JPEG or PNG. Its pixels are all that is taken of it: it is turned upright as its EXIF says, and EXIF,
 * place, camera and comments end here. Grey stays grey, with 16 bits where it has them; colours become sRGB with 8; what is transparent is
 * shown on black.
 */
export async function capturePicture({
  path,
  to,
  facts,
  pixels,
}: {
  path: string;
  to: string;
  facts: CaptureFacts;
  pixels: number;
}): Promise<Readable<MadeFile>> {
  const known = await sharp(path, { limitInputPixels: false }).metadata().catch(() => undefined); // prettier-ignore
  if (!known || (known.format !== 'jpeg' && known.format !== 'png')) return { refused: 'unreadable' };
  if (known.width * known.height > pixels || Math.max(known.width, known.height) > longestSide)
    return { refused: 'too-many-pixels' };
  if (known.format === 'png' && (await isMoving(path))) return { refused: 'moving-picture' };
  const decoded = await decode(
    sharp(path, { limitInputPixels: pixels, failOn: 'truncated' }).autoOrient(),
    known,
  ).catch(() => undefined);
  if (!decoded) return { refused: 'unreadable' };
  const { data, picture } = decoded;
  const file = await open(to, 'wx', 0o600);
  try {
    await writeAll(file, spaceAlong(dirname(to)), [captureHeader(facts, picture), data, paddingOf(picture)]);
    return { path: to, size: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

async function decode(source: Sharp, known: Metadata): Promise<{ data: Uint8Array; picture: CapturedPicture }> {
  const deep = known.depth === 'ushort' && (known.space === 'grey16' || known.channels <= 2);
  const opaque = known.hasAlpha ? source.flatten({ background: '#000000' }) : source;
  const shown = deep ? opaque.toColourspace('grey16') : opaque.toColourspace('srgb');
  const { data, info } = await shown.raw({ depth: deep ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true });
  const size = { rows: info.height, columns: info.width, lossy: known.format === 'jpeg' };
  const stride = info.channels;
  if (deep) {
    const words = everyFirst(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), stride);
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    return { data: bytes, picture: { ...size, samples: 1, bits: 16, range: rangeOf(words) } };
  }
  if (stride >= 3 && !isGrey(data, stride)) {
    const colours = stride === 3 ? data : withoutFourth(data);
    return { data: colours, picture: { ...size, samples: 3, bits: 8 } };
  }
  const grey = everyFirst(data, stride);
  return { data: grey, picture: { ...size, samples: 1, bits: 8, range: { low: 0, high: 255 } } };
}

/** A film that was photographed or exported in colours is grey all the same. */
function isGrey(data: Uint8Array, stride: number): boolean {
  for (let i = 0; i < data.length; i += stride) if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  return true;
}

function everyFirst<Samples extends Uint8Array | Uint16Array>(data: Samples, stride: number): Samples {
  if (stride === 1) return data;
  const first = data.slice(0, data.length / stride) as Samples;
  for (let i = 0; i < first.length; i++) first[i] = data[i * stride]!;
  return first;
}

function withoutFourth(data: Uint8Array): Uint8Array {
  const colours = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    colours[to++] = data[from]!;
    colours[to++] = data[from + 1]!;
    colours[to++] = data[from + 2]!;
  }
  return colours;
}

function rangeOf(words: Uint16Array): { low: number; high: number } {
  let [low, high] = [0xffff, 0];
  for (const word of words) {
    if (word < low) low = word;
    if (word > high) high = word;
  }
  return { low, high };
}

/** Longest that stands before the pixels: a profile of colours, a preview. */
const mostChunks = 10_000;

/** An animated PNG says so before its pixels, in a chunk of its own (PNG 3 11.3.6.1). */
async function isMoving(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(8);
    let at = 8;
    for (let n = 0; n < mostChunks; n++) {
      if ((await file.read(head, 0, 8, at)).bytesRead < 8) return false;
      const type = head.toString('latin1', 4);
      if (type === 'acTL') return true;
      if (type === 'IDAT') return false;
      at += 12 + head.readUInt32BE(0);
    }
    return false;
  } finally {
    await file.close();
  }
}

/** Bytes that are written at a time. */
const atATime = 4 << 20;

async function writeAll(
  file: FileHandle,
  expectSpace: (bytes: number) => Promise<void>,
  pieces: Uint8Array[],
): Promise<void> {
  for (const piece of pieces)
    for (let done = 0; done < piece.length;) {
      const length = Math.min(atATime, piece.length - done);
      await expectSpace(length);
      done += (await file.write(piece, done, length)).bytesWritten;
    }
}
