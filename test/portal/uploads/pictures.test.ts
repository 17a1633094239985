import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFileMeta, readInstance } from '../../../server/core/dicom/part10.ts';
import type { DicomJson } from '../../../server/core/dicom/json.ts';
import { capturePicture } from '../../../server/infrastructure/uploads/capture-picture.ts';

// What becomes of pictures of every kind: their pixels, and nothing else of them.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-pictures-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const facts = {
  StudyInstanceUID: '2.25.1',
  SeriesInstanceUID: '2.25.2',
  SOPInstanceUID: '2.25.3',
  patient: { '00100010': { vr: 'PN', Value: [{ Alphabetic: 'ராவ்^Arjun' }] }, '00100020': { vr: 'LO', Value: ['1'] } },
  modality: 'DX',
  StudyDate: '20260312',
  DateOfSecondaryCapture: '20261127',
  description: 'Uploaded picture',
  note: 'இருமல், 3 நாட்கள்',
  number: 1,
};
let serial = 0;

async function captured(bytes: Uint8Array, pixels = 50_000_000) {
  const path = join(folder, `in-${++serial}`);
  const to = join(folder, `out-${serial}`);
  await writeFile(path, bytes);
  const made = await capturePicture({ path, to, facts, pixels });
  if ('refused' in made) return made;
  const file = await readFile(to);
  expect(made.size).toBe(file.length);
  const source = {
    size: file.length,
    bytes: (offset: number, length: number) => file.subarray(offset, offset + length),
  };
  const instance = readInstance(source, readFileMeta(source));
  const value = (tag: string) => instance.attributes[tag]?.Value?.[0];
  const { rows, columns, samples, bits } = { rows: value('00280010') as number, columns: value('00280011') as number, samples: value('00280002') as number, bits: value('00280100') as number }; // prettier-ignore
  const length = (rows * columns * samples * bits) / 8;
  const padded = length + (length % 2);
  return {
    file,
    attributes: instance.attributes,
    value,
    data: file.subarray(file.length - padded, file.length - padded + length),
  };
}

type Made = { file: Buffer; attributes: DicomJson; value(tag: string): unknown; data: Buffer };
const image = async (bytes: Uint8Array): Promise<Made> => {
  const made = await captured(bytes);
  if ('refused' in made) throw new Error(made.refused);
  return made;
};

const plain = (width: number, height: number, channels: 1 | 3 | 4, at: (i: number) => number) =>
  sharp(
    Uint8Array.from({ length: width * height * channels }, (_, i) => at(i) & 0xff),
    { raw: { width, height, channels } },
  );

test('a grey PNG keeps each of its values, of an odd number, too', async () => {
  const made = await image(
    await plain(5, 3, 1, (i) => i * 16)
      .png()
      .toBuffer(),
  );
  expect([...made.data]).toEqual(Array.from({ length: 15 }, (_, i) => i * 16));
  expect([made.value('00280004'), made.value('00280100'), made.value('00282110')]).toEqual(['MONOCHROME2', 8, '00']);
  expect(made.file.length % 2).toBe(0);
  expect(made.attributes['00100010']?.Value).toEqual([{ Alphabetic: 'ராவ்^Arjun' }]);
  expect(made.value('001021B0')).toBe(facts.note);
});

test('a grey picture that was saved in colours is grey, one in colours keeps them', async () => {
  const grey = await image(
    await plain(8, 8, 3, (i) => Math.floor(i / 3))
      .png()
      .toBuffer(),
  );
  expect([grey.value('00280002'), grey.data.length]).toEqual([1, 64]);
  const coloured = await image(
    await plain(8, 8, 3, (i) => i * 5)
      .png()
      .toBuffer(),
  );
  expect([coloured.value('00280004'), coloured.value('00280006')]).toEqual(['RGB', 0]);
  expect([...coloured.data.subarray(0, 4)]).toEqual([0, 5, 10, 15]);
});

test('a grey PNG of 16 bits keeps its 16 bits, and is shown over the range that it uses', async () => {
  const values = Uint16Array.from({ length: 64 }, (_, i) => 1000 + i * 50);
  const png = await sharp(values, { raw: { width: 8, height: 8, channels: 1, depth: 'ushort' } } as never).toColourspace('grey16').png().toBuffer(); // prettier-ignore
  expect((await sharp(png).metadata()).depth).toBe('ushort');
  const made = await image(png);
  expect([made.value('00280100'), made.value('00280101'), made.value('00280102')]).toEqual([16, 16, 15]);
  expect([...new Uint16Array(made.data.buffer.slice(made.data.byteOffset, made.data.byteOffset + made.data.length))]).toEqual([...values]);
  expect([Number(made.value('00281050')), Number(made.value('00281051'))]).toEqual([(1000 + 4150 + 1) / 2, 3151]);
}); // prettier-ignore

test('a photo is turned upright as its EXIF says, and EXIF, place and camera are nowhere in the file', async () => {
  const jpeg = await plain(40, 20, 1, (i) => (i % 40) * 6)
    .jpeg({ quality: 100 })
    .withExif({ IFD0: { Make: 'SpyCam', Copyright: 'Arjun' }, IFD3: { GPSLatitude: '12/1 58/1 0/1', GPSLatitudeRef: 'N' } })
    .withMetadata({ orientation: 6 })
    .toBuffer();
  expect(jpeg.includes('SpyCam')).toBe(true);
  const made = await image(jpeg);
  expect([made.value('00280010'), made.value('00280011')]).toEqual([40, 20]);
  expect([made.data[0]! < 20, made.data.at(-1)! > 220]).toEqual([true, true]); // dark above, bright below
  expect(made.file.includes('SpyCam') || made.file.includes('Exif')).toBe(false);
  expect([made.value('00282110'), made.value('00282114')]).toEqual(['01', 'ISO_10918_1']);
}); // prettier-ignore

test('printers’ colours, transparency and palettes become what a screen shows', async () => {
  const cmyk = await plain(16, 16, 3, (i) => (i % 3 === 0 ? 250 : 10))
    .toColourspace('cmyk')
    .jpeg()
    .toBuffer();
  expect((await sharp(cmyk).metadata()).space).toBe('cmyk');
  const red = await image(cmyk);
  expect(red.value('00280004')).toBe('RGB');
  expect(red.data[0]!).toBeGreaterThan(red.data[1]! + 80);
  const clear = await image(
    await plain(4, 4, 4, (i) => (i % 4 === 3 ? 0 : 200))
      .png()
      .toBuffer(),
  );
  expect([...new Set(clear.data)]).toEqual([0]);
  const palette = await image(
    await plain(16, 16, 3, (i) => (i % 2) * 255)
      .png({ palette: true, colours: 4 })
      .toBuffer(),
  );
  expect(palette.value('00280010')).toBe(16);
});

/** A PNG of a size that nobody has room for, in a few hundred bytes. */
function png(width: number, height: number, more: Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    ...more,
    chunk('IDAT', deflateSync(Buffer.alloc(100_000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

test('a picture of 60,000 by 60,000 pixels is refused by its header, in no time', async () => {
  const start = performance.now();
  expect(await captured(png(60_000, 60_000))).toEqual({ refused: 'too-many-pixels' });
  expect(await captured(png(70_000, 10))).toEqual({ refused: 'too-many-pixels' });
  expect(
    await captured(
      await plain(40, 40, 1, (i) => i)
        .png()
        .toBuffer(),
      1599,
    ),
  ).toEqual({ refused: 'too-many-pixels' });
  expect(performance.now() - start).toBeLessThan(5000);
});

test('moving, cut off and broken pictures are refused', async () => {
  const moving = png(300, 300, [chunk('acTL', Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]))]);
  expect(await captured(moving)).toEqual({ refused: 'moving-picture' });
  const jpeg = await plain(200, 200, 1, (i) => i * i).jpeg().toBuffer();
  expect(await captured(jpeg.subarray(0, jpeg.length / 2))).toEqual({ refused: 'unreadable' });
  const whole = await plain(200, 200, 1, (i) => i * i).png().toBuffer();
  expect(await captured(whole.subarray(0, whole.length / 2))).toEqual({ refused: 'unreadable' });
  expect(await captured(Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(500, 1)]))).toEqual({ refused: 'unreadable' });
  expect(await captured(await plain(20, 20, 1, (i) => i).gif().toBuffer())).toEqual({ refused: 'unreadable' });
}); // prettier-ignore

test('the same picture and the same words give the same bytes', async () => {
  const bytes = await plain(50, 40, 3, (i) => i * 3)
    .jpeg()
    .toBuffer();
  const [one, other] = [await image(bytes), await image(bytes)];
  expect(one.file.equals(other.file)).toBe(true);
});
