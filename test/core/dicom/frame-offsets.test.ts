import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../server/core/dicom/byte-source.ts';
import { readFileMeta, readInstance } from '../../../server/core/dicom/part10.ts';
import { imageFile, syntaxes, type Element, type ImageOptions } from '../../harness/dicom-file.ts';

/** The bytes of each frame, by the offsets. */
function framesOf(options: ImageOptions): Buffer[] | null {
  const file = imageFile(options);
  const source = memorySource(file);
  const { frames } = readInstance(source, readFileMeta(source));
  if (!frames) return null;
  if (!frames.encapsulated) {
    return Array.from({ length: frames.count }, (_, i) =>
      file.subarray(frames.offset + i * frames.length, frames.offset + (i + 1) * frames.length),
    );
  }
  return frames.frames.map((parts) =>
    Buffer.concat(parts.map(([offset, length]) => file.subarray(offset, offset + length))),
  );
}

const part = (first: number, length = 8) => Buffer.from([first, ...Array.from({ length: length - 1 }, (_, i) => i)]);
const jpeg = (fill: number) => Buffer.from([0xff, 0xd8, fill, fill, fill, fill]);
const uint64 = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), i * 8);
  return bytes;
};

describe('native frames', () => {
  it('follow each other without padding, at odd sizes too', () => {
    const pixels = Uint8Array.from({ length: 27 }, (_, i) => i);
    expect(framesOf({ rows: 3, columns: 3, bits: 8, frames: 3, pixels })).toEqual(
      [0, 9, 18].map((at) => Buffer.from(pixels.subarray(at, at + 9))),
    );
  });

  it('share bytes when they are one bit deep', () => {
    const source = memorySource(imageFile({ rows: 3, columns: 3, bits: 1, frames: 5, pixels: new Uint8Array(6) }));
    expect(readInstance(source, readFileMeta(source)).frames).toMatchObject({ bitPacked: true, count: 5 });
  });

  it('are counted when Number of Frames is missing', () => {
    expect(framesOf({ rows: 4, columns: 4, bits: 8, pixels: new Uint8Array(48) })).toHaveLength(3);
    expect(framesOf({ rows: 3, columns: 3, bits: 8, pixels: new Uint8Array(10) })).toHaveLength(1);
  });

  it('know that YBR_FULL_422 has two samples a pixel', () => {
    const options: ImageOptions = {
      rows: 2,
      columns: 4,
      bits: 8,
      frames: 2,
      pixels: new Uint8Array(32),
      with: [
        ['00280002', 'US', 3],
        ['00280004', 'CS', 'YBR_FULL_422'],
      ],
    };
    expect(framesOf(options)!.map(({ length }) => length)).toEqual([16, 16]);
  });

  it('refuse pixel data that is shorter than it says', () => {
    for (const options of [{ rows: 65535, columns: 65535 }, { frames: 2 }, { frames: 2_000_000_000 }]) {
      expect(() => framesOf({ pixels: new Uint8Array(512), ...options })).toThrow(
        expect.objectContaining({ code: 'structure' }),
      );
    }
  });

  it('are none when there is nothing to show', () => {
    expect(framesOf({ without: ['7FE00010'] })).toBeNull();
    expect(framesOf({ pixels: new Uint8Array(0) })).toBeNull();
    expect(framesOf({ without: ['00280010'] })).toBeNull();
  });
});

describe('encapsulated frames', () => {
  const image = (options: ImageOptions): ImageOptions => ({ transferSyntax: syntaxes.jpeg, ...options });

  it('are all fragments when there is one frame', () => {
    expect(framesOf(image({ pixels: { fragments: [part(1), part(2), part(3)] } }))).toEqual([
      Buffer.concat([part(1), part(2), part(3)]),
    ]);
  });

  it('are one fragment each without a table', () => {
    expect(framesOf(image({ frames: 3, pixels: { fragments: [part(1), part(2), part(3)] } }))).toEqual([
      part(1),
      part(2),
      part(3),
    ]);
  });

  it('begin where the Basic Offset Table says', () => {
    const fragments = [part(1), part(2, 10), part(3), part(4)];
    const found = framesOf(image({ frames: 2, pixels: { offsets: [0, 34], fragments } }));
    expect(found).toEqual([Buffer.concat([part(1), part(2, 10)]), Buffer.concat([part(3), part(4)])]);
  });

  it('are found by their code streams when the table is wrong', () => {
    const fragments = [jpeg(1), part(9), jpeg(2), jpeg(3), part(8)];
    for (const offsets of [[], [0, 0, 0], [0, 5, 9], [16, 32, 48], [0xffffffff]]) {
      const found = framesOf(image({ frames: 3, pixels: { offsets, fragments } }));
      expect(found).toEqual([Buffer.concat([jpeg(1), part(9)]), jpeg(2), Buffer.concat([jpeg(3), part(8)])]);
    }
  });

  it('are where the Extended Offset Table says, which also knows their lengths', () => {
    const tables: Element[] = [
      ['7FE00001', 'OV', uint64(0, 16)],
      ['7FE00002', 'OV', uint64(7, 5)],
    ];
    expect(framesOf(image({ frames: 2, with: tables, pixels: { fragments: [part(1), part(2)] } }))).toEqual([
      part(1).subarray(0, 7),
      part(2).subarray(0, 5),
    ]);
  });

  it('do not trust an Extended Offset Table that points elsewhere', () => {
    const tables: Element[] = [
      ['7FE00001', 'OV', uint64(0, 9e15)],
      ['7FE00002', 'OV', uint64(8, 8)],
    ];
    expect(framesOf(image({ frames: 2, with: tables, pixels: { fragments: [part(1), part(2)] } }))).toEqual([
      part(1),
      part(2),
    ]);
  });

  it('leave out an empty fragment at the end', () => {
    expect(framesOf(image({ frames: 2, pixels: { fragments: [part(1), part(2), Buffer.alloc(0)] } }))).toEqual([
      part(1),
      part(2),
    ]);
  });

  it('are unknown when nothing tells them apart', () => {
    expect(framesOf(image({ frames: 4, pixels: { fragments: [part(1), part(2)] } }))).toBeNull();
  });

  it('are one whole for a video', () => {
    expect(
      framesOf({ transferSyntax: '1.2.840.10008.1.2.4.102', frames: 250, pixels: { fragments: [part(1), part(2)] } }),
    ).toHaveLength(1);
  });

  it('must be encapsulated where the transfer syntax says so', () => {
    expect(() => framesOf(image({}))).toThrow(expect.objectContaining({ code: 'structure' }));
  });
});
