/**
 * Pictures that were encoded by others (dcmtk, gdcm, OpenJPEG, OpenJPH, libjxl, CharLS; `by` says which) from samples that
 * are computed here again: every format, with one and three samples, 8, 12 and 16 bits, with and without a sign.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DecodedFrame } from '../../../server/core/dicom/instance.ts';
import { decodeCompressed } from '../../../server/infrastructure/codecs/compressed-frame.ts';
import type { FrameDescription } from '../../../server/infrastructure/codecs/frame-description.ts';

interface Codestream {
  name: string;
  syntax: string;
  samples: 1 | 3;
  bits: number;
  signed: boolean;
  photometric: string;
  by: string;
  data: string;
  /** Of lossy ones: the samples are a ramp, and this far off at most. */
  tolerance?: number;
}

const [rows, columns] = [9, 13];
const codestreams = JSON.parse(readFileSync(new URL('codestreams.json', import.meta.url), 'utf8')) as Codestream[];

function sampleAt({ bits, signed, tolerance, syntax }: Codestream, x: number, y: number, c: number): number {
  const top = 2 ** bits;
  const ramp = tolerance !== undefined && !syntax.endsWith('.81');
  let value = (((x * 37 + y * 61 + c * 97 + x * y * 13) * 40_503) % 65_536) >> (16 - bits);
  if (ramp) value = Math.floor((top * (x * 3 + y * 2 + c * 5)) / 70);
  else if (y === 0 && x < 2) value = x * (top - 1);
  return value - (signed ? top / 2 : 0);
}

function samplesOf(stream: Codestream): number[] {
  const samples: number[] = [];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) for (let c = 0; c < stream.samples; c++) samples.push(sampleAt(stream, x, y, c));
  return samples;
}

function frameOf({ samples, bits, signed, photometric }: Codestream): FrameDescription {
  return {
    rows, columns, samplesPerPixel: samples, bitsAllocated: bits > 8 ? 16 : 8, bitsStored: bits, highBit: bits - 1, signed,
    photometricInterpretation: photometric, planar: false,
  }; // prettier-ignore
}

const bytesOf = ({ data }: Codestream) => new Uint8Array(Buffer.from(data, 'base64'));
const decoded = (stream: Codestream, changed: Partial<FrameDescription> = {}, bytes = bytesOf(stream)) =>
  decodeCompressed(bytes, { ...frameOf(stream), ...changed }, stream.syntax);

const bySyntax = (end: string) => codestreams.filter(({ syntax }) => syntax.endsWith(end));

describe('a picture of another encoder is what it was before', () => {
  it.each(codestreams.map((stream) => [stream.name, stream.by, stream] as const))(
    '%s (%s)',
    async (_name, _by, stream) => {
      const frame = await decoded(stream);
      const off = samplesOf(stream).map((sample, i) => Math.abs(sample - frame.pixels[i]!));
      expect(frame.pixels).toHaveLength(rows * columns * stream.samples);
      expect(Math.max(...off)).toBeLessThanOrEqual(stream.tolerance ?? 0);
      if (stream.samples === 3) expect(frame.photometricInterpretation).toBe('RGB');
    },
  );
});

describe('a codestream and what the image says of it', () => {
  const twelve = codestreams.find(({ name }) => name === 'JPEG 2000, 1 x 12 bit')!;
  const signedOne = codestreams.find(({ name }) => name === 'JPEG 2000, 1 x 12 bit signed')!;
  const values = (frame: DecodedFrame) => [...frame.pixels];

  it('may differ in bits where the values are the same', async () => {
    expect(values(await decoded(twelve, { bitsStored: 16, highBit: 15 }))).toEqual(samplesOf(twelve));
    expect(values(await decoded(twelve, { bitsAllocated: 32, bitsStored: 32, highBit: 31 }))).toEqual(
      samplesOf(twelve),
    );
    expect(values(await decoded(signedOne, { bitsStored: 16, highBit: 15 }))).toEqual(samplesOf(signedOne));
  });

  it('loses bits above the stored ones', async () => {
    const lowest = samplesOf(twelve).map((sample) => sample & 0x3ff);
    expect(values(await decoded(twelve, { bitsStored: 10, highBit: 9 }))).toEqual(lowest);
  });

  it.each([
    ['a sign that only the image knows, in more bits', twelve, { bitsStored: 16, highBit: 15, signed: true }],
    ['a sign that only the codestream knows, in more bits', signedOne, { bitsStored: 16, highBit: 15, signed: false }],
    ['more bits than are allocated', twelve, { bitsAllocated: 8, bitsStored: 8, highBit: 7 }],
    ['another number of rows', twelve, { rows: 10 }],
    ['a smaller picture than the image', twelve, { rows: 18, columns: 26 }],
    ['three samples instead of one', twelve, { samplesPerPixel: 3, photometricInterpretation: 'RGB' }],
  ] as const)('is refused with %s', async (_what, stream, changed) => {
    await expect(decoded(stream, changed)).rejects.toMatchObject({ code: 'structure' });
  });

  it('is refused with components of different depth', async () => {
    const stream = codestreams.find(({ name }) => name === 'JPEG 2000, 3 x 8 bit')!;
    const bytes = bytesOf(stream);
    bytes[42 + 3] = 9; // Ssiz of the second component
    await expect(decoded(stream, {}, bytes)).rejects.toMatchObject({ code: 'not-supported' });
  });
});

describe('a codestream that was cut off', () => {
  const each = ['.50', '.51', '.57', '.70', '.80', '.90', '.110', '.201', '.2.5'].flatMap((end) =>
    bySyntax(end).slice(0, 2),
  );
  it.each(each.map((stream) => [stream.name, stream] as const))(
    'is refused, not filled up: %s',
    async (_name, stream) => {
      const whole = bytesOf(stream);
      for (const part of [0.3, 0.7, 0.9])
        await expect(decoded(stream, {}, whole.slice(0, Math.floor(whole.length * part)))).rejects.toMatchObject({
          code: 'structure',
        });
    },
  );
});
