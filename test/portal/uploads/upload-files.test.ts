import sharp from 'sharp';
import type { Bundle, ImagingStudy, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller, eventually, type Caller } from '../../harness/calls.ts';
import { imageFile, newUid, syntaxes, type Element, type ImageOptions } from '../../harness/dicom-file.ts';
import { note } from '../../dicomweb/removal-world.ts';
import { startTestServer, type TestServer } from '../../harness/server.ts';
import { uploader, zipOf, type Uploader } from '../../harness/uploads.ts';

// DICOM files and archives: stored as they are, if they are of the patient they are brought for.
let server: TestServer;
let patient: Uploader;
let doctor: Uploader;
let asPatient: Caller;
let asDoctor: Caller;
let pacs: Caller;
beforeAll(async () => {
  server = await startTestServer({ environment: { UPLOAD_ARCHIVE_FILES: '40', UPLOAD_ARCHIVE_BYTES: '40000000' } });
  const [own, staff] = [await server.signIn('patient'), await server.signIn('doctor')];
  patient = uploader(server, own.access_token);
  doctor = uploader(server, staff.access_token);
  asPatient = caller(server, own.access_token);
  asDoctor = caller(server, staff.access_token);
  pacs = caller(server, await server.backend());
});
afterAll(() => server.stop());

const born = (day: string): Element => ['00100030', 'DA', day];
/** Of the patient who is signed in. */
const own = (more: ImageOptions = {}) =>
  imageFile({ patientId: 'DEMO-1001', patientName: 'Rao^Arjun', ...more, with: [['00100021', 'LO', 'CSSS-DEMO'], born('19850412'), ...(more.with ?? [])] }); // prettier-ignore
const outcomeOf = ({ state, why }: { state: string; why?: string }) => why ?? state;

async function wado(who: Caller, study: string, series: string, instance: string): Promise<Buffer> {
  const answer = await who.get(`/dicomweb/studies/${study}/series/${series}/instances/${instance}`, {
    Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
  });
  return Buffer.from(await answer.arrayBuffer());
}

test('a DICOM file is found by QIDO and comes back with the same bytes', async () => {
  const [study, series, instance] = [newUid(), newUid(), newUid()];
  const bytes = own({ study, series, instance });
  expect((await patient.bring([bytes])).map(outcomeOf)).toEqual(['stored']);
  const found = await asPatient.json<unknown[]>(`/dicomweb/studies?StudyInstanceUID=${study}`);
  expect(found).toHaveLength(1);
  expect((await wado(asPatient, study, series, instance)).includes(bytes)).toBe(true);
  expect((await patient.bring([bytes])).map(outcomeOf)).toEqual(['duplicate']);
});

test('several files of a folder are one study with one review; a table of contents is passed over', async () => {
  const [study, series] = [newUid(), newUid()];
  const slices = [1, 2, 3, 4].map((number) => own({ study, series, number }));
  const dicomdir = imageFile({ with: [['00080016', 'UI', '1.2.840.10008.1.3.10']] });
  const files = await patient.bring([...slices, dicomdir]);
  expect(files.map(outcomeOf)).toEqual(['stored', 'stored', 'stored', 'stored', 'skipped']);
  const record = await asPatient.json<ImagingStudy>(`/fhir/ImagingStudy/${files[0]!.study}`);
  expect([record.numberOfInstances, record.meta?.versionId]).toEqual([4, '1']);
});

test('of an archive the images are stored and the program that came with them is left out', async () => {
  const [study, series] = [newUid(), newUid()];
  const slices = [1, 2, 3].map((number) => ({ name: `DICOM/IM${number}`, bytes: own({ study, series, number }) }));
  const logo = await sharp({ create: { width: 20, height: 20, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const broken = own({ study, series, number: 9 }).subarray(0, 600);
  const archive = zipOf([
    { name: 'DICOMDIR', bytes: imageFile({ with: [['00080016', 'UI', '1.2.840.10008.1.3.10']] }) },
    ...slices,
    { name: 'DICOM/BROKEN', bytes: broken },
    { name: 'VIEWER/', bytes: Buffer.alloc(0), stored: true },
    { name: 'VIEWER/viewer.exe', bytes: Buffer.concat([Buffer.from('MZ'), Buffer.alloc(5000)]) },
    { name: 'VIEWER/logo.png', bytes: logo },
    { name: 'readme.txt', bytes: Buffer.from('Start viewer.exe'), stored: true },
  ]);
  const [outcome] = await patient.bring([archive]);
  expect(outcome).toMatchObject({ state: 'stored', contents: { stored: 3, skipped: 1, refused: 1, leftOut: 3 } });
  const record = await asPatient.json<ImagingStudy>(`/fhir/ImagingStudy/${outcome!.study}`);
  expect(record.numberOfInstances).toBe(3);
  expect((await patient.bring([archive]))[0]).toMatchObject({ state: 'duplicate', contents: { duplicate: 3 } });
});

test('an archive of pictures is pictures', async () => {
  const pictures = await Promise.all([40, 41].map((width) => sharp({ create: { width, height: 30, channels: 3, background: 'white' } }).jpeg().toBuffer())); // prettier-ignore
  const archive = zipOf(pictures.map((bytes, i) => ({ name: `photo ${i}.jpg`, bytes })));
  const [outcome] = await patient.bring([archive], { modality: 'OT' });
  expect(outcome).toMatchObject({ state: 'stored', contents: { stored: 2, leftOut: 0 } });
});

test('the same picture twice in an archive is one image, and stops nothing', async () => {
  const [same, other] = await Promise.all([50, 51].map((width) => sharp({ create: { width, height: 30, channels: 3, background: 'white' } }).png().toBuffer())); // prettier-ignore
  const archive = zipOf(['a', 'b', 'c'].map((name) => ({ name: `${name}.png`, bytes: name === 'c' ? other! : same! })));
  const [outcome] = await patient.bring([archive], { modality: 'OT' });
  expect(outcome).toMatchObject({ state: 'stored', contents: { stored: 2, duplicate: 1, leftOut: 0 } });
});

test('pictures that are small in an archive and large as images are decoded until its limit, and no further', async () => {
  const shades = ['#110000', '#001100', '#000011', '#111100', '#001111', '#110011'];
  const pictures = await Promise.all(shades.map((background) => sharp({ create: { width: 2000, height: 2000, channels: 3, background } }).png().toBuffer())); // prettier-ignore
  const archive = zipOf(pictures.map((bytes, i) => ({ name: `${i}.png`, bytes })));
  expect(archive.length).toBeLessThan(500_000);
  // 12 MB each, of 40 MB.
  const [outcome] = await patient.bring([archive], { modality: 'OT' });
  expect(outcome).toMatchObject({ state: 'stored', contents: { stored: 4, refused: 2, leftOut: 0 } });
});

test('an archive that is hostile, locked or damaged is refused in one word, and nothing of it is stored', async () => {
  const image = own();
  const cases: [string, Buffer, string][] = [
    ['of a path that leads out', zipOf([{ name: '../../etc/cron.d/x', bytes: image }]), 'archive-paths'],
    ['of an absolute path', zipOf([{ name: '/etc/passwd', bytes: image }]), 'archive-paths'],
    ['of a path as Windows has it', zipOf([{ name: 'C:\\x', bytes: image }]), 'archive-paths'],
    ['with a password', zipOf([{ name: 'a', bytes: image, flags: 1 }]), 'locked'],
    ['of too many files', zipOf(Array.from({ length: 41 }, (_, i) => ({ name: `${i}`, bytes: Buffer.from('x') }))), 'archive-too-large'], // prettier-ignore
    ['that becomes too large', zipOf([{ name: 'a', bytes: Buffer.alloc(41_000_000) }]), 'archive-too-large'],
    ['that says it is small', zipOf([{ name: 'a', bytes: Buffer.concat([image, Buffer.alloc(45_000_000)]), claims: { size: 2000 } }]), 'unreadable'], // prettier-ignore
    ['with another checksum', zipOf([{ name: 'a', bytes: image, claims: { crc: 1 } }]), 'unreadable'],
    ['that is cut off', zipOf([{ name: 'a', bytes: image }]).subarray(0, -30), 'unreadable'],
    ['of an archive', zipOf([{ name: 'a.zip', bytes: zipOf([{ name: 'a', bytes: image }]) }]), 'archive-in-archive'],
    ['of nothing', zipOf([{ name: 'a.txt', bytes: Buffer.from('nothing') }]), 'archive-empty'],
  ];
  for (const [what, bytes, why] of cases)
    expect(outcomeOf((await patient.bring([bytes]))[0]!), `an archive ${what}`).toBe(why);
});

test('a file that is two things at once is refused at its first part', async () => {
  const image = own();
  const jpeg = Buffer.from(image);
  jpeg.write('ffd8ffe0', 0, 'hex');
  const program = Buffer.from(image);
  program.write('MZ', 0, 'latin1');
  const page = Buffer.from(image);
  page.write('<script>', 0, 'latin1');
  for (const bytes of [jpeg, program, page]) {
    const begun = await patient.begin(bytes.length);
    expect((await patient.part(begun.headers.get('Location')!, bytes)).status).toBe(415);
  }
  const slide = Buffer.from(image);
  slide.write('II*\0', 0, 'latin1');
  expect((await patient.bring([slide])).map(outcomeOf)).toEqual(['stored']);
});

test('broken and foreign kinds of DICOM are refused in plain words, each by itself', async () => {
  const files = [
    own().subarray(0, 500),
    own({ without: ['00080018'] }),
    own({ with: [['0020000D', 'UI', 'not a uid']] }),
    own({ meta: [['00020010', 'UI', '1.2.3.4']] }),
    own({ transferSyntax: syntaxes.deflated }),
  ];
  expect((await patient.bring(files)).map(outcomeOf)).toEqual(['unreadable', 'unreadable', 'unreadable', 'not-supported', 'stored']);
}); // prettier-ignore

test('a patient brings what is their own by number and birth date; what names somebody else is refused and says nothing of them', async () => {
  const others = [
    own({ patientId: 'DEMO-1002' }),
    own({ patientId: 'ELSEWHERE-7' }),
    own({ with: [born('19991231')] }),
    imageFile({ patientName: 'Okafor^Daniel', without: ['00100020'], with: [born('19850412')] }),
    imageFile({ patientName: 'Rao^Arjun', without: ['00100020'], with: [born('19750930')] }),
  ];
  const refused = await patient.bring(others);
  expect(refused.map(outcomeOf)).toEqual(others.map(() => 'other-patient'));
  expect(JSON.stringify(refused)).not.toMatch(/Okafor|DEMO|ask|says/);
  const fine = [
    own({ patientName: 'Rao^Another' }), // the number says more
    imageFile({ patientName: 'RAO^ARJUN^K', without: ['00100020'], with: [born('19850412')] }),
    imageFile({ without: ['00100010', '00100020', '00100030'] }),
  ];
  expect((await patient.bring(fine)).map(outcomeOf)).toEqual(['stored', 'stored', 'stored']);
});

test('staff are asked about a number that nobody has, and what they stand for shows the patient they chose', async () => {
  const [study, series, instance] = [newUid(), newUid(), newUid()];
  const bytes = imageFile({ study, series, instance, patientId: 'ELSEWHERE-8', patientName: 'Rao^A', with: [born('19850412')] }); // prettier-ignore
  const upload = await doctor.whole(bytes);
  const forArjun = { patient: 'demo-patient-1' };
  const asked = (await (await doctor.store({ files: [{ upload }], ...forArjun })).json()) as { files: Record<string, unknown>[] }; // prettier-ignore
  expect(asked.files[0]).toMatchObject({ state: 'refused', why: 'other-patient', ask: true });
  expect(JSON.stringify(asked.files[0]!.says)).toContain('ELSEWHERE-8');
  const agreed = await doctor.store({ files: [{ upload, confirmed: true }], ...forArjun });
  expect(await agreed.json()).toMatchObject({ files: [{ state: 'stored' }] });
  const [found] = await asPatient.json<Record<string, { Value?: unknown[] }>[]>(`/dicomweb/studies?StudyInstanceUID=${study}`); // prettier-ignore
  expect(found?.['00100020']?.Value).toEqual(['DEMO-1001']);
  // The stored bytes are those that came; what is given out says whose they are, as for every coerced study.
  expect((await wado(asDoctor, study, series, instance)).includes('DEMO-1001')).toBe(true);
});

test('a rejection note among images of a CD takes no image away, whoever uploads it', async () => {
  const [study, series, instance] = [newUid(), newUid(), newUid()];
  await pacs.store([own({ study, series, instance })]);
  const arjun: Element[] = [['00100010', 'PN', 'Rao^Arjun'], ['00100021', 'LO', 'CSSS-DEMO'], born('19850412')];
  const rejects = note('113037', { [study]: [instance] }, { study: newUid(), patientId: 'DEMO-1001', with: arjun });
  const archive = zipOf([rejects, own()].map((bytes, i) => ({ name: `${i}.dcm`, bytes })));
  const [outcome] = await doctor.bring([archive], { patient: 'demo-patient-1' });
  expect(outcome).toMatchObject({ state: 'stored', contents: { stored: 1, refused: 1 } });
  expect(outcome).not.toHaveProperty('ask');
  expect((await doctor.bring([rejects], { patient: 'demo-patient-1' })).map(outcomeOf)).toEqual(['rejection-note']);
  expect((await patient.bring([rejects])).map(outcomeOf)).toEqual(['rejection-note']);
  expect(await asDoctor.json<unknown[]>(`/dicomweb/studies/${study}/instances`)).toHaveLength(1);
});

test('a patient cannot confirm what staff can', async () => {
  const upload = await patient.whole(own({ patientId: 'ELSEWHERE-9' }));
  const tried = await patient.store({ files: [{ upload, confirmed: true }] });
  expect(await tried.json()).toMatchObject({ files: [{ state: 'refused', why: 'other-patient' }] });
});

test('what staff stand for although it is the number of another patient here waits for an administrator', async () => {
  const study = newUid();
  const upload = await doctor.whole(own({ study, patientId: 'DEMO-1002', patientName: 'Okafor^Daniel', with: [born('19750930')] })); // prettier-ignore
  const kept = await doctor.store({ files: [{ upload, confirmed: true }], patient: 'demo-patient-1' });
  expect(await kept.json()).toMatchObject({ files: [{ state: 'held' }] });
  expect(await asDoctor.json<unknown[]>(`/dicomweb/studies?StudyInstanceUID=${study}`)).toEqual([]);
  const question = await eventually(async () => {
    const { entry = [] } = await asDoctor.json<Bundle<Task>>('/fhir/Task?_sort=-_lastUpdated&_count=20');
    return entry.find(({ resource }) => JSON.stringify(resource).includes(study))?.resource;
  }, 'the question whose it is');
  expect(JSON.stringify(question)).toContain('demo-patient-1');
});

test("a patient adds to what they brought, never to the clinic's own study; an image that is there already is told as that", async () => {
  const [study, series] = [newUid(), newUid()];
  const standing = own({ study, series });
  expect((await pacs.store([standing])).status).toBe(200);
  expect((await patient.bring([own({ study, series })])).map(outcomeOf)).toEqual(['other-study']);
  expect((await patient.bring([standing])).map(outcomeOf)).toEqual(['duplicate']);
  const [another, theirs] = [newUid(), newUid()];
  expect((await patient.bring([own({ study: another, series: theirs })])).map(outcomeOf)).toEqual(['stored']);
  expect((await patient.bring([own({ study: another, series: theirs })])).map(outcomeOf)).toEqual(['stored']);
  expect((await doctor.bring([own({ study, series })], { patient: 'demo-patient-1' })).map(outcomeOf)).toEqual(['stored']);
}); // prettier-ignore

test('another image under a number that is taken is refused, and asks nobody a question', async () => {
  const names = { study: newUid(), series: newUid(), instance: newUid() };
  expect((await patient.bring([own(names)])).map(outcomeOf)).toEqual(['stored']);
  expect((await patient.bring([own({ ...names, rows: 20 })])).map(outcomeOf)).toEqual(['other-content']);
});

test("an image of a study that is another patient's is refused to a patient, whatever it says", async () => {
  const study = newUid();
  const theirs = imageFile({ study, patientId: 'DEMO-1002', patientName: 'Okafor^Daniel', with: [['00100021', 'LO', 'CSSS-DEMO'], born('19750930')] }); // prettier-ignore
  expect((await pacs.store([theirs])).status).toBe(200);
  const [refused] = await patient.bring([own({ study })]);
  expect(refused).toMatchObject({ state: 'refused' });
  expect(refused!.study).toBeUndefined();
});
