import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditEvent, ImagingStudy, Task } from '@medplum/fhirtypes';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller, eventually, type Caller } from '../../harness/calls.ts';
import { imageFile } from '../../harness/dicom-file.ts';
import { livePage } from '../../harness/live-page.ts';
import { startTestServer, type TestServer } from '../../harness/server.ts';
import { uploader, type Uploader } from '../../harness/uploads.ts';

// What a person uploads, from the first part to the review, and who may.
let server: TestServer;
const tokens = new Map<string, string>();
let patient: Uploader;
let doctor: Uploader;
let asPatient: Caller;
let asDoctor: Caller;
const pictureBytes = 300_000;

beforeAll(async () => {
  server = await startTestServer({
    environment: { STUDY_QUIET_SECONDS: '1', ANALYZE_ON_ARRIVAL: 'true', UPLOAD_PICTURE_BYTES: String(pictureBytes) },
  });
  for (const role of ['patient', 'doctor', 'pharmacist', 'admin'] as const)
    tokens.set(role, (await server.signIn(role)).access_token);
  [patient, doctor] = [uploader(server, tokens.get('patient')), uploader(server, tokens.get('doctor'))];
  [asPatient, asDoctor] = [caller(server, tokens.get('patient')), caller(server, tokens.get('doctor'))];
});
afterAll(() => server.stop());

let seed = 0;
/** A picture that is no other's. */
function picture(width = 200, height = 160): Sharp {
  const own = ++seed * 7919;
  const data = Uint8Array.from({ length: width * height }, (_, i) => ((i * 31) ^ (own >> (i % 13))) & 0xff);
  return sharp(data, { raw: { width, height, channels: 1 } });
}
const chest = { modality: 'DX', bodyPart: 'CHEST' };

test('a picture becomes an image of its patient, with an ImagingStudy and a review, seen by the patient and by clinical staff', async () => {
  const [stored] = await patient.bring([await picture().jpeg().toBuffer()], chest);
  expect(stored).toMatchObject({ state: 'stored', study: expect.any(String) as string });
  const study = await asPatient.json<ImagingStudy>(`/fhir/ImagingStudy/${stored!.study}`);
  expect(study).toMatchObject({
    status: 'available',
    subject: { reference: 'Patient/demo-patient-1' },
    numberOfInstances: 1,
    modality: [{ code: 'DX' }],
  });
  expect((await asDoctor.get(`/fhir/ImagingStudy/${stored!.study}`)).status).toBe(200);
  const review = await eventually(async () => {
    const tasks = await asPatient.search<Task>('Task?_sort=-_lastUpdated&_count=50');
    return tasks.find(({ input }) => JSON.stringify(input ?? []).includes(`ImagingStudy/${stored!.study}`));
  }, 'the review');
  expect(review.for?.reference).toBe('Patient/demo-patient-1');
  const uid = study.identifier![0]!.value!.replace('urn:oid:', '');
  const [found] = await asPatient.json<Record<string, { Value?: unknown[] }>[]>(
    `/dicomweb/studies?StudyInstanceUID=${uid}`,
  );
  expect(found?.['00100020']?.Value).toEqual(['DEMO-1001']);
});

test('JPG and PNG are known by what they are, whatever a browser calls them, and nothing else is taken', async () => {
  const jpeg = await picture().jpeg().toBuffer();
  const begun = await patient.begin(jpeg.length, 'application/pdf');
  expect((await patient.part(begun.headers.get('Location')!, jpeg)).status).toBe(204);
  const png = await picture().png().toBuffer();
  expect((await patient.bring([png], chest))[0]).toMatchObject({ state: 'stored' });
  const dib = Buffer.concat([Buffer.from('BM'), Buffer.alloc(400, 7)]);
  const others = [
    dib,
    await picture().webp().toBuffer(),
    await picture().gif().toBuffer(),
    await picture().tiff().toBuffer(),
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">${' '.repeat(200)}</svg>`),
    Buffer.from(`%PDF-1.7\n${' '.repeat(300)}`),
    Buffer.concat([Buffer.from('MZ'), Buffer.alloc(300)]),
    Buffer.from('short'),
  ];
  for (const bytes of others) {
    const renamed = await patient.begin(bytes.length, 'image/jpeg');
    const refused = await patient.part(renamed.headers.get('Location')!, bytes);
    expect(refused.status).toBe(415);
    expect(await refused.json()).toMatchObject({ resourceType: 'OperationOutcome' });
    // Nothing of it is kept.
    expect((await patient.offset(renamed.headers.get('Location')!)).status).toBe(404);
  }
  const { types } = await asPatient.json<{ types: { kind: string }[] }>('/portal/uploads/limits');
  expect(types.map(({ kind }) => kind)).toEqual(['jpeg', 'png', 'dicom', 'zip']);
});

test('the limit of a picture is what is configured: refused before the body is read, also where it was called something else', async () => {
  const limits = await asPatient.json<{ pictureBytes: number; fileBytes: number }>('/portal/uploads/limits');
  expect(limits.pictureBytes).toBe(pictureBytes);
  expect((await patient.begin(pictureBytes, 'image/png')).status).toBe(201);
  const refused = await patient.begin(pictureBytes + 1, 'image/png');
  expect(refused.status).toBe(413);
  expect(JSON.stringify(await refused.json())).toContain(String(pictureBytes));
  expect((await patient.begin(limits.fileBytes + 1)).status).toBe(413);
  const called = await patient.begin(pictureBytes + 1, 'application/dicom');
  expect(called.status).toBe(201);
  const jpeg = await picture().jpeg().toBuffer();
  expect((await patient.part(called.headers.get('Location')!, jpeg.subarray(0, 1000))).status).toBe(413);
});

test('who is not signed in gets a challenge, and a role without a part in it is refused', async () => {
  const nobody = await uploader(server, undefined).begin(1000);
  expect(nobody.status).toBe(401);
  expect(nobody.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
  expect((await uploader(server, tokens.get('pharmacist')).begin(1000)).status).toBe(403);
  expect((await uploader(server, await server.backend()).begin(1000)).status).toBe(403);
});

test("the patient is the token's: another one's id is refused, and staff choose one", async () => {
  const upload = await patient.whole(await picture().jpeg().toBuffer());
  const other = await patient.store({ files: [{ upload }], ...chest, patient: 'demo-patient-2' });
  expect(other.status).toBe(403);
  expect((await patient.store({ files: [{ upload }], ...chest, patient: 'nobody' })).status).toBe(403);
  const own = await patient.store({ files: [{ upload }], ...chest, patient: 'demo-patient-1' });
  expect(await own.json()).toMatchObject({ files: [{ state: 'stored' }] });
  const byDoctor = await doctor.whole(await picture().jpeg().toBuffer());
  const unsaid = await doctor.store({ files: [{ upload: byDoctor }], ...chest });
  expect(unsaid.status).toBe(400);
  const said = await doctor.store({ files: [{ upload: byDoctor }], ...chest, patient: 'demo-patient-2' });
  const { files } = (await said.json()) as { files: { study: string }[] };
  const study = await asDoctor.json<ImagingStudy>(`/fhir/ImagingStudy/${files[0]!.study}`);
  expect(study.subject.reference).toBe('Patient/demo-patient-2');
  expect((await asPatient.get(`/fhir/ImagingStudy/${files[0]!.study}`)).status).toBe(404);
  expect((await doctor.store({ files: [{ upload: byDoctor }], ...chest, patient: 'nobody' })).status).toBe(403);
});

test('the same request again, after a lost answer, gives the same answer; the same picture again is told as there already', async () => {
  const bytes = await picture().png().toBuffer();
  const upload = await patient.whole(bytes);
  const first = await (await patient.store({ files: [{ upload }], ...chest })).text();
  expect(first).toContain('"stored"');
  expect(await (await patient.store({ files: [{ upload }], ...chest })).text()).toBe(first);
  const [again] = await patient.bring([bytes], { modality: 'CT' });
  expect(again).toMatchObject({
    state: 'duplicate',
    study: (JSON.parse(first) as { files: { study: string }[] }).files[0]!.study,
  });
});

test('two requests for one upload at the same moment store one image and say the same', async () => {
  const upload = await patient.whole(await picture().png().toBuffer());
  const [one, other] = await Promise.all([1, 2].map(() => patient.store({ files: [{ upload }], ...chest })));
  const [first, second] = (await Promise.all([one!.json(), other!.json()])) as {
    files: { study: string; state: string }[];
  }[];
  expect(first!.files[0]).toMatchObject({ state: 'stored' });
  expect(second!.files[0]).toEqual(first!.files[0]);
  const study = await asPatient.json<ImagingStudy>(`/fhir/ImagingStudy/${first!.files[0]!.study}`);
  expect(study.numberOfInstances).toBe(1);
});

test('of several files each stands for itself: the others go on, and pictures of one request are one examination', async () => {
  const good = await Promise.all([picture(), picture()].map((one) => one.jpeg().toBuffer()));
  const broken = (await picture().jpeg().toBuffer()).subarray(0, 700);
  const files = await patient.bring([good[0]!, broken, good[1]!], { ...chest, takenOn: '2026-03-12', note: 'Cough' });
  expect(files.map(({ state, why }) => why ?? state)).toEqual(['stored', 'unreadable', 'stored']);
  expect(files[0]!.study).toBe(files[2]!.study);
  const study = await asPatient.json<ImagingStudy>(`/fhir/ImagingStudy/${files[0]!.study}`);
  expect(study).toMatchObject({ numberOfInstances: 2, started: '2026-03-12', note: [{ text: 'Cough' }] });
});

test('a picture of which nobody says what it shows waits for that word, and is not lost', async () => {
  const upload = await patient.whole(await picture().png().toBuffer());
  const unsaid = await patient.store({ files: [{ upload }] });
  expect(await unsaid.json()).toMatchObject({ files: [{ state: 'refused', why: 'what-it-shows' }] });
  expect(await (await patient.store({ files: [{ upload }], modality: 'MR' })).json()).toMatchObject({
    files: [{ state: 'stored' }],
  });
  for (const wrong of [
    { modality: 'US' },
    { ...chest, takenOn: '2099-01-01' },
    { ...chest, takenOn: 'today' },
    { ...chest, name: 'x.jpg' },
  ])
    expect((await patient.store({ files: [{ upload }], ...wrong })).status).toBe(400);
});

test.each(['CT', 'MR'])(
  'what the model does not serve (%s) is read by people, and its AI task ends with a coded reason',
  async (modality) => {
    const [stored] = await patient.bring([await picture().png().toBuffer()], { modality, bodyPart: 'ABDOMEN' });
    const task = await eventually(async () => {
      const [found] = await asDoctor.search<Task>(
        `Task?focus=ImagingStudy/${stored!.study}&code=https://csss.example/fhir/CodeSystem/review-step|ai-inference`,
      );
      return found?.status === 'cancelled' && found;
    }, 'the end of the AI task');
    expect(JSON.stringify(task.statusReason)).toContain('unsupported');
    await eventually(async () => {
      const [reading] = await asDoctor.search<Task>(
        `Task?focus=ImagingStudy/${stored!.study}&code=https://csss.example/fhir/CodeSystem/review-step|physician-verification`,
      );
      return reading?.status === 'requested';
    }, 'the step of the reader');
    const { series } = await asDoctor.json<ImagingStudy>(`/fhir/ImagingStudy/${stored!.study}`);
    expect(series).toHaveLength(1);
  },
);

test("a doctor's open page hears of an upload at once", async () => {
  const page = await livePage(server, tokens.get('doctor')!);
  const upload = await patient.whole(await picture().png().toBuffer());
  const stored = patient
    .store({ files: [{ upload }], ...chest })
    .then((answer) => answer.json().then(() => performance.now()));
  await page.until(({ topics }) => topics?.includes('uploads') === true, 'the news of the upload');
  const heard = performance.now();
  expect(heard - (await stored)).toBeLessThan(1000);
  page.close();
});

test('nothing about the person is in names on the disk, and the trail says who stored what', async () => {
  const [stored] = await patient.bring([
    imageFile({
      patientId: 'DEMO-1001',
      patientName: 'Rao^Arjun',
      with: [
        ['00100021', 'LO', 'CSSS-DEMO'],
        ['00100030', 'DA', '19850412'],
      ],
    }),
  ]);
  expect(stored).toMatchObject({ state: 'stored' });
  const names = await readdir(server.dataDir, { recursive: true });
  expect(names.filter((name) => /rao|arjun|demo|chest|1001/i.test(name.slice(name.indexOf('uploads'))))).toEqual([]);
  const infos = (await readdir(join(server.dataDir, 'uploads'))).filter(
    (name) => !/^[0-9a-f]{24}-[0-9a-z]+-[0-9a-f-]{36}(\.\w+)?$/.test(name),
  );
  expect(infos).toEqual([]);
  const admin = caller(server, tokens.get('admin'));
  const trail = await admin.search<AuditEvent>(
    'AuditEvent?patient=Patient/demo-patient-1&_count=50&_sort=-_lastUpdated',
  );
  expect(JSON.stringify(trail)).toContain('portal:upload');
});
