/** What the edge of the DICOMweb service refuses, leaves out, clears or says. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everything } from '../../server/core/access/narrowing.ts';
import { imageFile, newUid, syntaxes, type Element, type ImageOptions } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => (server = await dicomwebServer()));
afterAll(() => server.close());

let serial = 0;
const one = (options: ImageOptions = {}) => imageFile({ patientId: `E-${++serial}`, ...options });
type Answer = Record<string, { Value?: Record<string, { Value?: unknown[] }>[] } | undefined>;

async function stow(...files: Uint8Array[]) {
  const boundary = 'edge-of-it';
  const body = files.flatMap((file) => [Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`), file]); // prettier-ignore
  const response = await fetch(`${server.base}/studies`, {
    method: 'POST',
    headers: { Authorization: 'Bearer all', 'Content-Type': `multipart/related; type="application/dicom"; boundary=${boundary}` }, // prettier-ignore
    body: new Uint8Array(Buffer.concat([...body, Buffer.from(`\r\n--${boundary}--\r\n`)])),
  });
  const answer = (await response.json()) as Answer;
  const values = (sequence: string, tag: string) =>
    (answer[sequence]?.Value ?? []).map((item) => item[tag]?.Value?.[0]);
  return {
    status: response.status,
    warning: response.headers.get('Warning') ?? '',
    stored: values('00081199', '00081155').length,
    warnings: values('00081199', '00081196'),
    failures: [...values('00081198', '00081197'), ...values('0008119A', '00081197')],
  };
}

describe('a value that FHIR cannot say', () => {
  it.each<[string, Element[], RegExp]>([
    ['an offset that no place has', [['00080201', 'SH', '+1500']], /Timezone Offset From UTC/],
    ['no day', [['00080020', 'DA', '00000000']], /Study Date/],
    ['no time', [['00080030', 'TM', '999999']], /Study Time/],
    ['a code of white space', [['00081032', 'SQ', [[['00080100', 'SH', 'a  b'], ['00080102', 'SH', 'SCT'], ['00080104', 'LO', 'x']]]]], /procedureCode/],
    ['a scheme whose UID is no OID', [['00081032', 'SQ', [[['00080100', 'SH', 'A'], ['0008010C', 'UI', '9.08.7']]]]], /procedureCode/],
    ['names of objects in the place of codes', [['00200060', 'CS', 'constructor'], ['00100040', 'CS', 'toString']], /^$/],
  ])('(%s) is left out with a warning, and all instances of the request are stored', async (_, elements, warning) => {
    const study = newUid();
    const answer = await stow(one(), one({ study, with: elements }), one());
    expect(answer).toMatchObject({ status: 200, stored: 3, failures: [] });
    expect(answer.warning).toMatch(warning);
    expect(answer.warnings.filter((reason) => reason === 0xb007)).toHaveLength(answer.warning === '' ? 0 : 1);
    const row = await server.world.read(({ studies }) => studies.study(study));
    expect(await server.world.read(({ records }) => records.read('ImagingStudy', row!.imagingStudyId, everything))).toBeDefined();
  }); // prettier-ignore

  it('keeps the day where only the offset is impossible', async () => {
    const study = newUid();
    await stow(one({ study, with: [['00080201', 'SH', '+1500']] }));
    const row = await server.world.read(({ studies }) => studies.study(study));
    const record = await server.world.read(({ records }) =>
      records.read('ImagingStudy', row!.imagingStudyId, everything),
    );
    expect(record!.resource).toMatchObject({ started: '2026-04-12' });
  });

  it('may be longer than an index takes', async () => {
    const long = Array.from({ length: 12_000 }, (_, i) => String.fromCharCode(33 + ((i * i * 31 + i) % 90))).join('');
    const answer = await stow(one({ with: [['00080050', 'UC', long], ['00200010', 'UC', long], ['00100021', 'UC', long]] }), one()); // prettier-ignore
    expect(answer).toMatchObject({ status: 200, stored: 2 });
  });
});

describe('an instance that says two things about itself', () => {
  const meta = (sopClass: string, sopInstance: string): Element[] => [
    ['00020001', 'OB', Buffer.from([0, 1])],
    ['00020002', 'UI', sopClass],
    ['00020003', 'UI', sopInstance],
    ['00020010', 'UI', syntaxes.explicit],
  ];
  const ct = '1.2.840.10008.5.1.4.1.1.2';

  it('is refused with the reason, and the others of the request are stored', async () => {
    const answer = await stow(one({ meta: meta(ct, newUid()) }), one({ meta: meta('1.2.3', '') }), one());
    expect(answer).toMatchObject({ status: 202, stored: 1, failures: [0xc003, 0xc003] });
    expect(answer.warning).toContain('(0002,0003) and (0008,0018)');
    expect(answer.warning).toContain('(0002,0002) and (0008,0016)');
  });

  it('is stored where its file meta information is silent, or pads with spaces', async () => {
    const instance = newUid();
    const answer = await stow(one({ meta: meta('', '') }), one({ instance, meta: meta(`${ct} `, `${instance} `) }));
    expect(answer).toMatchObject({ status: 200, stored: 2 });
  });

  it('is refused under the UID of an instance of another study', async () => {
    const instance = newUid();
    await stow(one({ instance }));
    const answer = await stow(one({ instance }), one());
    expect(answer).toMatchObject({ status: 202, stored: 1, failures: [0x0111] });
    expect(answer.warning).toContain('stored in another study');
  });

  it('that an earlier release let in twice may be sent again where it is, and nowhere else', async () => {
    const instance = newUid();
    const doubles = [one({ instance }), one({ instance })];
    await stow(doubles[0]!);
    await server.database.sql.query(`delete from instance_name where sop_uid = $1`, [instance]);
    await stow(doubles[1]!);
    expect(await stow(...doubles)).toMatchObject({ status: 200, stored: 2 });
    expect(await stow(one({ instance }))).toMatchObject({ status: 409, failures: [0x0111] });
  });
});

describe('what is given out', () => {
  it('is kept by no cache', async () => {
    const study = newUid();
    await stow(one({ study, series: `${study}.1`, instance: `${study}.1.1` }));
    const instance = `/studies/${study}/series/${study}.1/instances/${study}.1.1`;
    for (const path of ['/studies', `/studies/${study}`, `${instance}/metadata`, `${instance}/rendered`, `${instance}/thumbnail`, `${instance}/frames/1`, `${instance}/bulkdata/7FE00010`, '/studies/1.2.3/metadata']) {
      const reply = await server.get(path);
      expect([path, reply.headers.get('Cache-Control')]).toEqual([path, 'no-store']);
    } // prettier-ignore
  });

  it.each([
    ['MZ', true], ['\x7fELF', true], ['#!/bin/sh\n', true], ['%PDF-1.4', true], ['<script>', true], ['II*\0', false], ['MM\0*', false], ['', false],
  ])('has the preamble %j cleared: %s', async (start, cleared) => {
    const study = newUid();
    const preamble = Buffer.alloc(128);
    preamble.write(start, 'latin1');
    const file = one({ study, preamble });
    await stow(file);
    const reply = await server.get(`/studies/${study}`, { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' });
    const [part] = reply.parts();
    const expected = cleared ? Buffer.concat([Buffer.alloc(128), file.subarray(128)]) : file;
    expect(part!.body.equals(expected)).toBe(true);
    expect(/preamble/.test(reply.headers.get('Warning') ?? '')).toBe(cleared);
    const explicit = await server.get(`/studies/${study}`, { accept: 'multipart/related; type="application/dicom"' });
    expect(explicit.parts()[0]!.body.subarray(0, 2).toString('latin1') === start.slice(0, 2)).toBe(!cleared && start !== '');
  }); // prettier-ignore

  it('never is a document that a browser shows as a page of this server', async () => {
    const study = newUid();
    await stow(one({ study, series: `${study}.1`, instance: `${study}.1.1`, without: ['7FE00010'], with: [['00420011', 'OB', Buffer.from(`%PDF-1.4${' '.repeat(2000)}`)], ['00420012', 'LO', 'application/pdf']] })); // prettier-ignore
    const reply = await server.get(`/studies/${study}/series/${study}.1/instances/${study}.1.1/rendered`, { accept: 'application/pdf' }); // prettier-ignore
    expect([reply.status, reply.type]).toEqual([200, 'application/pdf']);
    expect(reply.headers.get('Content-Disposition')).toBe('attachment');
    expect(reply.headers.get('Content-Security-Policy')).toContain('sandbox');
  });
});

describe('a request for what is not there', () => {
  it.each(['patientnames=Chen*', 'constructor=x', '__proto__=x', 'toString=', 'token=x', 'PatientNam=x', '=x', 'limits=1', 'Limit=1', 'hasOwnProperty=true'])(
    '?%s is refused instead of passed over',
    async (query) => {
      const reply = await server.get(`/studies?${query}`);
      expect([reply.status, reply.json<{ code: string }>().code]).toEqual([400, 'value']);
    },
  ); // prettier-ignore

  it('is 404 at a wrong address and 405 with Allow for a wrong method, with or without a token', async () => {
    for (const as of ['all', null]) {
      for (const path of ['/conformance', '/', '/studies/1.2/nothing', '/patients'])
        expect([path, (await server.get(path, { as })).status]).toEqual([path, 404]);
      const reply = await server.get('/studies', { as, method: 'DELETE' });
      expect([reply.status, reply.headers.get('Allow')]).toEqual([405, 'GET, HEAD, POST, OPTIONS']);
      expect((await server.get('/series', { as, method: 'PUT' })).headers.get('Allow')).toBe('GET, HEAD, OPTIONS');
    }
    expect((await server.get('/studies', { as: null })).status).toBe(401);
  });
});

describe('rendering', () => {
  it.each<[string, ImageOptions, number[]]>([
    ['RGB of one sample', { with: [['00280004', 'CS', 'RGB']] }, [400]],
    ['MONOCHROME2 of three', { bits: 8, with: [['00280002', 'US', 3]], pixels: new Uint8Array(768) }, [400]],
    ['1 x 65535 pixels', { rows: 1, columns: 65_535, bits: 8 }, [200]],
    ['65535 x 1 pixels', { rows: 65_535, columns: 1, bits: 8 }, [200]],
    ['no rows', { rows: 0 }, [406]],
    ['more bits stored than allocated', { with: [['00280101', 'US', 17]] }, [400]],
    ['a high bit of nonsense', { with: [['00280102', 'US', 99]] }, [200]],
    ['a palette without tables', { with: [['00280004', 'CS', 'PALETTE COLOR']] }, [406]],
    ['an unknown photometric interpretation', { with: [['00280004', 'CS', 'constructor']] }, [406]],
    ['a window of no width', { with: [['00281050', 'DS', '0'], ['00281051', 'DS', '0']] }, [200]],
    ['a window that is no number', { with: [['00281050', 'DS', 'NaN'], ['00281051', 'DS', '1e999']] }, [200]],
  ])('of %s is a picture or a refusal', async (_, options, statuses) => {
    const study = newUid();
    expect(await stow(one({ study, series: `${study}.1`, instance: `${study}.1.1`, ...options }))).toMatchObject({ stored: 1 });
    for (const accept of ['image/jpeg', 'image/png']) {
      const reply = await server.get(`/studies/${study}/series/${study}.1/instances/${study}.1.1/rendered`, { accept });
      expect(statuses).toContain(reply.status);
    }
  }); // prettier-ignore

  it.each(['window=1,2,constructor', 'window=1,2,__proto__', 'viewport=1e9,1e9', 'viewport=8,8,1e9,0,4,4', 'viewport=-8,8', 'quality=0', 'window=Infinity,1'])(
    'with %s is refused',
    async (query) => {
      const study = newUid();
      await stow(one({ study, series: `${study}.1`, instance: `${study}.1.1` }));
      const reply = await server.get(`/studies/${study}/series/${study}.1/instances/${study}.1.1/rendered?${query}`);
      expect(reply.status).toBe(400);
    },
  ); // prettier-ignore
});

it('had no faults of its own', () => expect(server.faults).toEqual([]));
