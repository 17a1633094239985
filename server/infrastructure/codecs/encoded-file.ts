import { frameCount } from '../../core/dicom/frame-ranges.ts';
import type { InstanceRow } from '../../core/dicom/instance.ts';
import { describeFrame } from './frame-description.ts';
import { nativeLength } from './native-frame.ts';
import type { Surroundings } from './explicit-surroundings.ts';

/** Encoded frames that are held until all of them are there and the offset table can be written. */
const heldBytes = 32 * 1024 * 1024;

/**
 * Streams a file with encapsulated pixel data (PS3.5 A.4): one fragment a frame, and where they are few enough to be held in
 * memory a Basic Offset Table; without one a reader takes each fragment for a frame. Nothing is given before the first
 * frame is encoded, so that an image that cannot be is refused.
 *
 * @param surround gets what lossy compression has saved, for the header
 * @param encode one frame, of even length
 */
export async function* encodedFile(
  instance: InstanceRow,
  surround: (ratio?: number) => Promise<Surroundings>,
  encode: (frame: number) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const count = frameCount(instance.frames);
  const held: Uint8Array[] = [];
  let bytes = 0;
  while (held.length < count && bytes < heldBytes) {
    const frame = await encode(held.length);
    held.push(frame);
    bytes += frame.length;
  }
  const native = count === 0 ? 0 : nativeLength(describeFrame(instance)) * held.length;
  const { head, tail, pixels } = await surround(bytes === 0 ? undefined : native / bytes);
  yield head;
  if (pixels && 'encoded' in pixels) {
    yield item(held.length === count ? offsetTable(held) : new Uint8Array(0));
    const first = held.length;
    for (const frame of held.splice(0)) yield item(frame);
    for (let frame = first; frame < count; frame++) yield item(await encode(frame));
    yield Uint8Array.of(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0);
  }
  yield tail;
}

/** Offsets of the frames' items from the first one on. */
function offsetTable(frames: readonly Uint8Array[]): Uint8Array {
  const table = new DataView(new ArrayBuffer(frames.length * 4));
  let at = 0;
  for (const [i, { length }] of frames.entries()) {
    table.setUint32(i * 4, at, true);
    at += 8 + length;
  }
  return new Uint8Array(table.buffer);
}

function item(content: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(8));
  head.setUint32(0, 0xe000_fffe, true);
  head.setUint32(4, content.length, true);
  return Buffer.concat([new Uint8Array(head.buffer), content]);
}
