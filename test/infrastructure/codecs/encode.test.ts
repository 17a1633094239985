/** What we encode, decoded by something else than what encoded it. */
import { createRequire } from 'node:module';
import type * as Codecs from 'dcmjs-codecs';
import { describe, expect, it } from 'vitest';
import { Decoder as JpegLosslessDecoder } from '@cornerstonejs/jpeg-lossless-decoder-js';
import type { DecodedFrame } from '../../../server/core/dicom/instance.ts';
import { decodeCodestream } from '../../../server/infrastructure/codecs/decode-codestream.ts';
import { decodeCompressed } from '../../../server/infrastructure/codecs/compressed-frame.ts';
import { withoutSign } from '../../../server/infrastructure/codecs/codestream.ts';
import { encodeFrame } from '../../../server/infrastructure/codecs/encode-frame.ts';
import { encodedForm, encodingOf } from '../../../server/infrastructure/codecs/encoded-form.ts';
import type { FrameDescription } from '../../../server/infrastructure/codecs/frame-description.ts';

const { Context, NativeCodecs } = createRequire(import.meta.url)('dcmjs-codecs') as typeof Codecs;
const uid = (end: string) => `1.2.840.10008.1.2.${end}`;
const [rows, columns] = [40, 70];

/** Not `toEqual`: of thousands of samples it makes a text first. */
const differing = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  a.length === b.length ? Array.from(a).filter((value, i) => value !== b[i]).length : Infinity;

function picture(samples: 1 | 3, bits: number, signed: boolean, photometric = samples === 3 ? 'RGB' : 'MONOCHROME2') {
  const top = 2 ** bits;
  const values = Array.from({ length: rows * columns * samples }, (_, i) => {
    const [pixel, c] = [Math.floor(i / samples), i % samples];
    const [x, y] = [pixel % columns, Math.floor(pixel / columns)];
    const noise = (((x * 37 + y * 61 + c * 97 + x * y * 13) * 40_503) % 65_536) / 65_536;
    // The ends of the range, long equal runs, and a noisy ramp.
    const value =
      i < samples ? 0 : i < 2 * samples ? top - 1 : y < 9 ? (y * top) >> 4 : ((x + c * 9) / 160 + noise / 20) * top;
    return Math.min(top - 1, Math.floor(value)) - (signed ? top / 2 : 0);
  });
  const Cells =
    bits > 16 ? Uint32Array : bits > 8 ? (signed ? Int16Array : Uint16Array) : signed ? Int8Array : Uint8Array;
  const frame: DecodedFrame = {
    rows, columns, samplesPerPixel: samples, bitsStored: bits, signed, photometricInterpretation: photometric, pixels: Cells.from(values),
  }; // prettier-ignore
  const description: FrameDescription = {
    ...frame, bitsAllocated: bits > 16 ? 32 : bits > 8 ? 16 : 8, highBit: bits - 1, planar: false,
  }; // prettier-ignore
  return { frame, description };
}

/** The stored bits of each sample, greater by half of the range if `shifted`. */
const bitsOf = ({ pixels, bitsStored, signed }: DecodedFrame, shifted = false) =>
  Array.from(pixels, (value) => (value + (signed && shifted ? 2 ** (bitsStored - 1) : 0)) & (2 ** bitsStored - 1));
const cells = (bytes: Uint8Array, bits: number, count: number) =>
  [...(bits > 8 ? new Uint16Array(bytes.slice().buffer) : bytes)].slice(0, count);

async function byDcmjs(method: 'decodeJpegLs' | 'decodeRle', bytes: Uint8Array, frame: DecodedFrame) {
  if (!NativeCodecs.isInitialized()) await NativeCodecs.initializeAsync();
  const context = new Context({
    width: columns, height: rows, bitsAllocated: frame.pixels.BYTES_PER_ELEMENT * 8, bitsStored: frame.bitsStored,
    samplesPerPixel: frame.samplesPerPixel, pixelRepresentation: 0, planarConfiguration: 0,
    photometricInterpretation: frame.samplesPerPixel === 3 ? 'RGB' : 'MONOCHROME2', encodedBuffer: bytes,
  }); // prettier-ignore
  return cells(NativeCodecs[method](context).getDecodedBuffer()!, frame.bitsStored, frame.pixels.length);
}

/** Another decoder for each syntax; HTJ2K is written by OpenJPH and read by OpenJPEG. */
const judges: Record<string, (bytes: Uint8Array, frame: DecodedFrame) => Promise<number[]>> = {
  '4.70': async (bytes, { bitsStored, pixels }) => {
    const image = new JpegLosslessDecoder().decode(bytes.slice().buffer, 0, bytes.length) as Uint8Array | Uint16Array;
    return cells(new Uint8Array(image.buffer, image.byteOffset, image.byteLength), bitsStored, pixels.length);
  },
  '4.80': (bytes, frame) => byDcmjs('decodeJpegLs', bytes, frame),
  '4.90': jpeg2000,
  '4.201': jpeg2000,
  '4.202': jpeg2000,
};

async function jpeg2000(bytes: Uint8Array, { bitsStored, pixels, signed }: DecodedFrame): Promise<number[]> {
  const image = await decodeCodestream('jpeg-2000', signed ? withoutSign(bytes) : bytes);
  return cells(image.bytes, bitsStored, pixels.length);
}

describe('a picture that is encoded without loss', () => {
  const kinds = [1, 3].flatMap((samples) =>
    [8, 10, 12, 16].flatMap((bits) => [false, true].map((signed) => [samples as 1 | 3, bits, signed] as const)),
  );
  const cases = kinds.flatMap((kind) => Object.keys(judges).map((end) => [end, ...kind] as const));
  const possible = cases.filter(([end, samples, bits]) => samples === 1 || bits === 8 || /\.[78]0$/.test(end));
  it.each(possible)(
    'in %s, %i sample(s) of %i bits (signed: %s), is the same for another decoder',
    async (end, ...kind) => {
      const { frame, description } = picture(...kind);
      const form = encodedForm(description, frame.photometricInterpretation, encodingOf(uid(end)));
      const bytes = await encodeFrame(frame, encodingOf(uid(end)));
      expect(bytes.length % 2).toBe(0);
      // That decoder reads no colour of more than eight bits; ours has been proved on that of others.
      if (end !== '4.70' || kind[0] === 1 || kind[1] === 8)
        expect(differing(await judges[end]!(bytes, frame), bitsOf(frame, end !== '4.70' && end !== '4.80'))).toBe(0);
      const back = await decodeCompressed(bytes, { ...description, ...form }, uid(end));
      expect(differing(back.pixels, frame.pixels)).toBe(0);
      expect(back.photometricInterpretation).toBe(frame.photometricInterpretation);
    },
  );

  it.each([...kinds, [1, 32, false] as const])(
    'as RLE comes back: %i sample(s) of %i bits (signed: %s)',
    async (...kind) => {
      const { frame, description } = picture(...kind);
      const bytes = await encodeFrame(frame, encodingOf(uid('5')));
      expect(differing((await decodeCompressed(bytes, description, uid('5'))).pixels, frame.pixels)).toBe(0);
      if (kind[1] <= 16 && kind[0] === 1)
        expect(differing(await byDcmjs('decodeRle', bytes, frame), cellsAsStored(frame))).toBe(0);
    },
  );
  const cellsAsStored = ({ pixels }: DecodedFrame) => cells(new Uint8Array(pixels.buffer.slice(0) as ArrayBuffer), pixels.BYTES_PER_ELEMENT * 8, pixels.length); // prettier-ignore

  it.each(['4.90', '4.201', '4.202'])('in YBR_FULL stays that in %s', async (end) => {
    const { frame, description } = picture(3, 8, false, 'YBR_FULL');
    expect(encodedForm(description, 'YBR_FULL', encodingOf(uid(end))).photometricInterpretation).toBe('YBR_FULL');
    const bytes = await encodeFrame(frame, encodingOf(uid(end)));
    expect(differing(await judges[end]!(bytes, frame), bitsOf(frame))).toBe(0);
  });
});

describe('a picture that is encoded with loss', () => {
  it.each([['4.50', 1, 12], ['4.50', 3, 40], ['4.91', 1, 12], ['4.91', 3, 20], ['4.203', 1, 4], ['4.203', 3, 6]] as const)(
    'in %s with %i sample(s) is nearly the same', async (end, samples, most) => {
      const { frame, description } = picture(samples, 8, false);
      const encoding = encodingOf(uid(end));
      const form = encodedForm(description, frame.photometricInterpretation, encoding);
      const bytes = await encodeFrame(frame, encoding);
      const back = await decodeCompressed(bytes, { ...description, ...form }, uid(end));
      const off = Array.from(back.pixels, (value, i) => Math.abs(value - frame.pixels[i]!)).slice(9 * columns * samples);
      expect(off.reduce((sum, value) => sum + value, 0) / off.length).toBeLessThan(most / 2);
      expect(bytes.length).toBeLessThan(frame.pixels.length);
      expect(encoding.lossy).toMatch(/^ISO_/);
    },
  ); // prettier-ignore
});

describe('a picture that a transfer syntax cannot hold', () => {
  const grey = picture(1, 12, false).description;
  const colour = picture(3, 12, false).description;
  it.each([
    ['4.50', grey, 'MONOCHROME2'],
    ['4.50', { ...grey, bitsAllocated: 8, bitsStored: 8, signed: true }, 'MONOCHROME2'],
    ['4.91', { ...grey, bitsAllocated: 8, bitsStored: 8 }, 'PALETTE COLOR'],
    ['4.90', colour, 'RGB'],
    ['4.80', { ...grey, bitsAllocated: 1, bitsStored: 1 }, 'MONOCHROME2'],
    ['4.80', { ...grey, bitsAllocated: 32, bitsStored: 32 }, 'MONOCHROME2'],
    ['5', { ...grey, bitsAllocated: 32, bitsStored: 32, float: true }, 'MONOCHROME2'],
    ['4.80', colour, 'YBR_PARTIAL_422'],
  ] as const)('is refused in %s', (end, description, photometric) => {
    expect(() => encodedForm(description as FrameDescription, photometric, encodingOf(uid(end)))).toThrow(
      expect.objectContaining({ code: 'not-supported' }),
    );
  });
});
