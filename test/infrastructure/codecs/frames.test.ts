import { describe, expect, it } from 'vitest';
import { isDecoded } from '../../../server/core/dicom/encapsulated-syntaxes.ts';
import { transferSyntax } from '../../../server/core/dicom/transfer-syntax.ts';
import { checkCodestream, sizeOfCodestream } from '../../../server/infrastructure/codecs/codestream.ts';
import { decodeCompressed } from '../../../server/infrastructure/codecs/compressed-frame.ts';
import { describeFrame, type FrameDescription } from '../../../server/infrastructure/codecs/frame-description.ts';
import { decodeNative } from '../../../server/infrastructure/codecs/native-frame.ts';
import { decodeRunLength } from '../../../server/infrastructure/codecs/run-length.ts';

const grey: FrameDescription = {
  rows: 2, columns: 2, samplesPerPixel: 1, bitsAllocated: 8, bitsStored: 8, highBit: 7, signed: false, photometricInterpretation: 'MONOCHROME2', planar: false,
}; // prettier-ignore

function rle(...segments: number[][]): Uint8Array {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(segments.length, 0);
  let at = 64;
  for (const [i, segment] of segments.entries()) {
    header.writeUInt32LE(at, 4 + i * 4);
    at += segment.length;
  }
  return Buffer.concat([header, ...segments.map((segment) => Buffer.from(segment))]);
}

describe('native samples', () => {
  it('lose what lies above or below the stored bits', () => {
    const bytes = Uint8Array.of(0x23, 0xf1, 0xff, 0x0f, 0, 0x80, 1, 0);
    const twelve = { ...grey, bitsAllocated: 16, bitsStored: 12, highBit: 11 } as const;
    expect([...decodeNative(bytes.slice(), twelve).pixels]).toEqual([0x123, 0xfff, 0, 1]);
    expect([...decodeNative(bytes.slice(), { ...twelve, signed: true }).pixels]).toEqual([0x123, -1, 0, 1]);
    expect([...decodeNative(bytes.slice(), { ...twelve, highBit: 15 }).pixels]).toEqual([0xf12, 0x0ff, 0x800, 0]);
  });

  it('become interleaved, and 4:2:2 is widened', () => {
    const planar = { ...grey, samplesPerPixel: 3, planar: true, photometricInterpretation: 'RGB' } as const;
    expect([...decodeNative(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), planar).pixels]).toEqual([
      1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12,
    ]);
    const half = { ...grey, samplesPerPixel: 3, photometricInterpretation: 'YBR_FULL_422' } as const;
    const widened = decodeNative(Uint8Array.of(10, 20, 100, 200, 30, 40, 110, 210), half);
    expect(widened.photometricInterpretation).toBe('YBR_FULL');
    expect([...widened.pixels]).toEqual([10, 100, 200, 20, 100, 200, 30, 110, 210, 40, 110, 210]);
  });

  it('that end too early are refused', () => {
    for (const frame of [grey, { ...grey, bitsAllocated: 16 }, { ...grey, bitsAllocated: 1 }] as FrameDescription[])
      expect(() => decodeNative(new Uint8Array(0), frame)).toThrow(expect.objectContaining({ code: 'structure' }));
  });
});

describe('RLE', () => {
  it('joins the bytes of a sample from their segments, most significant first', () => {
    const sixteen = { ...grey, bitsAllocated: 16, bitsStored: 16 } as const;
    expect([...decodeRunLength(rle([253, 0x12], [3, 1, 2, 3, 4]), sixteen)]).toEqual([
      1, 0x12, 2, 0x12, 3, 0x12, 4, 0x12,
    ]);
  });

  it('ignores the no-operation code and bytes past the end', () => {
    expect([...decodeRunLength(rle([128, 128, 1, 9, 8, 255, 7, 0, 0]), grey)]).toEqual([9, 8, 7, 7]);
  });

  it('with a broken header or segment is refused', () => {
    const broken = [new Uint8Array(10), rle([3, 1, 2]), rle([253]), rle([]), rle([253, 1], [253, 1])];
    const outside = Buffer.from(rle([253, 1]));
    outside.writeUInt32LE(9999, 4);
    for (const bytes of [...broken, outside])
      expect(() => decodeRunLength(bytes, grey)).toThrow(expect.objectContaining({ code: 'structure' }));
  });
});

describe('the size in a codestream', () => {
  const jpeg = (marker: number) =>
    Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, marker, 0, 11, 8, 0, 24, 0, 32, 1, 1, 0x11, 0]);
  it('is read from JPEG, JPEG-LS and JPEG 2000', () => {
    for (const marker of [0xc0, 0xc1, 0xc3, 0xf7])
      expect(sizeOfCodestream(jpeg(marker))).toMatchObject({ rows: 24, columns: 32, components: 1, precision: 8 });
    const siz = Buffer.alloc(44);
    siz.writeUInt32BE(0xff4fff51, 0);
    siz.writeUInt32BE(132, 8);
    siz.writeUInt32BE(24, 12);
    siz.writeUInt32BE(100, 16);
    siz.writeUInt16BE(3, 40);
    expect(sizeOfCodestream(siz)).toMatchObject({ rows: 24, columns: 32, components: 3 });
  });

  it('is not found in anything else, whatever it is', () => {
    let seed = 3;
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) & 0xff;
    for (let round = 0; round < 3_000; round++) {
      const bytes = Uint8Array.from({ length: random() }, random);
      if (round % 2) bytes.set([0xff, 0xd8, 0xff].slice(0, bytes.length));
      const size = sizeOfCodestream(bytes);
      if (!size)
        expect(() => checkCodestream(bytes, { ...grey })).toThrow(expect.objectContaining({ code: 'structure' }));
    }
  });
});

describe('what an image says of itself', () => {
  const attributes = (changed: Record<string, unknown> = {}) => ({
    attributes: Object.fromEntries(
      Object.entries({ '00280010': 2, '00280011': 2, '00280100': 8, ...changed }).map(([tag, value]) => [
        tag,
        { vr: 'US', Value: [value as number] },
      ]),
    ),
  });
  it('is taken with the defaults of the standard', () => expect(describeFrame(attributes())).toEqual({ ...grey }));
  it.each([
    [{ '00280100': 24 }, 'not-supported'],
    [{ '00280002': 4 }, 'not-supported'],
    [{ '00280010': 0 }, 'structure'],
    [{ '00280101': 16 }, 'structure'],
    [{ '00280010': 'x' }, 'structure'],
    [{ '00280010': 65535, '00280011': 65535 }, 'too-costly'],
    [{ '7FE00008': 1 }, 'structure'],
  ])('and refused when it is %o', (changed, code) => {
    expect(() => describeFrame(attributes(changed))).toThrow(expect.objectContaining({ code }));
  });
});

it('decodes exactly the compressed syntaxes that it says it does', async () => {
  for (let last = 50; last <= 205; last++) {
    const uid = `1.2.840.10008.1.2.4.${last}`;
    if (!transferSyntax(uid)) continue;
    const refusal: unknown = await decodeCompressed(new Uint8Array(10), grey, uid).catch((error: unknown) => error);
    expect([uid, (refusal as { code: string }).code]).toEqual([uid, isDecoded(uid) ? 'structure' : 'not-supported']);
  }
});
