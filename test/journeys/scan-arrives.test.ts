import type { ImagingStudy, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { caller, reviewStep, type Caller } from '../harness/calls.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let pacs: Caller;
let doctor: Caller;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  pacs = caller(server, await server.backend());
  doctor = caller(server, (await server.signIn('doctor')).access_token);
});
afterAll(() => server.stop());

interface StoreAnswer {
  [tag: string]: { vr: string; Value?: Record<string, { Value?: unknown[] }>[] };
}

async function studyOf(uid: string): Promise<ImagingStudy[]> {
  return doctor.search<ImagingStudy>(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${uid}`);
}

test('a study sent by STOW-RS is found by QIDO-RS, comes back byte for byte, and is an ImagingStudy with a review Task', async () => {
  const [study, series] = [newUid(), newUid()];
  const files = [1, 2, 3].map((number) =>
    imageFile({ study, series, instance: newUid(), number, patientId: 'MRN-1', patientName: 'Müller^Ana' }),
  );
  const stored = await pacs.store(files);
  expect(stored.status).toBe(200);
  const answer = (await stored.json()) as StoreAnswer;
  expect(answer['00081199']!.Value).toHaveLength(3);
  expect(answer['00081198']).toBeUndefined();

  const found = await doctor.json<Record<string, { Value?: unknown[] }>[]>(
    `/dicomweb/studies?StudyInstanceUID=${study}`,
  );
  expect(found).toHaveLength(1);
  expect(found[0]!['00201208']!.Value).toEqual([3]);

  for (const file of files) {
    const uid = /2\.25\.\d+/.exec(
      file.subarray(file.indexOf('\x08\x00\x18\x00UI', 0, 'latin1') + 8).toString('latin1'),
    )![0];
    const back = await doctor.get(`/dicomweb/studies/${study}/series/${series}/instances/${uid}`, {
      Accept: 'application/dicom; transfer-syntax=*',
    });
    expect(back.status).toBe(200);
    expect(Buffer.compare(Buffer.from(await back.arrayBuffer()), file)).toBe(0);
  }

  const [imaging] = await studyOf(study);
  expect(imaging).toMatchObject({ status: 'available', numberOfInstances: 3, meta: { versionId: '1' } });
  const tasks = await doctor.search<Task>(`Task?focus=ImagingStudy/${imaging!.id}`);
  expect(tasks.map((task) => task.code?.coding?.[0]?.code)).toContain('ai-inference');
});

test('the same bytes again are success and change nothing', async () => {
  const study = newUid();
  const file = imageFile({ study });
  expect((await pacs.store([file])).status).toBe(200);
  const [before] = await studyOf(study);
  expect((await pacs.store([file])).status).toBe(200);
  const [after] = await studyOf(study);
  expect(after!.meta).toEqual(before!.meta);
});

test('other content under a stored UID is refused, and the stored one stays', async () => {
  const [study, series, instance] = [newUid(), newUid(), newUid()];
  const first = imageFile({ study, series, instance, columns: 16 });
  expect((await pacs.store([first])).status).toBe(200);
  const second = await pacs.store([imageFile({ study, series, instance, columns: 32 })]);
  expect(second.status).toBe(409);
  expect(((await second.json()) as StoreAnswer)['00081198']!.Value).toHaveLength(1);
  const back = await doctor.get(`/dicomweb/studies/${study}/series/${series}/instances/${instance}`, {
    Accept: 'application/dicom; transfer-syntax=*',
  });
  expect(Buffer.compare(Buffer.from(await back.arrayBuffer()), first)).toBe(0);
});

test('a good file among bad ones is stored, the bad ones are named with their reasons', async () => {
  const good = imageFile({ study: newUid() });
  const bad = [
    Buffer.from('this is no DICOM'),
    good.subarray(0, good.length - 40),
    imageFile({ study: '../../etc/passwd' }),
    imageFile({ study: '1.2.3\0.4' }),
  ];
  const answer = await pacs.store([good, ...bad]);
  expect(answer.status).toBe(202);
  const body = (await answer.json()) as StoreAnswer;
  const failures = (body['00081198']?.Value?.length ?? 0) + (body['0008119A']?.Value?.length ?? 0);
  expect([body['00081199']!.Value!.length, failures]).toEqual([1, 4]);
});

test('nothing but bad files is a conflict that stores nothing, and the next good request works', async () => {
  const answer = await pacs.store([Buffer.from('no'), Buffer.alloc(200)]);
  expect(answer.status).toBe(409);
  expect((await pacs.store([imageFile()])).status).toBe(200);
});

test('a patient may not send images for anybody', async () => {
  const patient = caller(server, (await server.signIn('patient')).access_token);
  expect((await patient.store([imageFile()])).status).toBe(403);
});

test('several studies in one request each get their ImagingStudy, one version each', async () => {
  const studies = [newUid(), newUid()];
  const files = studies.flatMap((study) => [1, 2].map((number) => imageFile({ study, number, patientId: 'MRN-2' })));
  expect((await pacs.store(files)).status).toBe(200);
  for (const uid of studies) {
    const found = await studyOf(uid);
    expect(found).toHaveLength(1);
    expect(found[0]!.meta!.versionId).toBe('1');
  }
});

test('a film with the number of a known patient belongs to that patient, who sees it', async () => {
  const study = newUid();
  const film = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: study, accession: 'ACC-77', description: 'Chest', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await pacs.store([film])).status).toBe(200);
  const patient = caller(server, (await server.signIn('patient')).access_token);
  const mine = await patient.search<ImagingStudy>('ImagingStudy');
  expect(mine.map((one) => one.subject!.reference)).toContain('Patient/demo-patient-1');
  expect(mine.every((one) => one.subject!.reference === 'Patient/demo-patient-1')).toBe(true);
  const theirs = await patient.json<unknown[]>('/dicomweb/studies');
  expect(theirs).toHaveLength(1);
});

test('the review of a study names its step and its patient', async () => {
  const [task] = await doctor.search<Task>(`Task?code=${reviewStep}|physician-verification&_count=1`);
  expect(task).toMatchObject({
    status: 'requested',
    for: { reference: expect.stringMatching(/^Patient\//) as unknown },
  });
});
