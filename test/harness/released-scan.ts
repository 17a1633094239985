import type { ImagingStudy, Task } from '@medplum/fhirtypes';
import { expect } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { caller, completeStep, eventually, openStep, reviewData, reviewStatus, scanFinding, type Caller } from './calls.ts'; // prettier-ignore
import { newUid } from './dicom-file.ts';
import type { TestServer } from './server.ts';

export type Crew = Record<'patient' | 'doctor' | 'pharmacist' | 'admin' | 'pacs', Caller>;

/** The four people of the demo and a system that sends images. */
export async function crewOf(server: TestServer): Promise<Crew> {
  const role = async (name: 'patient' | 'doctor' | 'pharmacist' | 'admin') =>
    caller(server, (await server.signIn(name)).access_token);
  return {
    patient: await role('patient'),
    doctor: await role('doctor'),
    pharmacist: await role('pharmacist'),
    admin: await role('admin'),
    pacs: caller(server, await server.backend()),
  };
}

export interface Scan {
  uid: string;
  studyId: string;
  review: string;
}

/** A scan of the demo's patient that waits for its analysis. */
export async function arrivedScan(who: Crew, accession: string): Promise<Scan> {
  const uid = newUid();
  const film = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: uid, accession, description: 'Chest PA', studyDate: '20260312', studyTime: '101500',
  }); // prettier-ignore
  expect((await who.pacs.store([film])).status).toBe(200);
  const [study] = await who.doctor.search<ImagingStudy>(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${uid}`);
  const review = await eventually(async () => {
    const found = await who.doctor.search<Task>(`Task?focus:missing=false&patient=Patient/demo-patient-1&_count=100`);
    return found.find(
      ({ businessStatus, input }) =>
        businessStatus &&
        input?.some(({ valueReference }) => valueReference?.reference === `ImagingStudy/${study!.id}`),
    );
  }, 'a review');
  return { uid, studyId: study!.id!, review: review.id! };
}

/** A doctor reads it without the AI. */
export async function readScan(who: Crew, { studyId }: Scan, words = 'Heart and lungs are normal.'): Promise<void> {
  const inference = await openStep(who.doctor, 'ai-inference', studyId);
  const without = [
    { op: 'replace', path: '/status', value: 'cancelled' },
    { op: 'add', path: '/statusReason', value: { text: 'read by eye' } },
  ];
  expect((await who.doctor.patchTask(inference, without)).status).toBe(200);
  const step = await openStep(who.doctor, 'physician-verification', studyId);
  expect((await completeStep(who.doctor, step, readingOf(words))).status).toBe(200);
}

export const readingOf = (words: string): object[] => [
  { op: 'add', path: '/note', value: [{ text: words }] },
  { op: 'add', path: '/output', value: [output('conclusion', { valueCodeableConcept: { coding: [{ system: scanFinding, code: 'Normal' }] } })] },
]; // prettier-ignore

export async function prescribeNothing(who: Crew, { studyId }: Scan): Promise<void> {
  const step = await openStep(who.pharmacist, 'pharmacist-review', studyId);
  const none = output('medication', {
    valueCodeableConcept: { coding: [{ system: reviewData, code: 'none-needed' }] },
  });
  const operations = [
    { op: 'add', path: '/note', value: [{ text: 'No medication.' }] },
    { op: 'add', path: '/output', value: [none] },
  ];
  expect((await completeStep(who.pharmacist, step, operations)).status).toBe(200);
}

export async function releaseScan(who: Crew, { studyId, review }: Scan): Promise<void> {
  const step = await openStep(who.admin, 'release-approval', studyId);
  expect((await completeStep(who.admin, step, [])).status).toBe(200);
  await eventually(async () => {
    const [task] = await who.admin.search<Task>(`Task?_id=${review}&business-status=${reviewStatus}|REPORT_READY`);
    return task;
  }, 'the release');
}

/** From its arrival to the released report. */
export async function releasedScan(who: Crew, accession: string): Promise<Scan> {
  const scan = await arrivedScan(who, accession);
  await readScan(who, scan);
  await prescribeNothing(who, scan);
  await releaseScan(who, scan);
  return scan;
}

function output(code: string, value: object): object {
  return { type: { coding: [{ system: reviewData, code }] }, ...value };
}
