import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { diskBlobs } from '../../server/infrastructure/blobs/disk.ts';
import { imageFile, newUid, syntaxes } from '../harness/dicom-file.ts';
import { caller } from '../harness/records.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => {
  server = await dicomwebServer();
  server.callers.set('doctor', caller('user/*.cruds', { role: 'doctor', fhirUser: 'Practitioner/d' }));
  server.callers.set('reader', caller('user/*.rs', { role: 'doctor', fhirUser: 'Practitioner/d' }));
  server.callers.set('creator', caller('system/ImagingStudy.c', { kind: 'client' }));
  server.callers.set('patient', caller('patient/*.cruds', { role: 'patient', patient: 'p', fhirUser: 'Patient/p' }));
  server.callers.set(
    'for-one-patient',
    caller('patient/*.cruds', { role: 'doctor', patient: 'p', fhirUser: 'Practitioner/d' }),
  );
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const related = 'multipart/related; type="application/dicom"; boundary=xYz';

function multipart(files: Uint8Array[], head = 'Content-Type: application/dicom\r\n'): Buffer {
  return Buffer.concat([
    ...files.flatMap((file) => [Buffer.from(`\r\n--xYz\r\n${head}\r\n`), file]),
    Buffer.from('\r\n--xYz--\r\n'),
  ]);
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  response: DicomJson;
}

async function post(
  body: Uint8Array,
  options: { type?: string; path?: string; as?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const headers = {
    'Content-Type': options.type ?? related,
    Authorization: `Bearer ${options.as ?? 'doctor'}`,
    Accept: 'application/dicom+json',
    ...options.headers,
  };
  const reply = await fetch(`${server.base}${options.path ?? '/studies'}`, {
    method: 'POST',
    headers,
    body: Buffer.from(body),
  });
  const text = await reply.text();
  const response = reply.headers.get('content-type')?.includes('json') ? (JSON.parse(text) as DicomJson) : {};
  return { status: reply.status, headers: reply.headers, text, response };
}

const items = (response: DicomJson, tag: string) => (response[tag]?.Value ?? []) as DicomJson[];
const reasons = (response: DicomJson, tag = '00081198') =>
  items(response, tag).map((item) => item['00081197']!.Value![0]);
const count = async (study: string) =>
  (
    await server.database.sql.query<{ count: number }>(`select count(*) from instance where study_uid = $1`, [study])
  )[0]!.count;

describe('storing images that do not say whose they are as their study does', () => {
  const patientId = newUid().slice(-12);
  const warnings = ({ response }: Answer) => items(response, '00081199').map((item) => item['00081196']?.Value?.[0]);

  it('answers B000 with the original attributes where only the issuer is missing', async () => {
    const study = newUid();
    expect(warnings(await post(multipart([imageFile({ study, patientId })])))).toEqual([undefined]);
    const again = await post(multipart([imageFile({ study, patientId, with: [['00100021', 'LO', 'NORTH']] })]));
    expect(again.status).toBe(200);
    expect(warnings(again)).toEqual([0xb000]);
    const [stored] = items(again.response, '00081199');
    const [original] = items(stored!, '04000561');
    expect(items(original!, '04000550')[0]!['00100021']!.Value).toEqual(['NORTH']);
    expect(original!['04000565']!.Value).toEqual(['COERCE']);
    expect(again.headers.get('warning')).toContain('names in other words');
    const [found] = (await server.get(`/studies?StudyInstanceUID=${study}&includefield=00100021`)).json();
    expect(found!['00100021']?.Value).toBeUndefined();
  });

  it('answers 202 and a warning without an address where a human decides first, and shows nothing of it', async () => {
    const study = newUid();
    const stranger = imageFile({ study, patientId: `${patientId}-2`, number: 2 });
    const reply = await post(multipart([imageFile({ study, patientId }), stranger]));
    expect(reply.status).toBe(202);
    expect(Object.keys(reply.response)).toEqual(['00081190', '00081199']);
    expect(warnings(reply)).toEqual([undefined, 0xb0a1]);
    expect(items(reply.response, '00081199')[1]!['00081190']).toEqual({ vr: 'UR' });
    expect(reply.headers.get('warning')).toContain('an administrator decides');
    expect(await count(study)).toBe(1);
    const corrected = { study, series: `${study}.1`, instance: `${study}.1.1`, pixels: new Uint8Array(512) };
    await post(multipart([imageFile({ ...corrected, patientId })]));
    const resend = await post(multipart([imageFile({ ...corrected, patientId: `${patientId}-2` })]));
    expect([resend.status, warnings(resend)]).toEqual([202, [0xb0a3]]);
    for (const path of ['', '/metadata', '/thumbnail'])
      expect((await server.get(`/studies/${study}${path}`, { accept: '*/*' })).body.toString('latin1')).not.toContain(`${patientId}-2`); // prettier-ignore
    const names = await server.database.sql.query(`select event from audit where event = 'dicomweb:store:held'`);
    expect(names.length).toBeGreaterThan(0);
  });
});

describe('storing by STOW-RS', () => {
  it('says in words and in no code that an image is there in a file of other bytes', async () => {
    const options = { study: newUid(), series: newUid(), instance: newUid(), pixels: new Uint8Array(512).fill(5) };
    await post(multipart([imageFile(options)]));
    const again = await post(multipart([imageFile({ ...options, transferSyntax: syntaxes.implicit })]));
    expect(again.status).toBe(200);
    expect(again.headers.get('warning')).toContain('stored in other bytes');
    expect(items(again.response, '00081199')[0]).not.toHaveProperty('00081196');
  });

  it('answers where each instance can be retrieved, and they can be, byte for byte', async () => {
    const study = newUid();
    const files = [1, 2, 3].map((number) =>
      imageFile({ study, series: `${study}.1`, instance: `${study}.1.${number}`, number }),
    );
    const { status, response, headers } = await post(multipart(files));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/dicom+json');
    expect(response['00081190']).toEqual({ vr: 'UR', Value: [`${server.base}/studies/${study}`] });
    expect(Object.keys(response)).toEqual(['00081190', '00081199']);
    for (const [i, item] of items(response, '00081199').entries()) {
      expect(item).toEqual({
        '00081150': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
        '00081155': { vr: 'UI', Value: [`${study}.1.${i + 1}`] },
        '00081190': {
          vr: 'UR',
          Value: [`${server.base}/studies/${study}/series/${study}.1/instances/${study}.1.${i + 1}`],
        },
      });
      const reply = await server.get(item['00081190']!.Value![0] as string, {
        accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
      });
      expect(reply.parts()[0]!.body).toEqual(files[i]);
    }
  });

  it.each([
    ['an unquoted type', 'multipart/related; type=application/dicom; boundary=xYz'],
    ['a quoted boundary', 'multipart/related; boundary="xYz"; type="application/dicom"'],
    ['no type', 'multipart/related; boundary=xYz'],
    [
      'parameters inside the type',
      'multipart/related; type="application/dicom; transfer-syntax=1.2.840.10008.1.2.1"; boundary=xYz',
    ],
  ])('reads a body with %s', async (_, type) => {
    expect((await post(multipart([imageFile()]), { type })).status).toBe(200);
  });

  it('reads parts without headers, a body of one instance, and compressed bodies', async () => {
    expect((await post(multipart([imageFile()], ''))).status).toBe(200);
    expect((await post(imageFile(), { type: 'application/dicom' })).status).toBe(200);
    expect((await post(gzipSync(multipart([imageFile()])), { headers: { 'Content-Encoding': 'gzip' } })).status).toBe(
      200,
    );
    expect((await post(Buffer.from('no gzip'), { headers: { 'Content-Encoding': 'gzip' } })).status).toBe(400);
    expect((await post(multipart([imageFile()]), { headers: { 'Content-Encoding': 'rot13' } })).status).toBe(415);
  });

  it('reads a chunked body after 100 Continue', async () => {
    const body = multipart([imageFile(), imageFile()]);
    const status = await new Promise<number | undefined>((done, fail) => {
      const sending = request(`${server.base}/studies`, {
        method: 'POST',
        headers: {
          'Content-Type': related,
          Authorization: 'Bearer doctor',
          Expect: '100-continue',
          'Transfer-Encoding': 'chunked',
        },
      });
      sending.on('continue', () => {
        for (let at = 0; at < body.length; at += 100) sending.write(body.subarray(at, at + 100));
        sending.end();
      });
      sending.on('response', (reply) => done(reply.resume().statusCode)).on('error', fail);
      sending.flushHeaders();
    });
    expect(status).toBe(200);
  });

  it('stores every encoding that it knows', async () => {
    const files = [syntaxes.implicit, syntaxes.explicit, syntaxes.bigEndian, syntaxes.deflated].map((transferSyntax) =>
      imageFile({ transferSyntax }),
    );
    files.push(imageFile({ transferSyntax: syntaxes.jpeg, pixels: { fragments: [Buffer.alloc(20)] } }));
    expect((await post(multipart(files))).status).toBe(200);
  });

  it('answers in XML when asked to', async () => {
    const { status, text, headers } = await post(multipart([imageFile({ study: newUid() })]), {
      headers: { Accept: 'application/dicom+xml' },
    });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('application/dicom+xml');
    expect(text).toContain('<DicomAttribute tag="00081190" vr="UR" keyword="RetrieveURL"><Value number="1">http');
  });
});

describe('what cannot be stored', () => {
  it('fails alone: the rest is stored (202)', async () => {
    const study = newUid();
    const other = newUid();
    const files = [
      imageFile({ study }),
      Buffer.from('no image'),
      imageFile({ study: other }),
      imageFile({ study, with: [['00020010', 'UI', 'x']], meta: [['00020010', 'UI', '1.2.3']] }),
    ];
    const { status, response, headers } = await post(multipart(files), { path: `/studies/${study}` });
    expect(status).toBe(202);
    expect(items(response, '00081199')).toHaveLength(1);
    expect(reasons(response)).toEqual([0xa901]);
    expect(reasons(response, '0008119A')).toEqual([0xc000, 0xc122]);
    expect(headers.get('warning')).toMatch(/^299 /);
    expect([await count(study), await count(other)]).toEqual([1, 0]);
  });

  it('is 409 when nothing was stored', async () => {
    const { status, response } = await post(
      multipart([Buffer.from('x'), imageFile().subarray(0, 700), imageFile({ with: [['0020000D', 'UI', '../../x']] })]),
    );
    expect(status).toBe(409);
    expect(response['00081199']).toBeUndefined();
    expect(reasons(response, '0008119A')).toEqual([0xc000, 0xc000, 0xc001]);
  });

  it('is other content under a stored UID: the first stays', async () => {
    const [study, series, instance] = [newUid(), newUid(), newUid()];
    const first = imageFile({ study, series, instance });
    expect((await post(multipart([first]))).status).toBe(200);
    const { status, response } = await post(multipart([imageFile({ study, series, instance, rows: 8 })]));
    expect(status).toBe(409);
    expect(reasons(response)).toEqual([0x0110]);
    const again = await server.get(`/studies/${study}/series/${series}/instances/${instance}`, {
      accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
    });
    expect(again.parts()[0]!.body).toEqual(first);
  });

  it.each([
    ['no part', '\r\n--xYz--\r\n', related, 400],
    ['no closing delimiter', '--xYz\r\n\r\nabc', related, 400],
    ['nothing at all', '', related, 400],
    ['no boundary', 'x', 'multipart/related; type="application/dicom"', 400],
    ['metadata', '--xYz--', 'multipart/related; type="application/dicom+json"; boundary=xYz', 400],
    ['a form', '--xYz--', 'multipart/form-data; boundary=xYz', 415],
    ['JSON', '{}', 'application/json', 415],
    ['no type', 'x', '', 415],
  ])('a body with %s is refused', async (_, body, type, expected) => {
    expect((await post(Buffer.from(body), { type })).status).toBe(expected);
  });

  it('is a path that is no UID, an answer that nobody gives, or an instance over the limit', async () => {
    const body = multipart([imageFile()]);
    for (const path of ['/studies/..%2F..', '/studies/1.2.%00', '/studies/abc', `/studies/${'1.'.repeat(40)}1`])
      expect((await post(body, { path })).status).toBe(400);
    expect((await post(body, { headers: { Accept: 'text/html' } })).status).toBe(406);
  });

  it('is anything while the disk is full (507); afterwards it works again', async () => {
    const { blobs } = server.world;
    const folder = await mkdtemp(join(tmpdir(), 'csss-full-'));
    try {
      server.world.blobs = await diskBlobs(folder, { reserve: Number.MAX_SAFE_INTEGER });
      expect((await post(multipart([imageFile()]))).status).toBe(507);
    } finally {
      server.world.blobs = blobs;
      await rm(folder, { recursive: true });
    }
    expect((await post(multipart([imageFile()]))).status).toBe(200);
  });

  it('leaves nothing in the store, and the next request works', async () => {
    const rows = await server.database.sql.query<{ blob: string }>(
      'select blob from instance union select inflated from instance where inflated is not null union select blob from held_instance',
    );
    const kept: string[] = [];
    for await (const digest of server.world.blobs.list(new Date(Date.now() + 60_000))) kept.push(digest);
    const named = new Set(rows.map(({ blob }) => blob));
    // Content refused under a stored UID, and the same image in another file, were durable before the index said so; the sweep takes them.
    expect(kept.filter((digest) => !named.has(digest)).length).toBeLessThanOrEqual(2);
    expect((await post(multipart([imageFile()]))).status).toBe(200);
  });
});

describe('who may store', () => {
  it('is nobody without a token, without the scope, or by a scope of one patient', async () => {
    const study = newUid();
    const body = multipart([imageFile({ study })]);
    expect((await post(body, { as: 'unknown' })).status).toBe(401);
    for (const as of ['reader', 'patient', 'for-one-patient']) expect((await post(body, { as })).status, as).toBe(403);
    expect(await count(study)).toBe(0);
  });

  it('may be a device that creates studies but does not change them', async () => {
    const study = newUid();
    expect((await post(multipart([imageFile({ study })]), { as: 'creator' })).status).toBe(200);
    const { status, response } = await post(multipart([imageFile({ study })]), { as: 'creator' });
    expect(status).toBe(409);
    expect(reasons(response)).toEqual([0x0124]);
    expect(await count(study)).toBe(1);
  });

  it('is written down', async () => {
    const study = newUid();
    await post(multipart([imageFile({ study }), Buffer.from('x')]), { headers: { 'X-Request-Id': 'find-me' } });
    const rows = await server.database.sql.query(
      `select action, event, outcome, role, entities, patients from audit where request_id = 'find-me' and event like 'dicomweb%' order by seq`,
    );
    expect(rows).toEqual([
      {
        action: 'C',
        event: 'dicomweb:store',
        outcome: 'success',
        role: 'doctor',
        entities: [`studies/${study}`],
        patients: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
      },
      { action: 'C', event: 'dicomweb:store', outcome: 'failed', role: 'doctor', entities: [], patients: [] },
    ]);
  });
});
