import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import yauzl from 'yauzl';
import { readNativeXml } from '../../server/dicomweb/read-native-xml.ts';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { imageFile, newUid, syntaxes } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
const study = newUid();
const series = [newUid(), newUid()];
const plain = imageFile({ study, series: series[0]!, number: 1, patientName: 'Erika^"<&>', with: [['00420011', 'OB', new Uint8Array(3000).fill(7)], ['00091010', 'LO', 'private'], ['00090010', 'LO', 'CREATOR']] }); // prettier-ignore
/** Of a transfer syntax that is kept and not decoded here. */
const video = imageFile({
  study,
  series: series[1]!,
  number: 2,
  transferSyntax: '1.2.840.10008.1.2.4.102',
  bits: 8,
  pixels: { fragments: [Buffer.alloc(40, 3)] },
});
const rle = imageFile({ study, series: series[1]!, number: 3, rows: 2, columns: 2, bits: 8, frames: 2, transferSyntax: syntaxes.rle, pixels: { fragments: [rleFrame(5), rleFrame(9)] } }); // prettier-ignore

/** Four samples of one value. */
function rleFrame(sample: number): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(64, 4);
  return Buffer.concat([header, Buffer.from([0xfd, sample])]);
}

beforeAll(async () => {
  server = await dicomwebServer();
  const { instances } = await server.store(plain, video, rle);
  expect(instances.map(({ status }) => status)).toEqual(['stored', 'stored', 'stored']);
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const xml = 'multipart/related; type="application/dicom+xml"';
const octets = 'multipart/related; type="application/octet-stream"';

describe('answers in XML', () => {
  it('says the same of every instance as JSON does', async () => {
    const json = (await server.get(`/studies/${study}/metadata`)).json<DicomJson[]>();
    const reply = await server.get(`/studies/${study}/metadata`, { accept: xml });
    expect(reply.type).toMatch(/^multipart\/related; type="application\/dicom\+xml"; boundary=/);
    const parts = reply.parts();
    expect(parts.map(({ headers }) => headers['content-type'])).toEqual(Array(3).fill('application/dicom+xml'));
    const read = parts.map(({ body }) => readNativeXml(body.toString()));
    for (const [i, attributes] of read.entries()) expect(textOf(attributes)).toEqual(textOf(json[i]!));
  });

  it('gives matches of a search as parts, and none as 204', async () => {
    const reply = await server.get(`/studies?StudyInstanceUID=${study}`, { accept: xml });
    expect(reply.parts().map(({ body }) => readNativeXml(body.toString())['0020000D']!.Value)).toEqual([[study]]);
    expect((await server.get(`/studies?StudyInstanceUID=1.2.3`, { accept: xml })).status).toBe(204);
  });
});

/** XML has text where JSON has numbers. */
const textOf = (json: DicomJson): unknown => JSON.parse(JSON.stringify(json, (_, value: unknown) => (typeof value === 'number' ? String(value) : value))); // prettier-ignore

async function unzipped(archive: Buffer): Promise<Map<string, Buffer>> {
  const zip = await yauzl.fromBufferPromise(archive);
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    files.set(entry.fileName, Buffer.concat(chunks));
  }
  return files;
}

describe('a study as an archive', () => {
  it('holds the files as they are stored, under names that say nothing', async () => {
    const reply = await server.get(`/studies/${study}`, { accept: 'application/zip' });
    expect([reply.status, reply.type]).toEqual([200, 'application/zip']);
    expect(reply.headers.get('content-disposition')).toBe('attachment; filename="images.zip"');
    const files = await unzipped(reply.body);
    expect([...files]).toEqual(expect.arrayContaining([
      ['DICOM/SE000001/IM000001', plain],
      ['DICOM/SE000002/IM000001', video],
      ['DICOM/SE000002/IM000002', rle],
    ])); // prettier-ignore
    expect((await server.get(`/studies/${study}/series/${series[0]}`, { accept: 'application/zip' })).status).toBe(200);
  });

  it('leaves out what is not available in the transfer syntax that was asked for, and says so', async () => {
    const reply = await server.get(`/studies/${study}`, {
      accept: `application/zip; transfer-syntax=${syntaxes.explicit}`,
    });
    expect(reply.status).toBe(206);
    expect(reply.headers.get('warning')).toMatch(/1 instance\(s\) are not available/);
    expect([...(await unzipped(reply.body)).keys()].filter((name) => name.includes('IM'))).toHaveLength(2);
  });
});

describe('a study with an instance that cannot be decompressed', () => {
  it('comes with it as it is stored', async () => {
    const reply = await server.get(`/studies/${study}`, { accept: 'multipart/related; type="application/dicom"' });
    expect([reply.status, reply.headers.get('warning')]).toEqual([200, expect.stringMatching(/1 instance\(s\) cannot be decompressed/)]); // prettier-ignore
    const types = reply.parts().map(({ headers }) => /transfer-syntax=(.+)/.exec(headers['content-type']!)![1]);
    expect(types.sort()).toEqual([syntaxes.explicit, syntaxes.explicit, '1.2.840.10008.1.2.4.102']);
    expect(reply.parts().some(({ body }) => body.equals(video))).toBe(true);
  });

  it('comes with a broken picture as it is stored', async () => {
    const broken = newUid();
    const jpeg = imageFile({ study: broken, number: 2, bits: 8, transferSyntax: syntaxes.jpeg, pixels: { fragments: [Buffer.alloc(40, 3)] } }); // prettier-ignore
    await server.store(imageFile({ study: broken, number: 1 }), jpeg, imageFile({ study: broken, number: 3 }));
    const reply = await server.get(`/studies/${broken}`, { accept: 'multipart/related; type="application/dicom"' });
    expect(reply.parts()).toHaveLength(3);
    const stored = reply.parts().find(({ headers }) => headers['content-type']!.endsWith(syntaxes.jpeg));
    expect(stored?.body).toEqual(jpeg);
  });

  it('comes without it in 206 where a transfer syntax is asked for, and not at all where nothing is left', async () => {
    const ask = (syntax: string, path = '') =>
      server.get(`/studies/${study}${path}`, {
        accept: `multipart/related; type="application/dicom"; transfer-syntax=${syntax}`,
      });
    const reply = await ask(syntaxes.explicit);
    expect([reply.status, reply.parts().length]).toEqual([206, 2]);
    // JPEG XL is read and not written.
    expect((await ask('1.2.840.10008.1.2.4.110', `/series/${series[1]}`)).status).toBe(406);
  });
});

describe('bulk data and pixel data of many', () => {
  it('come with the addresses that metadata gives them', async () => {
    const json = (await server.get(`/studies/${study}/metadata`)).json<DicomJson[]>();
    const addresses = json.flatMap((one) => Object.values(one)).flatMap(({ BulkDataURI }) => BulkDataURI ?? []);
    const reply = await server.get(`/studies/${study}/bulkdata`, { accept: octets });
    const locations = reply.parts().map(({ headers }) => headers['content-location']!);
    expect(locations.filter((one) => !one.includes('/frames/'))).toEqual(addresses.filter((one) => !/7FE00010$/.test(one) || one.includes(series[0]!))); // prettier-ignore
    for (const { headers, body } of reply
      .parts()
      .filter(({ headers }) => /bulkdata/.test(headers['content-location']!)))
      expect((await server.get(headers['content-location']!, { accept: 'application/octet-stream' })).body).toEqual(
        body,
      );
  });

  it('gives samples where it can, and compressed frames as they are where not or where they are asked for', async () => {
    const types = (reply: Awaited<ReturnType<DicomwebServer['get']>>) => reply.parts().map(({ headers, body }) => [headers['content-type'], body.length]);
    expect(types(await server.get(`/studies/${study}/series/${series[1]}/pixeldata`, { accept: octets }))).toEqual([
      ['video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102', 40],
      ['application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1', 4],
      ['application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1', 4],
    ]);
    const stored = await server.get(`/studies/${study}/series/${series[1]}/pixeldata`, { accept: 'multipart/related; type="image/dicom-rle"' });
    expect(types(stored).slice(1)).toEqual(Array(2).fill([`image/dicom-rle; transfer-syntax=${syntaxes.rle}`, 66]));
  }); // prettier-ignore

  it('are not there where there is none', async () => {
    const empty = newUid();
    await server.store(imageFile({ study: empty, without: ['7FE00010'] }));
    expect((await server.get(`/studies/${empty}/pixeldata`, { accept: octets })).status).toBe(404);
  });
});

describe('parts of answers', () => {
  const [path] = [`/studies/${study}/series/${series[0]}`];
  const instanceOf = async () => (await server.get(`${path}/instances`)).json()[0]!['00080018']!.Value![0] as string;

  it('of a file and of a frame come by Range', async () => {
    const instance = `${path}/instances/${await instanceOf()}`;
    const file = await server.get(instance, { accept: 'application/dicom; transfer-syntax=*', headers: { Range: 'bytes=128-131' } });
    expect([file.status, file.headers.get('content-range'), file.body.toString()]).toEqual([206, `bytes 128-131/${plain.length}`, 'DICM']);
    const whole = await server.get(`${instance}/frames/1`, { accept: 'application/octet-stream' });
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    const end = await server.get(`${instance}/frames/1`, { accept: 'application/octet-stream', headers: { Range: 'bytes=-10' } });
    expect([end.status, end.body]).toEqual([206, whole.body.subarray(-10)]);
    const beyond = await server.get(`${instance}/frames/1`, { accept: 'application/octet-stream', headers: { Range: 'bytes=9999-' } });
    expect(beyond.status).toBe(416);
  }); // prettier-ignore
});
