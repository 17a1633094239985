import type { Blobs } from '../../core/studies/blobs.ts';
import type { DecodedFrame, InstanceRow } from '../../core/dicom/instance.ts';
import { nativeBytes, packBits } from '../../core/dicom/frame-ranges.ts';
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
    const { frames, bits } = pixels;
    const native = bits % 8 === 0 ? wholeFrames(bits / 8, instance) : joinedBits(bits);
    for (let frame = 0; frame < frames; frame++) {
      const bytes = native(await coming, frame + 1 === frames);
      if (frame + 1 < frames) {
        coming = decode(instance, frame + 1);
        coming.catch(() => undefined); // awaited in the next round; until then a failure is nobody's
      }
      yield bytes;
    }
    if (Math.ceil((frames * bits) / 8) % 2 === 1) yield Uint8Array.of(0);
  } else {
    yield head;
    if (pixels && 'native' in pixels)
      yield* swappedWords(
        blobs.open(instance.inflated ?? instance.blob, { offset: pixels.native[0], length: pixels.native[1] }),
        pixels.width,
      );
  }
  yield tail;
}

type Native = (frame: DecodedFrame, last: boolean) => Uint8Array;

function wholeFrames(length: number, instance: InstanceRow): Native {
  const allocated = instance.attributes['00280100']?.Value?.[0];
  return (frame) => {
    const bytes = nativeBytes(frame, allocated);
    if (bytes.length !== length) throw new Problem('structure', 'A frame is not of the size of the others');
    return bytes;
  };
}

/** Frames of one bit a sample that end within a byte: the next one goes on in it (PS3.5 8.1.1). */
function joinedBits(bits: number): Native {
  let begun: number[] = [];
  return ({ pixels }, last) => {
    if (pixels.length !== bits) throw new Problem('structure', 'A frame is not of the size of the others');
    const samples = new Uint8Array(begun.length + bits);
    samples.set(begun);
    samples.set(pixels, begun.length);
    const whole = last ? samples.length : samples.length - (samples.length % 8);
    begun = [...samples.subarray(whole)];
    return packBits(samples.subarray(0, whole));
  };
}
