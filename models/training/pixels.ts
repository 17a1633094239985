import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { IMAGE_SIDE } from './mobilenet.ts';
import type { Progress } from './progress.ts';
import { writeJson } from './write-whole.ts';

/** Bytes of one grey image. */
export const PIXELS = IMAGE_SIDE * IMAGE_SIDE;

/** Decodes one file to 224 x 224 grey, 0 to 255; stretched, not cropped, as model.json declares. */
export type Decode = (path: string) => Promise<Uint8Array>;

/** PNG and JPEG. @throws Error (sharp's) for a damaged file. */
export async function decodePicture(path: string): Promise<Uint8Array> {
  const { data, info } = await sharp(path, { failOn: 'error', limitInputPixels: 100_000_000 })
    .flatten({ background: '#000' })
    .toColourspace('b-w')
    .resize(IMAGE_SIDE, IMAGE_SIDE, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 1) throw new RangeError(`${path} did not become grey`);
  return new Uint8Array(data);
}

/** All images of a run in one file of fixed records, decoded once. */
export interface PixelStore {
  count: number;
  /** Where the records are, for a thread that reads them itself. */
  file: string;
  image(index: number): Uint8Array;
}

/**
 * Decodes into `target`, or opens it when an earlier run finished it. A file that cannot be decoded becomes an
 * entry of `broken` and a black record, so that indices stay those of the list.
 */
export async function storePixels(
  target: string,
  paths: readonly string[],
  decode: Decode,
  progress: Progress,
): Promise<{ store: PixelStore; broken: Map<number, string> }> {
  const notes = `${target}.broken.json`;
  const ready = existsSync(notes) && statSync(target, { throwIfNoEntry: false })?.size === paths.length * PIXELS;
  const broken = new Map<number, string>(ready ? (JSON.parse(readFileSync(notes, 'utf8')) as [number, string][]) : []);
  if (!ready) {
    mkdirSync(dirname(target), { recursive: true });
    const file = openSync(`${target}.part`, 'w');
    const bar = progress('decode', paths.length);
    for (const [index, path] of paths.entries()) {
      let pixels = new Uint8Array(PIXELS);
      try {
        pixels = new Uint8Array(await decode(path));
      } catch (cause) {
        broken.set(index, cause instanceof Error ? cause.message : String(cause));
      }
      writeSync(file, pixels, 0, PIXELS, index * PIXELS);
      bar(index + 1);
    }
    closeSync(file);
    renameSync(`${target}.part`, target);
    writeJson(notes, [...broken]);
  }
  const all = readFileSync(target);
  const image = (index: number): Uint8Array => all.subarray(index * PIXELS, (index + 1) * PIXELS);
  return { store: { count: paths.length, file: target, image }, broken };
}

/** Grey images to the uint8 NHWC that the graph takes. */
export function toThreeChannels(images: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(images.length * PIXELS * 3);
  let at = 0;
  for (const image of images) {
    for (const value of image) {
      result[at] = result[at + 1] = result[at + 2] = value;
      at += 3;
    }
  }
  return result;
}
