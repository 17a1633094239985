/** Images in the transfer syntax that is asked for (PS3.18 8.7.3.5), whatever they are stored in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCompressed } from '../../server/infrastructure/codecs/compressed-frame.ts';
import { describeFrame } from '../../server/infrastructure/codecs/frame-description.ts';
import { memorySource } from '../../server/core/dicom/byte-source.ts';
import { readFileMeta, readInstance } from '../../server/core/dicom/part10.ts';
import { dicomFile, imageElements, imageFile, newUid, syntaxes, type ImageOptions } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => void (server = await dicomwebServer()), 60_000);
afterAll(() => server.close());

const uid = (end: string) => `1.2.840.10008.1.2.${end}`;
const size = 40;

async function stored(options: ImageOptions): Promise<string> {
  const file = imageFile({ rows: size, columns: size, ...options });
  await server.store(file);
  const parsed = read(file);
  return `/studies/${parsed.StudyInstanceUID}/series/${parsed.SeriesInstanceUID}/instances/${parsed.SOPInstanceUID}`;
}

function read(file: Uint8Array) {
  const source = memorySource(file);
  return readInstance(source, readFileMeta(source));
}

/** The samples of all frames of a file, decoded. */
async function samplesOf(file: Uint8Array): Promise<number[]> {
  const instance = read(file);
  const description = describeFrame(instance);
  if (!instance.frames?.encapsulated) throw new Error('the frames are not encapsulated');
  const all: number[] = [];
  for (const fragments of instance.frames.frames) {
    const bytes = Buffer.concat(fragments.map(([offset, length]) => file.subarray(offset, offset + length)));
    all.push(...(await decodeCompressed(bytes, description, instance.TransferSyntaxUID)).pixels);
  }
  return all;
}

const words = (count: number, top: number) =>
  Uint16Array.from({ length: count }, (_, i) => (i * 7 + ((i * i) >> 5)) % top);
const bytesOf = ({ buffer }: Uint16Array) => new Uint8Array(buffer as ArrayBuffer);
const valueOf = (file: Uint8Array, tag: string) => read(file).attributes[tag]?.Value;
const asked = (syntax: string) => `application/dicom; transfer-syntax=${syntax}`;

describe('an instance', () => {
  const values = words(size * size * 3, 4096);
  const twelve = ['00280101', 'US', 12] as const;
  const highBit = ['00280102', 'US', 11] as const;
  const three: ImageOptions = { frames: 3, pixels: bytesOf(values), with: [twelve, highBit] };

  it.each(['5', '4.70', '4.80', '4.90', '4.201', '4.202'])(
    'of three frames is given in %s with their offsets',
    async (end) => {
      const reply = await server.get(await stored(three), { accept: asked(uid(end)) });
      expect([reply.status, reply.type]).toEqual([200, asked(uid(end))]);
      expect(await samplesOf(reply.body)).toEqual([...values]);
      const { bulk, frames } = read(reply.body);
      const table = new DataView(new Uint8Array(reply.body).buffer, bulk['7FE00010']!.offset);
      expect(table.getUint32(4, true)).toBe(12);
      const starts = (frames as { frames: [number, number][][] }).frames.map(([first]) => first![0]);
      expect([0, 1, 2].map((i) => table.getUint32(8 + i * 4, true))).toEqual(starts.map((at) => at - starts[0]!));
    },
  );

  it.each([['4.50', 'YBR_FULL_422'], ['4.90', 'YBR_RCT'], ['4.80', 'RGB'], ['5', 'RGB']] as const)(
    'of colour in planes says what it is in %s: %s', async (end, photometric) => {
      const colour: ImageOptions = {
        bits: 8,
        pixels: Uint8Array.from({ length: size * size * 3 }, (_, i) => (i / (size * size * 3)) * 255),
        with: [['00280002', 'US', 3], ['00280004', 'CS', 'RGB'], ['00280006', 'US', 1]],
      };
      const reply = await server.get(await stored(colour), { accept: asked(uid(end)) });
      expect(reply.status).toBe(200);
      expect(valueOf(reply.body, '00280004')).toEqual([photometric]);
      expect(valueOf(reply.body, '00280006')).toEqual([0]);
      const lossy = end === '4.50';
      expect(valueOf(reply.body, '00282110')).toEqual(lossy ? ['01'] : undefined);
      expect(valueOf(reply.body, '00282114')).toEqual(lossy ? ['ISO_10918_1'] : undefined);
      expect(valueOf(reply.body, '00080008')?.[0]).toBe(lossy ? 'DERIVED' : 'ORIGINAL');
    },
  ); // prettier-ignore

  it('that was lossy before says so twice', async () => {
    const before = [['00282110', 'CS', '01'], ['00282112', 'DS', '12.5'], ['00282114', 'CS', 'ISO_10918_1']] as const; // prettier-ignore
    const reply = await server.get(await stored({ bits: 8, with: before }), { accept: asked(uid('4.91')) });
    expect(valueOf(reply.body, '00282114')).toEqual(['ISO_10918_1', 'ISO_15444_1']);
    expect(valueOf(reply.body, '00282112')).toHaveLength(2);
  });

  it('is converted from one compressed syntax to another', async () => {
    const path = await stored(three);
    const rle = await server.get(path, { accept: asked(uid('5')) });
    const { frames } = read(rle.body) as { frames: { frames: [number, number][][] } };
    const fragments = frames.frames.map(([first]) => rle.body.subarray(first![0], first![0] + first![1]));
    const again = await stored({ ...three, transferSyntax: syntaxes.rle, pixels: { fragments } });
    const reply = await server.get(again, { accept: asked(uid('4.201')) });
    expect(await samplesOf(reply.body)).toEqual([...values]);
  });

  it.each([
    ['of deep grey as JPEG baseline', three, '4.50'],
    ['of one bit', { bits: 1 }, '4.80'],
    ['with an overlay in the bits of its pixels', { with: [twelve, highBit, ['60000100', 'US', 16], ['60000102', 'US', 14]] }, '4.80'],
  ] as [string, ImageOptions, string][])('%s is refused', async (_what, options, end) => {
    const reply = await server.get(await stored(options), { accept: asked(uid(end)) });
    expect(reply.status).toBe(406);
  }); // prettier-ignore
});

describe('a study', () => {
  it('is given with what has no pixels as it can be', async () => {
    const study = newUid();
    await stored({ study, bits: 16 });
    const report = imageElements({ study }).filter(([tag]) => !/^(0028|7FE0)/.test(tag));
    await server.store(dicomFile(report));
    const accept = `multipart/related; type="application/dicom"; transfer-syntax=${uid('4.80')}`;
    const reply = await server.get(`/studies/${study}`, { accept });
    const types = reply.parts().map(({ headers }) => headers['content-type']);
    expect(types.sort()).toEqual([asked(syntaxes.explicit), asked(uid('4.80'))]);
  });
});

describe('a frame', () => {
  it.each([
    ['image/jls', '4.80'],
    ['image/jp2', '4.90'],
    ['image/jphc', '4.201'],
    ['image/jpeg', '4.70'],
    ['image/dicom-rle', '5'],
  ])('is given as %s, without loss unless loss is asked for', async (media, end) => {
    const values = words(size * size, 65_536);
    const path = await stored({ pixels: bytesOf(values) });
    const reply = await server.get(`${path}/frames/1`, { accept: media });
    expect([reply.status, reply.type]).toEqual([200, `${media}; transfer-syntax=${uid(end)}`]);
    const description = describeFrame(read(imageFile({ rows: size, columns: size })));
    expect([...(await decodeCompressed(reply.body, description, uid(end))).pixels]).toEqual([...values]);
    const parts = await server.get(`${path}/frames/1`, { accept: `multipart/related; type="${media}"` });
    expect(parts.parts()[0]!.body.equals(reply.body)).toBe(true);
  });

  it('is not given in a syntax of another media type', async () => {
    const accept = `image/jls; transfer-syntax=${uid('4.90')}`;
    expect((await server.get(`${await stored({})}/frames/1`, { accept })).status).toBe(406);
  });
});
