import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { caller } from '../harness/records.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
const studies = { erika: newUid(), mueller: newUid(), yamada: newUid() };
const series = { ct: newUid(), sr: newUid() };
const utf8 = (text: string) => Buffer.from(text);

beforeAll(async () => {
  server = await dicomwebServer();
  const { instances } = await server.store(
    imageFile({ study: studies.erika, series: series.ct, number: 1 }),
    imageFile({ study: studies.erika, series: series.ct, number: 2 }),
    imageFile({
      study: studies.erika,
      series: series.sr,
      modality: 'PR',
      with: [
        ['0008103E', 'LO', 'Marks'],
        ['00200011', 'IS', '2'],
        [
          '00400275',
          'SQ',
          [
            [
              ['00401001', 'SH', 'RP-7'],
              ['00400009', 'SH', 'SPS-7'],
            ],
          ],
        ],
      ],
    }),
    imageFile({
      study: studies.mueller,
      patientId: 'PID_2%',
      with: [
        ['00080020', 'DA', '20250101'],
        ['00080030', 'TM', '2330'],
        ['00080050', 'SH', 'ACC-2'],
        ['00100010', 'PN', utf8('Müller^Jürgen')],
        ['00081030', 'LO', 'Knee'],
        [
          '00081032',
          'SQ',
          [
            [
              ['00080100', 'SH', 'K1'],
              ['00080102', 'SH', 'LOCAL'],
              ['00080104', 'LO', 'Knee'],
            ],
          ],
        ],
      ],
    }),
    imageFile({
      study: studies.yamada,
      patientId: 'PID-3',
      modality: 'MR',
      with: [
        ['00080020', 'DA', ''],
        ['00080050', 'SH', ''],
        ['00100010', 'PN', utf8('Yamada^Tarou=山田^太郎=やまだ^たろう')],
      ],
    }),
  );
  expect(instances.map(({ status }) => status)).toEqual(Array(5).fill('stored'));
});
afterAll(() => server.close());

async function found(query: string, path = '/studies'): Promise<string[]> {
  const reply = await server.get(`${path}?${query}`);
  expect(reply.status, `${query}: ${reply.body}`).toBe(200);
  const tag = path.endsWith('studies') ? '0020000D' : path.endsWith('series') ? '0020000E' : '00080018';
  return reply.json().map((match) => String(match[tag]!.Value![0]));
}

describe('the answer', () => {
  it('lists studies with all required keys, newest first', async () => {
    const reply = await server.get('/studies');
    expect(reply.status).toBe(200);
    expect(reply.type).toBe('application/dicom+json');
    expect(reply.headers.get('x-total-count')).toBe('3');
    const [first, , last] = reply.json();
    const keys = ['00080005', '00080020', '00080030', '00080050', '00080056', '00080061', '00080090', '00081190', '00100010', '00100020', '00100030', '00100040', '0020000D', '00200010', '00201206', '00201208']; // prettier-ignore
    for (const match of reply.json()) expect(Object.keys(match)).toEqual(expect.arrayContaining(keys));
    expect(first).toMatchObject({
      '00080020': { vr: 'DA', Value: ['20260412'] },
      '00080056': { vr: 'CS', Value: ['ONLINE'] },
      '00080061': { vr: 'CS', Value: ['CT', 'PR'] },
      '00081190': { vr: 'UR', Value: [`${server.base}/studies/${studies.erika}`] },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Example^Erika' }] },
      '00201206': { vr: 'IS', Value: [2] },
      '00201208': { vr: 'IS', Value: [3] },
    });
    expect(last).toMatchObject({
      '00080020': { vr: 'DA' },
      '00100010': { vr: 'PN', Value: [{ Ideographic: '山田^太郎' }] },
    });
    expect(last!['00080020']).not.toHaveProperty('Value');
    expect(Object.keys(first!)).toEqual(Object.keys(first!).toSorted());
  });

  it('gives series and instances their own keys, and those of the levels that the path does not name', async () => {
    const inStudy = (await server.get(`/studies/${studies.erika}/series`)).json();
    expect(inStudy.map((match) => match['00200011'])).toEqual([{ vr: 'IS', Value: [1] }, { vr: 'IS', Value: [2] }]); // prettier-ignore
    expect(inStudy[0]).toMatchObject({
      '00080060': { Value: ['CT'] },
      '0008103E': {},
      '00201209': { Value: [2] },
      '00400244': { vr: 'DA' },
      '00400275': { vr: 'SQ' },
    });
    expect(inStudy[0]!['00081190']!.Value).toEqual([`${server.base}/studies/${studies.erika}/series/${series.ct}`]);
    expect(inStudy[0]).not.toHaveProperty('00100010');
    expect((await server.get('/series')).json()[0]).toHaveProperty('00100010');
    const instances = (await server.get(`/studies/${studies.erika}/series/${series.ct}/instances`)).json();
    expect(instances.map((match) => match['00200013']!.Value)).toEqual([[1], [2]]);
    expect(instances[0]).toMatchObject({
      '00080016': {},
      '00080018': {},
      '00080056': {},
      '00280010': { Value: [16] },
      '00280011': {},
      '00280100': {},
      '00280008': {},
    });
    expect(instances[0]).not.toHaveProperty('00080060');
    expect((await server.get(`/studies/${studies.erika}/instances`)).json()[0]).toHaveProperty('00080060');
    expect((await server.get('/instances')).json()[0]).toHaveProperty('00100010');
  });

  it('is an empty list with 200 when nothing matches', async () => {
    const reply = await server.get('/studies?PatientID=nobody');
    expect([reply.status, reply.body.toString(), reply.headers.get('x-total-count')]).toEqual([200, '[]', '0']);
  });

  it('pages in a stable order and links to the next page', async () => {
    const first = await server.get('/studies?limit=2&PatientName=*');
    expect(first.json()).toHaveLength(2);
    expect(first.headers.get('x-total-count')).toBe('3');
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link')!)![1]!;
    const second = await server.get(next);
    expect(second.headers.get('link')).toBeNull();
    expect([...first.json(), ...second.json()].map((match) => match['0020000D']!.Value![0])).toEqual([
      studies.erika,
      studies.mueller,
      studies.yamada,
    ]);
    expect((await server.get('/studies?offset=9')).json()).toEqual([]);
    expect((await server.get('/studies?limit=0')).headers.get('x-total-count')).toBe('3');
  });

  it('warns when a limit of the server cut it', async () => {
    const reply = await server.get('/studies?limit=999999');
    expect(reply.status).toBe(200);
    expect(reply.headers.get('warning')).toBeNull();
  });

  it('returns included fields, alone, in lists, nested, and all', async () => {
    const included = (
      await server.get(
        `/studies/${studies.mueller}/series?includefield=StudyDescription,00081032.00080100&includefield=PatientSex`,
      )
    ).json()[0]!;
    expect(included).toMatchObject({
      '00081030': { Value: ['Knee'] },
      '00100040': { Value: ['F'] },
      '00081032': { vr: 'SQ' },
    });
    const all = (await server.get(`/studies/${studies.erika}/instances?includefield=all`)).json()[0]!;
    expect(all).toHaveProperty('00180015');
    expect(all['7FE00010']!.BulkDataURI).toMatch(new RegExp(`^${server.base}/studies/.*/bulkdata/7FE00010$`));
  });
});

describe('matching', () => {
  it.each([
    ['PatientID=PID-1', ['erika']],
    ['00100020=PID-1', ['erika']],
    ['PatientID=pid-1', []],
    ['PatientID=PID*', ['erika', 'mueller', 'yamada']],
    ['PatientID=PID%3F1', ['erika']],
    ['PatientID=PID_2%25', ['mueller']],
    ['PatientID=%25', []],
    ['PatientName=m%C3%BCller%5Ejurgen', ['mueller']],
    ['PatientName=MUL*', ['mueller']],
    ['PatientName=*jurgen', ['mueller']],
    ['PatientName=muller', []],
    ['PatientName=Example%5EErika%5E%5E', ['erika']],
    ['PatientName=%E5%B1%B1%E7%94%B0*', ['yamada']],
    ['PatientName=*%E3%82%84%E3%81%BE*', ['yamada']],
    ['PatientName=Yamada*%3D%E5%B1%B1%E7%94%B0*', ['yamada']],
    ['PatientName=.*', []],
    ['PatientName=erika&fuzzymatching=true', ['erika']],
    ['PatientName=erik+examp&fuzzymatching=true', ['erika']],
    ['PatientName=rika&fuzzymatching=true', []],
    ['StudyDate=20260412', ['erika']],
    ['StudyDate=20250101-20251231', ['mueller']],
    ['StudyDate=-20251231', ['mueller']],
    ['StudyDate=20250102-', ['erika']],
    ['StudyTime=1015', ['erika', 'yamada']],
    ['StudyTime=2300-', ['mueller']],
    ['StudyDate=20241231-20250101&StudyTime=2300-2331', ['mueller']],
    ['StudyDate=20241231-20250101&StudyTime=2300-2329', []],
    ['ModalitiesInStudy=PR', ['erika']],
    ['ModalitiesInStudy=PR%5CMR', ['erika', 'yamada']],
    ['ModalitiesInStudy=M*', ['yamada']],
    ['Modality=MR', ['yamada']],
    ['NumberOfStudyRelatedInstances=3', ['erika']],
    ['InstanceAvailability=ONLINE&StudyDescription=Knee', ['mueller']],
    ['AccessionNumber=', ['erika', 'mueller', 'yamada']],
    ['AccessionNumber=&emptyvaluematching=true', ['yamada']],
    ['AccessionNumber=ACC-1%5CACC-2&multiplevaluematching=true', ['erika', 'mueller']],
    ['AccessionNumber=%22%22', ['yamada']],
    ['ProcedureCodeSequence.CodeValue=K1', ['mueller']],
    ['00081032.00080100=K%3F', ['mueller']],
    ['_dc=1234&PatientID=PID-3&', ['yamada']],
    ['patientid=PID-1&STUDYDATE=20260412', ['erika']],
    ['PatientName=Mu%CC%88ller*', ['mueller']],
    ['PatientName=%EF%BC%AD%EF%BD%95%EF%BD%8C*', ['mueller']],
    ['PatientName=Example%5E%EF%BC%8A', ['erika']],
    ['StudyDate=20260412&StudyTime=121530&TimezoneOffsetFromUTC=%2B0200', ['erika']],
    ['StudyDate=20260412&StudyTime=1215&TimezoneOffsetFromUTC=+0200', ['erika']],
    ['StudyDate=20260412&StudyTime=1015&TimezoneOffsetFromUTC=%2B0200', []],
    ['StudyDate=20260411-20260412&StudyTime=2310-0020&TimezoneOffsetFromUTC=-1000', ['erika']],
    ['StudyDate=20260412&TimezoneOffsetFromUTC=%2B0200', ['erika']],
  ] as const)('%s', async (query, names) => {
    expect((await found(query)).toSorted()).toEqual(names.map((name) => studies[name]).toSorted());
  });

  it('takes lists of UIDs with commas and backslashes', async () => {
    for (const separator of [',', '\\', '%5C'])
      expect(await found(`StudyInstanceUID=${studies.erika}${separator}${studies.mueller}`)).toEqual([
        studies.erika,
        studies.mueller,
      ]);
  });

  it('matches attributes of higher levels in series and instances, and of sequences', async () => {
    expect(await found('PatientID=PID-1&Modality=CT', '/series')).toEqual([series.ct]);
    expect(await found('RequestAttributesSequence.RequestedProcedureID=RP-7', '/series')).toEqual([series.sr]);
    expect(await found('RequestAttributesSequence.ScheduledProcedureStepID=nope', '/series')).toEqual([]);
    expect(await found('SeriesNumber=2', '/series')).toEqual([series.sr]);
    expect(await found('Modality=CT&InstanceNumber=2&BodyPartExamined=CHEST', '/instances')).toHaveLength(1);
  });

  it.each([
    'PatientNam=x', 'FFEEDDCC=1', 'PatientID.CodeValue=1', 'StudyDate=2026', 'StudyDate=20260101-20260201-20260301', 'StudyTime=2561',
    'StudyInstanceUID=../etc', 'StudyInstanceUID=1..2', 'InstanceNumber=one', 'limit=-1', 'limit=x', 'offset=1.5', 'fuzzymatching=maybe',
    'includefield=Nonsense', 'TimezoneOffsetFromUTC=x', 'StudyDate=20261301&StudyTime=10&TimezoneOffsetFromUTC=-0100', 'PatientName=a%00b', 'TransferSyntaxUID=1.2', 'PixelData=1', 'ProcedureCodeSequence=1',
  ])('refuses %s', async (query) => {
    const reply = await server.get(`/instances?${query}`);
    expect(reply.status).toBe(400);
    expect(reply.json<Record<string, unknown>>()).toMatchObject({ code: 'value', message: expect.any(String), requestId: expect.any(String) });
  }); // prettier-ignore

  it('says where patients are found instead', async () => {
    const reply = await server.get('/patients?PatientName=x');
    expect([reply.status, reply.json<{ message: string }>().message]).toEqual([404, expect.stringMatching(/search \/studies by PatientID/)]); // prettier-ignore
  });

  it('refuses what is no UID in the path', async () => {
    for (const path of [
      '/studies/..%2F..%2Fetc/series',
      '/studies/1.2.a/instances',
      '/studies/1.2/series/%00/instances',
    ])
      expect((await server.get(path)).status).toBe(400);
  });
});

describe('who may see it', () => {
  it('asks for a token, and for the right scope', async () => {
    const nobody = await server.get('/studies', { as: null });
    expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="csss"']);
    expect((await server.get('/studies', { as: 'unknown' })).headers.get('www-authenticate')).toContain(
      'invalid_token',
    );
    server.callers.set('observer', caller('system/Observation.rs', { kind: 'client' }));
    expect((await server.get('/studies', { as: 'observer' })).status).toBe(403);
  });

  it('shows a patient the own studies only, in lists and counts', async () => {
    const { patientId } = (await server.world.read((stores) => stores.studies.study(studies.mueller)))!;
    server.callers.set(
      'mueller',
      caller('patient/ImagingStudy.rs', {
        kind: 'user',
        role: 'patient',
        fhirUser: `Patient/${patientId}`,
        patient: patientId,
      }),
    );
    const reply = await server.get('/studies', { as: 'mueller' });
    expect(reply.json().map((match) => match['0020000D']!.Value![0])).toEqual([studies.mueller]);
    expect(reply.headers.get('x-total-count')).toBe('1');
    expect((await server.get(`/studies/${studies.erika}/instances`, { as: 'mueller' })).json()).toEqual([]);
    expect(
      (await server.get(`/studies?StudyInstanceUID=${studies.erika}`, { as: 'mueller' })).headers.get('x-total-count'),
    ).toBe('0');
  });

  it('shows a pharmacist nothing before a doctor has verified', async () => {
    server.callers.set(
      'pharmacist',
      caller('user/ImagingStudy.rs', { kind: 'user', role: 'pharmacist', fhirUser: 'Practitioner/p' }),
    );
    expect((await server.get('/studies', { as: 'pharmacist' })).json()).toEqual([]);
  });

  it('leaves a trail of who searched for what', async () => {
    await server.get('/studies?PatientID=PID-3');
    const [row] = await server.database.sql.query<Record<string, unknown>>(
      `select * from audit where event = 'dicomweb:search' order by seq desc limit 1`,
    );
    const { patientId } = (await server.world.read((stores) => stores.studies.study(studies.yamada)))!;
    expect(row).toMatchObject({
      action: 'E',
      outcome: 'success',
      patients: [patientId],
      entities: [`studies/${studies.yamada}`],
    });
    expect(Buffer.from(String(row!['query']), 'base64').toString()).toContain('PatientID=PID-3');
  });
});

describe('the order of studies', () => {
  it('is what orderby says, up and down, and is kept from page to page', async () => {
    const up = await found('orderby=PatientName');
    expect(up).toHaveLength(3);
    expect(await found('orderby=-PatientName')).toEqual(up.toReversed());
    expect([...(await found('orderby=PatientName&limit=2')), ...(await found('orderby=PatientName&limit=2&offset=2'))]).toEqual(up); // prettier-ignore
    expect((await server.get('/studies?orderby=PatientName&limit=2')).headers.get('link')).toContain('orderby=PatientName'); // prettier-ignore
    // What has no value comes last, whichever way.
    expect((await found('orderby=StudyDate')).at(-1)).toBe(studies.yamada);
    expect((await found('orderby=-00080020,PatientName')).at(-1)).toBe(studies.yamada);
  });
  it.each([
    ['/studies', 'orderby=PatientComments'],
    ['/studies', 'orderby=00100010%20desc'],
    ['/studies', 'orderby='],
    ['/studies', 'orderby=constructor'],
    ['/series', 'orderby=PatientName'],
    ['/studies', 'orderby=StudyDate,StudyDate,StudyDate,StudyDate,StudyDate'],
  ])('is refused where it is none: %s?%s', async (path, query) => {
    expect((await server.get(`${path}?${query}`)).status).toBe(path === '/studies' && query.includes('StudyDate,') ? 413 : 400); // prettier-ignore
  });
});

it('had no faults of its own', () => expect(server.faults).toEqual([]));

/** Last, for it adds a study. */
describe('names', () => {
  it('are found whose letters are written otherwise than they are asked for', async () => {
    const study = newUid();
    const name = Buffer.from('Ze\u0301no\u0308=\uff94\uff8f\uff80\uff9e'); // with marks apart, and in half-width katakana
    await server.store(imageFile({ study, patientId: 'NFKC', with: [['00100010', 'PN', name.length % 2 ? Buffer.concat([name, Buffer.from(' ')]) : name]] })); // prettier-ignore
    for (const asked of ['Zénö', 'zeno', '*ヤマダ', 'Z\u00e9no\u0308'])
      expect([asked, await found(`PatientID=NFKC&PatientName=${encodeURIComponent(asked)}`)]).toEqual([asked, [study]]);
  });
});

describe('a series that does not say its modality', () => {
  it.each([
    ['without the attribute', { without: ['00080060'] }],
    ['with nothing in it', { with: [['00080060', 'CS', '']] }],
    ['with spaces in it', { with: [['00080060', 'CS', '  ']] }],
  ] as const)('is listed as other, and found so: %s', async (_, options) => {
    const study = newUid();
    await server.store(imageFile({ study, ...options, patientId: `NO-MODALITY-${study.slice(-6)}` }));
    const [found] = (
      await server.get(`/studies?StudyInstanceUID=${study}&ModalitiesInStudy=OT&includefield=ModalitiesInStudy`)
    ).json();
    expect(found?.['00080061']?.Value).toEqual(['OT']);
    const [one] = (await server.get(`/studies/${study}/series?Modality=OT`)).json();
    expect(one?.['00080060']).toEqual({ vr: 'CS', Value: ['OT'] });
  });
});
