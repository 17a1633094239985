import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageFile, newUid, syntaxes } from '../harness/dicom-file.ts';
import { caller } from '../harness/records.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
const study = newUid();
const series = { explicit: newUid(), other: newUid() };
const uids = {
  first: newUid(),
  second: newUid(),
  bigEndian: newUid(),
  implicit: newUid(),
  deflated: newUid(),
  mpeg: newUid(),
};
const samples = Uint8Array.from({ length: 512 }, (_, i) => (i * 31) & 0xff);
const file = (name: keyof typeof uids, transferSyntax: string, more = {}) =>
  imageFile({
    study,
    series: name === 'first' || name === 'second' ? series.explicit : series.other,
    instance: uids[name],
    transferSyntax,
    pixels: samples,
    ...more,
  });
const files = {
  first: file('first', syntaxes.explicit, {
    number: 1,
    with: [
      ['00091001', 'OB', new Uint8Array(2000).fill(7)],
      ['00090010', 'LO', 'ACME'],
    ],
  }),
  second: file('second', syntaxes.explicit, { number: 2 }),
  bigEndian: file('bigEndian', syntaxes.bigEndian, { number: 3 }),
  implicit: file('implicit', syntaxes.implicit, { number: 4 }),
  deflated: file('deflated', syntaxes.deflated, { number: 5 }),
};
const at = (name: keyof typeof uids) =>
  `/studies/${study}/series/${name === 'first' || name === 'second' ? series.explicit : series.other}/instances/${uids[name]}`;
const stored = 'multipart/related; type="application/dicom"; transfer-syntax=*';

beforeAll(async () => {
  server = await dicomwebServer();
  const { instances } = await server.store(...Object.values(files));
  expect(instances.map(({ status }) => status)).toEqual(Array(5).fill('stored'));
});
afterAll(() => server.close());

describe('instances', () => {
  it.each(Object.keys(files) as (keyof typeof files)[])(
    'come back byte for byte as they were stored (%s)',
    async (name) => {
      const reply = await server.get(at(name), { accept: stored });
      expect(reply.status).toBe(200);
      expect(reply.type).toMatch(/^multipart\/related; type="application\/dicom"; boundary=[0-9a-f]+$/);
      expect(Number(reply.headers.get('content-length'))).toBe(reply.body.length);
      const [part] = reply.parts();
      expect(part!.headers['content-type']).toMatch(
        /^application\/dicom; transfer-syntax=1\.2\.840\.10008\.1\.2[.0-9]*$/,
      );
      expect(part!.body.equals(files[name])).toBe(true);
      const single = await server.get(at(name), { accept: 'application/dicom; transfer-syntax="*"' });
      expect(single.type).toMatch(/^application\/dicom; transfer-syntax=/);
      expect(single.body.equals(files[name])).toBe(true);
    },
  );

  it('come as whole series and studies, in series and instance order', async () => {
    const wholeSeries = (await server.get(`/studies/${study}/series/${series.explicit}`, { accept: stored })).parts();
    expect(wholeSeries.map(({ body }) => body.equals(files.first) || body.equals(files.second))).toEqual([true, true]);
    const wholeStudy = (await server.get(`/studies/${study}`, { accept: stored })).parts();
    expect(wholeStudy).toHaveLength(5);
    for (const bytes of Object.values(files)) expect(wholeStudy.some(({ body }) => body.equals(bytes))).toBe(true);
  });

  it.each(['bigEndian', 'implicit', 'deflated'] as const)(
    'become Explicit VR Little Endian when no transfer syntax is asked for (%s)',
    async (name) => {
      const reply = await server.get(at(name), { accept: 'application/dicom' });
      expect(reply.type).toBe(`application/dicom; transfer-syntax=${syntaxes.explicit}`);
      const expected = file(name, syntaxes.explicit, { number: { bigEndian: 3, implicit: 4, deflated: 5 }[name] });
      expect(dataSetOf(reply.body).equals(dataSetOf(expected))).toBe(true);
    },
  );

  it('are not available in syntaxes that nobody encodes here, unless another choice is accepted', async () => {
    expect(
      (await server.get(at('first'), { accept: 'application/dicom; transfer-syntax=1.2.840.10008.1.2.4.81' })).status,
    ).toBe(406);
    const second = await server.get(at('first'), {
      accept: 'application/dicom; transfer-syntax=1.2.840.10008.1.2.4.81, application/dicom;q=0.5',
    });
    expect(second.status).toBe(200);
    expect((await server.get(at('first'), { accept: 'image/tiff' })).status).toBe(406);
    expect((await server.get(`/studies/${study}`, { accept: 'application/dicom' })).status).toBe(406);
  });

  it('take the accept parameter of the query before the header', async () => {
    const reply = await server.get(`${at('first')}?accept=application/dicom;transfer-syntax=*`, {
      accept: 'image/tiff',
    });
    expect(reply.type).toBe(`application/dicom; transfer-syntax=${syntaxes.explicit}`);
  });

  it('answer HEAD as GET without a body', async () => {
    for (const [path, accept] of [[at('first'), stored], [`/studies/${study}/metadata`, undefined], ['/studies', undefined], [`${at('first')}/frames/1`, undefined], [`${at('first')}/rendered`, undefined]] as const) {
      const reply = await server.get(path, { method: 'HEAD', ...(accept && { accept }) });
      expect([path, reply.status, reply.body.length]).toEqual([path, 200, 0]);
      expect(reply.type).not.toBe('');
    } // prettier-ignore
  });

  it('that the client has are not sent again', async () => {
    for (const [path, accept] of [[at('first'), stored], [`/studies/${study}`, stored], [`${at('first')}/metadata`, undefined], [`${at('first')}/frames/1`, undefined], [`${at('first')}/rendered`, undefined], [`/studies/${study}/thumbnail`, undefined], [`${at('first')}/bulkdata/7FE00010`, 'application/octet-stream']] as const) {
      const options = accept ? { accept } : {};
      const first = await server.get(path, options);
      const again = await server.get(path, { ...options, headers: { 'If-None-Match': first.headers.get('etag')! } });
      expect([path, again.status, again.body.length]).toEqual([path, 304, 0]);
    } // prettier-ignore
  });
});

describe('metadata', () => {
  it('holds every attribute, bulk values by absolute addresses that work', async () => {
    const reply = await server.get(`${at('first')}/metadata`);
    expect(reply.type).toBe('application/dicom+json');
    const [instance] = reply.json();
    expect(Object.keys(instance!).some((tag) => tag.startsWith('0002'))).toBe(false);
    expect(instance!['00080018']).toEqual({ vr: 'UI', Value: [uids.first] });
    expect(instance!['7FE00010']!.BulkDataURI).toBe(`${server.base}${at('first')}/bulkdata/7FE00010`);
    const multipart = await server.get(instance!['7FE00010']!.BulkDataURI!);
    expect(multipart.parts()[0]!.body.equals(Buffer.from(samples))).toBe(true);
    const single = await server.get(instance!['00091001']!.BulkDataURI!, { accept: 'application/octet-stream' });
    expect(single.body.equals(Buffer.alloc(2000, 7))).toBe(true);
  });

  it('of a study lists its instances in order, and changes its tag with the study', async () => {
    const before = await server.get(`/studies/${study}/metadata`, { accept: 'application/json' });
    expect(before.type).toBe('application/json; charset=utf-8');
    expect(before.json()).toHaveLength(5);
    await server.store(imageFile({ study, series: newUid() }));
    const after = await server.get(`/studies/${study}/metadata`, {
      headers: { 'If-None-Match': before.headers.get('etag')! },
    });
    expect([after.status, after.json().length]).toEqual([200, 6]);
  });

  it('is not available as a page', async () => {
    expect((await server.get(`/studies/${study}/metadata`, { accept: 'text/html' })).status).toBe(406);
  });
});

describe('bulk data', () => {
  it('is sent in ranges', async () => {
    const path = `${at('first')}/bulkdata/7FE00010`;
    const range = (header: string) =>
      server.get(path, { accept: 'application/octet-stream', headers: { Range: header } });
    const middle = await range('bytes=10-19');
    expect([middle.status, middle.headers.get('content-range')]).toEqual([206, 'bytes 10-19/512']);
    expect([...middle.body]).toEqual([...samples.subarray(10, 20)]);
    expect([...(await range('bytes=-2')).body]).toEqual([...samples.subarray(510)]);
    expect((await range('bytes=600-')).status).toBe(416);
    expect((await range('bytes=0-1,5-6')).status).toBe(200);
    // Tags are weak here, so If-Range gets the whole; and HEAD has no ranges.
    const headers = { Range: 'bytes=10-19', 'If-Range': middle.headers.get('etag')! };
    expect((await server.get(path, { accept: 'application/octet-stream', headers })).status).toBe(200);
    const head = { method: 'HEAD', accept: 'application/octet-stream', headers: { Range: 'bytes=10-19' } };
    expect((await server.get(path, head)).status).toBe(200);
  });

  it('of a big endian file is little endian', async () => {
    const reply = await server.get(`${at('bigEndian')}/bulkdata/7FE00010`, { accept: 'application/octet-stream' });
    expect(reply.body.equals(Buffer.from(samples))).toBe(true);
  });

  it('has no other paths', async () => {
    expect((await server.get(`${at('first')}/bulkdata/00100010`)).status).toBe(404);
    for (const path of ['..%2F..%2Fetc', '7FE00010/0/7FE00010', 'PixelData', '7FE00010.1.7FE00010'])
      expect((await server.get(`${at('first')}/bulkdata/${path}`)).status).toBe(400);
  });
});

describe('what is not there, or not for the caller', () => {
  it('is not found', async () => {
    for (const path of [
      `/studies/${newUid()}`,
      `/studies/${study}/series/${newUid()}/metadata`,
      `/studies/${study}/series/${series.other}/instances/${uids.first}`,
    ])
      expect((await server.get(path, { accept: '*/*' })).status).toBe(404);
  });

  it('looks the same for a study of somebody else', async () => {
    server.callers.set(
      'other',
      caller('patient/ImagingStudy.rs', { kind: 'user', role: 'patient', fhirUser: 'Patient/other', patient: 'other' }),
    );
    for (const path of ['', '/metadata', '/rendered', '/thumbnail', '/frames/1', '/bulkdata/7FE00010']) {
      const foreign = await server.get(at('first') + path, { as: 'other', accept: '*/*' });
      const missing = await server.get(at('first').replace(uids.first, newUid()) + path, {
        as: 'other',
        accept: '*/*',
      });
      const { message, code } = foreign.json<{ message: string; code: string }>();
      expect([foreign.status, message, code]).toEqual([
        missing.status,
        missing.json<{ message: string }>().message,
        'not-found',
      ]);
    }
    const [row] = await server.database.sql.query<Record<string, unknown>>(
      `select * from audit where outcome = 'refused' and $1 = any(entities)`,
      [at('first').slice(1)],
    );
    expect(row).toMatchObject({ event: 'dicomweb:retrieve', subject: 'test', patients: [] });
  });

  it('needs a token and a scope at every address', async () => {
    server.callers.set('observer', caller('system/Observation.rs', { kind: 'client' }));
    for (const path of [
      `/studies/${study}`,
      `${at('first')}/metadata`,
      `${at('first')}/frames/1`,
      `${at('first')}/rendered`,
      `${at('first')}/bulkdata/7FE00010`,
    ]) {
      expect((await server.get(path, { as: null })).status).toBe(401);
      expect((await server.get(path, { as: 'observer' })).status).toBe(403);
    }
  });

  it('is refused with a plain answer when the path holds no UIDs', async () => {
    for (const path of [
      '/studies/..%2F..%2Fetc%2Fpasswd',
      '/studies/1.2.3%00',
      `/studies/${'1'.repeat(65)}`,
      "/studies/1'%20or%20'1'='1/metadata",
    ])
      expect((await server.get(path, { accept: '*/*' })).status).toBe(400);
  });
});

it('writes down who got what before it is sent', async () => {
  await server.get(`${at('second')}/frames/1`);
  const [row] = await server.database.sql.query<Record<string, unknown>>(
    `select * from audit where event = 'dicomweb:retrieve' order by seq desc limit 1`,
  );
  const { patientId, imagingStudyId } = (await server.world.read(({ studies }) => studies.study(study)))!;
  expect(row).toMatchObject({
    action: 'R',
    outcome: 'success',
    patients: [patientId],
    entities: [`${at('second').slice(1)}/frames/1`, `ImagingStudy/${imagingStudyId}`],
  });
});

it('had no faults of its own', () => expect(server.faults).toEqual([]));

/** What follows the file meta information. */
function dataSetOf(part10: Buffer): Buffer {
  return part10.subarray(132 + 12 + part10.readUInt32LE(140));
}
