import type { Blobs } from '../../core/studies/blobs.ts';
import type { DecodedFrame, InstanceRow } from '../../core/dicom/instance.ts';
import { swappedWords } from '../../core/dicom/word-order.ts';
import { Problem } from '../../core/problem.ts';
import type { Surroundings } from './explicit-surroundings.ts';

/**
 * Streams a file in Explicit VR Little Endian: never more of it in memory than one frame and what surrounds
 * the pixels. The first compressed frame is decoded before anything is given, so that a file that cannot be
 * decoded is refused instead of cut short.
 */
export async function* explicitFile(
  instance: InstanceRow,
  surround: () => Promise<Surroundings>,
  decode: (instance: InstanceRow, frame: number) => Promise<DecodedFrame>,
  blobs: Pick<Blobs, 'open'>,
): AsyncGenerator<Uint8Array> {
  const { head, tail, pixels } = await surround();
  if (pixels && 'frames' in pixels) {
    let coming = decode(instance, 0);
    yield* [await coming.then(() => head)];
    for (let frame = 0; frame < pixels.frames; frame++) {
      const bytes = bytesOf(await coming);
      if (bytes.length !== pixels.bytes) throw new Problem('structure', 'A frame is not of the size of the others');
      if (frame + 1 < pixels.frames) {
        coming = decode(instance, frame + 1);
        coming.catch(() => undefined); // awaited in the next round; until then a failure is nobody's
      }
      yield bytes;
    }
    if ((pixels.frames * pixels.bytes) % 2 === 1) yield Uint8Array.of(0);
  } else {
    yield head;
    if (pixels)
      yield* swappedWords(
        blobs.open(instance.inflated ?? instance.blob, { offset: pixels.native[0], length: pixels.native[1] }),
        pixels.width,
      );
  }
  yield tail;
}

/** Decoded samples as the bytes of native little endian pixel data. */
export function bytesOf({ pixels }: DecodedFrame): Uint8Array {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}
