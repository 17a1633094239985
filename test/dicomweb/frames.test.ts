import { createRequire } from 'node:module';
import type * as Codecs from 'dcmjs-codecs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageFile, newUid, syntaxes, type Element, type ImageOptions } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

const { Context, NativeCodecs } = createRequire(import.meta.url)('dcmjs-codecs') as typeof Codecs;
const uidOf = (last: number) => `1.2.840.10008.1.2.4.${last}`;
const octets = 'multipart/related; type="application/octet-stream"';

let server: DicomwebServer;
const gradient = Uint16Array.from({ length: 32 * 24 }, (_, i) => (i * 5) % 4096);
const native = Buffer.from(gradient.buffer);
const twelveBits: Element[] = [['00280101', 'US', 12], ['00280102', 'US', 11]]; // prettier-ignore

beforeAll(async () => {
  server = await dicomwebServer();
  await NativeCodecs.initializeAsync();
});
afterAll(() => server.close());

/** Stores one instance and gives its path. */
async function stored(options: ImageOptions): Promise<string> {
  const [study, series, instance] = [newUid(), newUid(), newUid()];
  const { instances } = await server.store(imageFile({ study, series, instance, ...options }));
  expect(instances[0]).toMatchObject({ status: 'stored' });
  return `/studies/${study}/series/${series}/instances/${instance}`;
}

/** Encodes the gradient, or another image, with the codec that the server decodes with. */
function encoded(
  codec: 'encodeJpeg' | 'encodeJpegLs' | 'encodeJpeg2000' | 'encodeHtJpeg2000',
  parameters = {},
  image: Partial<Record<string, unknown>> = {},
): Uint8Array {
  const context = new Context({
    width: 32, height: 24, bitsAllocated: 16, bitsStored: 12, samplesPerPixel: 1, pixelRepresentation: 0, planarConfiguration: 0,
    photometricInterpretation: 'MONOCHROME2', decodedBuffer: new Uint8Array(native), ...image,
  }); // prettier-ignore
  const bytes = NativeCodecs[codec](context, parameters).getEncodedBuffer()!;
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
}

const compressed = (last: number, bytes: Uint8Array): ImageOptions => ({
  rows: 24, columns: 32, transferSyntax: uidOf(last), with: [...twelveBits], pixels: { fragments: [bytes] },
}); // prettier-ignore

describe('frames of native images', () => {
  it('come in the order that was asked for, without padding, as parts with their transfer syntax', async () => {
    const frames = [1, 2, 3].map((value) => new Uint8Array(15).fill(value));
    const path = await stored({ rows: 3, columns: 5, bits: 8, frames: 3, pixels: Buffer.concat(frames) });
    const reply = await server.get(`${path}/frames/3,1`, { accept: octets });
    expect(reply.type).toMatch(/^multipart\/related; type="application\/octet-stream"; boundary=/);
    const parts = reply.parts();
    expect(parts.map(({ headers }) => headers['content-type'])).toEqual(
      Array(2).fill(`application/octet-stream; transfer-syntax=${syntaxes.explicit}`),
    );
    expect(parts.map(({ body }) => [...body])).toEqual([[...frames[2]!], [...frames[0]!]]);
    expect((await server.get(`${path}/frames/3%2C1`)).parts()).toHaveLength(2);
    const single = await server.get(`${path}/frames/2`, { accept: 'application/octet-stream' });
    expect([single.type, [...single.body]]).toEqual([
      `application/octet-stream; transfer-syntax=${syntaxes.explicit}`,
      [...frames[1]!],
    ]);
    expect((await server.get(`${path}/frames/1,2`, { accept: 'application/octet-stream' })).status).toBe(406);
  });

  it.each([syntaxes.bigEndian, syntaxes.implicit, syntaxes.deflated])(
    'are little endian whatever the file is (%s)',
    async (transferSyntax) => {
      const path = await stored({ rows: 24, columns: 32, transferSyntax, pixels: native, with: twelveBits });
      for (const accept of [octets, `${octets}; transfer-syntax=*`, `${octets}; transfer-syntax="*"`, '*/*'])
        expect((await server.get(`${path}/frames/1`, { accept })).parts()[0]!.body.equals(native)).toBe(true);
    },
  );

  it('of one bit a pixel begin with their own first bit', async () => {
    // Frames of 3 x 3: nine bits, so the second begins inside of a byte.
    const bits = '101010101' + '110011001' + '000000001';
    const packed = Uint8Array.from({ length: 4 }, (_, byte) =>
      [...bits.slice(byte * 8, byte * 8 + 8)].reduce((sum, bit, i) => sum | (Number(bit) << i), 0),
    );
    const path = await stored({ rows: 3, columns: 3, bits: 1, frames: 3, pixels: packed });
    const parts = (await server.get(`${path}/frames/1,2,3`)).parts();
    expect(parts.map(({ body }) => [...body])).toEqual([[0b01010101, 1], [0b00110011, 1], [0, 1]]); // prettier-ignore
  });

  it('are counted from 1, and refused in other forms', async () => {
    const path = await stored({ rows: 2, columns: 2 });
    for (const list of ['0', '1,', ',1', 'a', '1-2', '-1', '1.0', '01', '1%202', '1'.repeat(20)])
      expect((await server.get(`${path}/frames/${list}`)).status).toBe(400);
    expect((await server.get(`${path}/frames/2`)).status).toBe(404);
    expect((await server.get(`${path}/frames/1,2`)).status).toBe(404);
  });
});

describe('frames of compressed images', () => {
  it.each([
    [70, 'image/jpeg', () => encoded('encodeJpeg', { lossy: false, predictor: 1 })],
    [57, 'image/jpeg', () => encoded('encodeJpeg', { lossy: false, predictor: 4 })],
    [80, 'image/jls', () => encoded('encodeJpegLs')],
    [90, 'image/jp2', () => encoded('encodeJpeg2000')],
    [201, 'image/jphc', () => encoded('encodeHtJpeg2000')],
  ] as const)('of transfer syntax ...4.%i come as %s or decoded', async (last, media, encode) => {
    const bytes = encode();
    const path = await stored(compressed(last, bytes));
    const asStored = (
      await server.get(`${path}/frames/1`, {
        accept: `multipart/related; type="${media}"; transfer-syntax=${uidOf(last)}`,
      })
    ).parts()[0]!;
    expect(asStored.headers['content-type']).toBe(`${media}; transfer-syntax=${uidOf(last)}`);
    expect(asStored.body.equals(bytes)).toBe(true);
    const any = await server.get(`${path}/frames/1`, { accept: `${octets}; transfer-syntax="*"` });
    expect(any.parts()[0]!.headers['content-type']).toBe(`application/octet-stream; transfer-syntax=${uidOf(last)}`);
    expect(any.parts()[0]!.body.equals(bytes)).toBe(true);
    const decoded = await server.get(`${path}/frames/1`, { accept: octets });
    expect(decoded.parts()[0]!.headers['content-type']).toBe(
      `application/octet-stream; transfer-syntax=${syntaxes.explicit}`,
    );
    expect(decoded.parts()[0]!.body.equals(native)).toBe(true);
    expect((await server.get(`${path}/frames/1`, { accept: 'multipart/related; type="image/gif"' })).status).toBe(406);
    expect(
      (await server.get(`${path}/bulkdata/7FE00010`, { accept: `multipart/related; type="${media}"` }))
        .parts()[0]!
        .body.equals(bytes),
    ).toBe(true);
    const whole = await server.get(path, { accept: 'application/dicom' });
    expect(whole.body.subarray(-native.length).equals(native)).toBe(true);
  });

  it('of several fragments are joined', async () => {
    const bytes = encoded('encodeJpegLs');
    const cut = (bytes.length >> 2) << 1;
    const path = await stored({
      ...compressed(80, bytes),
      pixels: { fragments: [bytes.subarray(0, cut), bytes.subarray(cut)] },
    });
    expect((await server.get(`${path}/frames/1`, { accept: octets })).parts()[0]!.body.equals(native)).toBe(true);
  });

  it('in RLE are decoded, colour planes included', async () => {
    const planes = [[1, 1, 1, 1], [2, 3, 4, 5], [6, 6, 7, 7]]; // prettier-ignore
    const packed = [[253, 1, 128], [3, 2, 3, 4, 5], [255, 6, 255, 7]]; // prettier-ignore
    const header = Buffer.alloc(64);
    header.writeUInt32LE(3, 0);
    let at = 64;
    packed.forEach((segment, i) => (header.writeUInt32LE(at, 4 + i * 4), (at += segment.length)));
    const frame = Buffer.concat([header, ...packed.map((segment) => Buffer.from(segment))]);
    const rgb: Element[] = [['00280002', 'US', 3], ['00280004', 'CS', 'RGB'], ['00280006', 'US', 1]]; // prettier-ignore
    const path = await stored({
      rows: 2,
      columns: 2,
      bits: 8,
      transferSyntax: syntaxes.rle,
      with: rgb,
      pixels: { fragments: [frame] },
    });
    const interleaved = [0, 1, 2, 3].flatMap((i) => planes.map((plane) => plane[i]!));
    expect([...(await server.get(`${path}/frames/1`, { accept: octets })).parts()[0]!.body]).toEqual(interleaved);
  });

  it('that lie about their size or are broken are refused, and the next image is not', async () => {
    const good = encoded('encodeJpeg2000');
    const huge = Buffer.from(good);
    huge.writeUInt32BE(0x7fffffff, 8);
    const broken = Buffer.from(good.map((byte, i) => (i > 60 ? byte ^ 0x5a : byte)));
    const noise = Buffer.alloc(600, 0xa5);
    for (const bytes of [huge, noise, good.subarray(0, 40)]) {
      const path = await stored(compressed(90, bytes));
      const reply = await server.get(`${path}/frames/1`, { accept: octets });
      expect([reply.status, reply.json<{ code: string }>().code]).toEqual([400, 'structure']);
    }
    const path = await stored(compressed(90, broken));
    expect([200, 400]).toContain((await server.get(`${path}/frames/1`, { accept: octets })).status);
    expect(
      (await server.get(`${await stored(compressed(90, good))}/frames/1`, { accept: octets }))
        .parts()[0]!
        .body.equals(native),
    ).toBe(true);
  });

  it('of a syntax without a decoder here are available as stored only', async () => {
    const path = await stored(compressed(92, Buffer.from([0xff, 0x4f, 1, 2])));
    expect((await server.get(`${path}/frames/1`, { accept: octets })).status).toBe(406);
    expect((await server.get(`${path}/frames/1`, { accept: 'multipart/related; type="image/jpx"' })).status).toBe(200);
    expect((await server.get(path, { accept: 'application/dicom' })).status).toBe(406);
    expect((await server.get(path, { accept: 'application/dicom;transfer-syntax=*' })).status).toBe(200);
    expect((await server.get(`${path}/rendered`)).status).toBe(406);
  });
});

describe('rendered images', () => {
  const ramp = Uint16Array.from({ length: 256 }, (_, i) => i * 16);
  const image = (more: Element[] = []): ImageOptions => ({
    rows: 16,
    columns: 16,
    pixels: Buffer.from(ramp.buffer),
    with: [...twelveBits, ...more],
  });
  const grey = async (path: string) => {
    const reply = await server.get(path, { accept: 'image/png' });
    expect([reply.status, reply.type]).toEqual([200, 'image/png']);
    return sharp(reply.body).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  };

  it('use the window that was asked for, else that of the image, else its range', async () => {
    const path = await stored(image([['00281050', 'DS', '2048'], ['00281051', 'DS', '1024']])); // prettier-ignore
    const own = (await grey(`${path}/rendered`)).data;
    expect([own[0], own[95], own[160], own[255]]).toEqual([0, 0, 255, 255]);
    expect(own[128]).toBeCloseTo(128, -0.5);
    const asked = (await grey(`${path}/rendered?window=100,200,linear`)).data;
    // PS3.3 C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
    expect([asked[0], asked[5], asked[13]]).toEqual([0, Math.round(((80 - 99.5) / 199 + 0.5) * 255), 255]);
    expect((await grey(`${path}/rendered?window=100%2C200%2Clinear-exact`)).data[5]).toBe(
      Math.round(((80 - 100) / 200 + 0.5) * 255),
    );
    expect((await grey(`${path}/rendered?window=100,200,sigmoid`)).data[5]).toBe(
      Math.round(255 / (1 + Math.exp((-4 * (80 - 100)) / 200))),
    );
    const plain = (await grey(`${await stored(image())}/rendered`)).data;
    expect([plain[0], plain[255]]).toEqual([0, 255]);
  });

  it('apply rescale, MONOCHROME1 and pixel padding', async () => {
    const path = await stored(image([['00281052', 'DS', '-1024'], ['00281053', 'DS', '2'], ['00281050', 'DS', '0'], ['00281051', 'DS', '2000']])); // prettier-ignore
    const { data } = await grey(`${path}/rendered`);
    expect(data[32]).toBe(Math.round(((512 * 2 - 1024 + 0.5) / 1999 + 0.5) * 255));
    const inverse = (await grey(`${await stored(image([['00280004', 'CS', 'MONOCHROME1']]))}/rendered`)).data;
    expect([inverse[0], inverse[255]]).toEqual([255, 0]);
    const padded = (await grey(`${await stored(image([['00280120', 'US', 0]]))}/rendered`)).data;
    expect([padded[0], padded[1]]).toEqual([0, 0]);
  });

  it('show signed values with bits above the stored ones masked', async () => {
    const signed = Uint16Array.from({ length: 256 }, (_, i) => 0xf000 | ((i * 16 - 2048) & 0xfff));
    const { data } = await grey(
      `${await stored({ ...image([['00280103', 'US', 1]]), pixels: Buffer.from(signed.buffer) })}/rendered`,
    );
    expect([data[0], data[255]]).toEqual([0, 255]);
    expect(Math.abs(data[128]! - 128)).toBeLessThanOrEqual(1);
  });

  it('apply palettes and YBR', async () => {
    const palette: Element[] = ['1', '2', '3'].flatMap((colour, i): Element[] => [
      [`0028110${colour}`, 'US', [4, 0, 16]],
      [
        `0028120${colour}`,
        'OW',
        Buffer.from(
          Uint16Array.from(
            [0, 0x5555, 0xaaaa, 0xffff].map((value) => (i === 0 ? value : i === 1 ? 0xffff - value : 0x8080)),
          ).buffer,
        ),
      ],
    ]);
    const indexed = await stored({
      rows: 2,
      columns: 2,
      bits: 8,
      pixels: Uint8Array.of(0, 1, 2, 9),
      with: [['00280004', 'CS', 'PALETTE COLOR'], ...palette],
    });
    const coloured = await sharp((await server.get(`${indexed}/rendered`, { accept: 'image/png' })).body)
      .raw()
      .toBuffer();
    expect([...coloured]).toEqual([0, 255, 128, 85, 170, 128, 170, 85, 128, 255, 0, 128]);
    const ybr: Element[] = [['00280002', 'US', 3], ['00280004', 'CS', 'YBR_FULL'], ['00280006', 'US', 0]]; // prettier-ignore
    const red = await stored({
      rows: 1,
      columns: 2,
      bits: 8,
      pixels: Uint8Array.of(76, 85, 255, 128, 128, 128),
      with: ybr,
    });
    const rgb = [
      ...(await sharp((await server.get(`${red}/rendered`, { accept: 'image/png' })).body)
        .raw()
        .toBuffer()),
    ];
    [254, 0, 0, 128, 128, 128].forEach((value, i) => expect(Math.abs(rgb[i]! - value)).toBeLessThanOrEqual(2));
  });

  it('fit into the viewport, of the image or of a region, mirrored by negative sizes', async () => {
    const path = await stored({
      rows: 16,
      columns: 32,
      bits: 8,
      pixels: Uint8Array.from({ length: 512 }, (_, i) => (i % 32) * 8),
    });
    const size = async (query: string) => {
      const { info } = await grey(`${path}/rendered?${query}`);
      return [info.width, info.height];
    };
    expect(await size('viewport=64,64')).toEqual([64, 32]);
    expect(await size('viewport=8%2C8')).toEqual([8, 4]);
    expect(await size('viewport=16,16,0,0,16,16')).toEqual([16, 16]);
    expect(await size('viewport=8,8,,,,')).toEqual([8, 4]);
    const mirrored = (await grey(`${path}/rendered?viewport=32,16,0,0,-32,16`)).data;
    expect(mirrored[0]! > mirrored[31]!).toBe(true);
  });

  it('are JPEG by default, or what is accepted; several frames and whole series come in parts', async () => {
    const path = await stored({ rows: 4, columns: 4, bits: 8, frames: 2 });
    const jpeg = await server.get(`${path}/rendered?quality=50`);
    expect([jpeg.type, jpeg.body.subarray(0, 2).toString('hex')]).toEqual(['image/jpeg', 'ffd8']);
    expect((await server.get(`${path}/frames/2/rendered`, { accept: 'image/png,image/jpeg;q=0.5' })).type).toBe(
      'image/png',
    );
    const parts = (
      await server.get(`${path}/frames/1,2/rendered`, { accept: 'multipart/related; type="image/png"' })
    ).parts();
    expect(parts.map(({ headers }) => headers['content-type'])).toEqual(['image/png', 'image/png']);
    const wholeSeries = await server.get(`${path.replace(/\/instances.*/, '')}/rendered`, {
      accept: 'multipart/related; type="image/jpeg"',
    });
    expect(wholeSeries.parts()).toHaveLength(1);
    expect((await server.get(`${path.replace(/\/series.*/, '')}/thumbnail`)).type).toBe('image/jpeg');
    expect((await server.get(`${path}/frames/3/rendered`)).status).toBe(404);
    expect((await server.get(`${path}/rendered`, { accept: 'image/webp' })).status).toBe(406);
    expect((await server.get(`${path}/rendered?annotation=patient`)).headers.get('warning')).toContain('annotation');
  });

  it.each([
    'quality=0', 'quality=101', 'quality=high', 'window=1', 'window=1,0', 'window=1,2,cubic', 'window=a,b', 'window=1,2,linear,3', 'window=NaN,1',
    'viewport=0,1', 'viewport=1', 'viewport=99999,1', 'viewport=8,8,1', 'viewport=8,8,99,0,4,4', 'viewport=8,8,0,0,0,0', 'quality=1&quality=2',
  ])('refuse %s', async (query) => {
    const path = await stored({ rows: 4, columns: 4, bits: 8 });
    expect((await server.get(`${path}/rendered?${query}`)).status).toBe(400);
  }); // prettier-ignore

  it('of an encapsulated PDF are the PDF', async () => {
    const pdf = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(4001, 0x20)]);
    const path = await stored({
      without: ['00280002', '00280004', '00280010', '00280011', '00280100', '00280101', '00280102', '00280103', '7FE00010'],
      with: [['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.104.1'], ['00420011', 'OB', pdf], ['00420012', 'LO', 'application/pdf']],
    }); // prettier-ignore
    const reply = await server.get(`${path}/rendered`, { accept: 'application/pdf' });
    expect([reply.type, reply.body.equals(pdf)]).toEqual(['application/pdf', true]);
    expect((await server.get(`${path}/frames/1`)).status).toBe(404);
    expect((await server.get(`${path}/thumbnail`)).status).toBe(406);
  });
});

it('had no faults of its own', () => expect(server.faults).toEqual([]));
