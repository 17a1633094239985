/** Pixel data that few writers make: packed, deflated, float, with overlays, with pixels that are not square. */
import { deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { segmentedEntries } from '../../server/core/dicom/segmented-table.ts';
import { imageFile, newUid, type ImageOptions } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => void (server = await dicomwebServer()), 60_000);
afterAll(() => server.close());

const explicit = '1.2.840.10008.1.2.1';
const octets = `application/octet-stream; transfer-syntax=${explicit}`;
const side = 9;

async function stored(options: ImageOptions): Promise<string> {
  const [study, series, instance] = [newUid(), newUid(), newUid()];
  await server.store(imageFile({ rows: side, columns: side, study, series, instance, ...options }));
  return `/studies/${study}/series/${series}/instances/${instance}`;
}

async function picture(path: string, query = '') {
  const reply = await server.get(`${path}/rendered${query}`, { accept: 'image/png' });
  expect(reply.status).toBe(200);
  const { data, info } = await sharp(reply.body).raw().toBuffer({ resolveWithObject: true });
  return { at: (x: number, y: number) => data[(y * info.width + x) * info.channels]!, ...info };
}

const even = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]);

describe('frames', () => {
  const frame = (n: number) => Uint8Array.from({ length: side * side }, (_, i) => (i * 3 + n) & 0xff);
  it.each([
    ['deflated', '1.2.840.10008.1.2.8.1', (bytes: Uint8Array) => even(deflateRawSync(bytes))],
    ['encapsulated as they are', `${explicit}.98`, even],
  ] as const)('%s are given as samples, and the file in the default syntax', async (_how, transferSyntax, pack) => {
    const path = await stored({ transferSyntax, bits: 8, frames: 2, pixels: { fragments: [0, 1].map((n) => pack(frame(n))) } });
    const second = await server.get(`${path}/frames/2`, { accept: octets });
    expect([...second.body]).toEqual([...frame(1)]);
    const whole = await server.get(path, { accept: 'application/dicom' });
    expect(whole.status).toBe(200);
    expect(whole.body.includes(Buffer.concat([frame(0), frame(1)]))).toBe(true);
  }); // prettier-ignore

  it('of one bit follow each other without a gap when they are decompressed', async () => {
    const bits = [0, 1, 2].map((n) => Array.from({ length: side * side }, (_, i) => Number((i + n) % 3 === 0)));
    const packed = (values: number[]) => {
      const bytes = Buffer.alloc(Math.ceil(values.length / 8));
      for (const [i, value] of values.entries()) bytes[i >> 3]! |= value << (i & 7);
      return bytes;
    };
    const fragments = bits.map((frame) => even(deflateRawSync(packed(frame))));
    const path = await stored({ transferSyntax: '1.2.840.10008.1.2.8.1', bits: 1, frames: 3, pixels: { fragments } });
    const whole = await server.get(path, { accept: 'application/dicom' });
    expect(whole.body.includes(packed(bits.flat()))).toBe(true);
    expect((await server.get(`${path}/frames/3`, { accept: octets })).body.equals(packed(bits[2]!))).toBe(true);
  });

  it('of twelve bits without gaps are unpacked for pictures', async () => {
    const values = Array.from({ length: side * side }, (_, i) => (i * 50) % 4096);
    const bytes = Buffer.alloc(Math.ceil((values.length * 12) / 8) + 1);
    for (const [i, value] of values.entries()) {
      const bit = i * 12;
      bytes[bit >> 3]! |= (value << (bit & 7)) & 0xff;
      bytes[(bit >> 3) + 1]! |= (value << (bit & 7)) >> 8;
    }
    const shown = await picture(await stored({ bits: 12, pixels: bytes }), '?window=2048,4096,linear-exact');
    for (const i of [0, 1, 7, 40, 80]) expect(shown.at(i % side, Math.floor(i / side))).toBe(Math.round((values[i]! / 4096) * 255)); // prettier-ignore
  });

  it('of float values are drawn from the lowest to the highest', async () => {
    const values = Float32Array.from({ length: side * side }, (_, i) => (i === 40 ? Number.NaN : i / 80 - 0.5));
    const float = { with: [['7FE00008', 'OF', new Uint8Array(values.buffer)]], without: ['7FE00010', '00280101', '00280102', '00280103'] } as const; // prettier-ignore
    const shown = await picture(await stored({ bits: 32, ...float }));
    expect([shown.at(0, 0), shown.at(8, 8)]).toEqual([0, 255]);
  });
});

describe('a picture', () => {
  const dark = new Uint8Array(side * side);
  const plane = (...more: NonNullable<ImageOptions['with']>) => [
    ['60000010', 'US', 2], ['60000011', 'US', 3], ['60000040', 'CS', 'G'], ['60000050', 'SS', [3, 5]], ['60000100', 'US', 1], ['60000102', 'US', 0],
    ...more,
  ] as const; // prettier-ignore

  it('has its overlay where it belongs', async () => {
    const overlay = plane(['60003000', 'OW', Uint8Array.of(0b101_010, 0)]);
    const shown = await picture(await stored({ bits: 8, pixels: even(dark), with: overlay }), '?window=128,256,linear');
    const drawn = [];
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) if (shown.at(x, y) === 255) drawn.push([x, y]);
    expect(drawn).toEqual([[5, 2], [4, 3], [6, 3]]); // prettier-ignore
  });

  it('has the overlay of unused bits, which is no part of its values', async () => {
    const cells = new Uint16Array(side * side);
    cells[10] = 0x8000;
    const bits = [['00280101', 'US', 12], ['00280102', 'US', 11], ['60000010', 'US', side], ['60000011', 'US', side], ['60000050', 'SS', [1, 1]], ['60000100', 'US', 16], ['60000102', 'US', 15]] as const; // prettier-ignore
    const path = await stored({ pixels: new Uint8Array(cells.buffer), with: bits });
    const shown = await picture(path, '?window=2048,4096,linear');
    expect([shown.at(1, 1), shown.at(2, 1)]).toEqual([255, 0]);
  });

  it.each([
    ['00280034', 'IS', '2\\1', [9, 18]],
    ['00280030', 'DS', '0.5\\1.0', [18, 9]],
    ['00280030', 'DS', '0.5\\0.5', [9, 9]],
  ] as const)('has square pixels: %s %s %s', async (tag, vr, value, wanted) => {
    const shown = await picture(await stored({ bits: 8, pixels: even(dark), with: [[tag, vr, value]] }));
    expect([shown.width, shown.height]).toEqual(wanted);
  });

  it('keeps the resolution of colour at the best quality', async () => {
    const colour = [['00280002', 'US', 3], ['00280004', 'CS', 'RGB'], ['00280006', 'US', 0]] as const; // prettier-ignore
    const path = await stored({ bits: 8, pixels: even(new Uint8Array(side * side * 3)), with: colour });
    const subsampling = async (query: string) =>
      (await sharp((await server.get(`${path}/rendered${query}`, { accept: 'image/jpeg' })).body).metadata()).chromaSubsampling;
    expect([await subsampling('?quality=100'), await subsampling('')]).toEqual(['4:4:4', '4:2:0']);
  }); // prettier-ignore
});

describe('a segmented palette', () => {
  it.each([
    ['entries and a ramp', [0, 2, 5, 10, 1, 4, 50], 16, [5, 10, 20, 30, 40, 50]],
    ['a repeated segment', [0, 2, 1, 2, 2, 1, 0, 0], 16, [1, 2, 1, 2]],
    ['a repeated segment in bytes', [0, 2, 1, 2, 2, 1, 0, 0, 0, 0], 8, [1, 2, 1, 2]],
    ['padding behind its end', [0, 1, 7, 0], 8, [7]],
  ] as const)('of %s becomes a table', (_what, cells, bits, entries) => {
    expect(segmentedEntries(cells, bits, entries.length)).toEqual(entries);
  });

  it.each([
    ['a ramp from nowhere', [1, 3, 9]],
    ['too few entries', [0, 4, 1]],
    ['a repetition of itself', [0, 1, 1, 2, 2, 6, 0]],
    ['an unknown code', [7, 1, 1]],
  ])('of %s is none', (_what, cells) => expect(segmentedEntries(cells, 16, 4)).toBeUndefined());
});
