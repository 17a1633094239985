import { Problem } from '../problem.ts';
import type { Logo } from './site-store.ts';

export const largestLogo = 512 * 1024;
const longestSide = 2000;

/**
 * A logo as its own content says: what a browser calls the file does not count, because it is printed on reports and
 * shown on pages.
 *
 * @throws Problem `media-type` if it is neither PNG nor JPEG (pictures that can hold scripts or addresses are none),
 * `too-long`, `value` for sides that are too long or a file that ends early.
 */
export function readLogo(bytes: Uint8Array): Logo {
  if (bytes.length > largestLogo) throw new Problem('too-long', `A logo may have ${largestLogo / 1024} KB at most.`);
  const found = png(bytes) ?? jpeg(bytes);
  if (!found) throw new Problem('media-type', 'A logo is a PNG or JPEG image.');
  const { type, width, height, whole } = found;
  if (!whole) throw new Problem('value', 'The image ends early. Save it anew.', { expression: 'logo' });
  if (width < 1 || height < 1 || width > longestSide || height > longestSide)
    throw new Problem('value', `A logo may be ${longestSide} pixels wide and high at most.`, { expression: 'logo' });
  return { type, bytes };
}

interface Found {
  type: Logo['type'];
  width: number;
  height: number;
  /** Ends as the format says that it ends. */
  whole: boolean;
}

/** PNG third edition 5.2, 11.2.1: the signature, then IHDR; IEND is last. */
function png(bytes: Uint8Array): Found | undefined {
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (bytes.length < 33 || !signature.every((byte, at) => bytes[at] === byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Buffer.from('IEND').equals(bytes.subarray(bytes.length - 8, bytes.length - 4));
  return { type: 'image/png', width: view.getUint32(16), height: view.getUint32(20), whole: end };
}

/** ITU-T T.81 B.1.1: segments up to the frame header, which has the sides. */
function jpeg(bytes: Uint8Array): Found | undefined {
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== 0xd8 || bytes[2] !== 0xff) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const none: Found = { type: 'image/jpeg', width: 0, height: 0, whole: false };
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!;
    if (marker === 0xff) at += 1;
    else if (isFrame(marker))
      return { ...none, height: view.getUint16(at + 5), width: view.getUint16(at + 7), whole: endsAsJpeg(bytes) };
    else at += 2 + view.getUint16(at + 2);
  }
  return none;
}

/** SOF0 to SOF15, without DHT, JPG and DAC, which lie between them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Cameras append things behind the end of the image. */
function endsAsJpeg(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf(Buffer.from([0xff, 0xd9])) > 0;
}
