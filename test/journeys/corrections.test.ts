import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiagnosticReport, DocumentReference, ImagingStudy, Observation, OperationOutcome, Provenance, Task } from '@medplum/fhirtypes'; // prettier-ignore
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { caller, completeStep, eventually, openStep, reviewData, scanFinding, type Caller } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// A released report is added to, corrected and withdrawn by plain FHIR, with the real model, printer and mail.
let server: TestServer;
let who: Record<'patient' | 'doctor' | 'pharmacist' | 'admin' | 'pacs', Caller>;

beforeAll(async () => {
  server = await startTestServer();
  const role = async (name: 'patient' | 'doctor' | 'pharmacist' | 'admin') =>
    caller(server, (await server.signIn(name)).access_token);
  who = {
    patient: await role('patient'),
    doctor: await role('doctor'),
    pharmacist: await role('pharmacist'),
    admin: await role('admin'),
    pacs: caller(server, await server.backend()),
  };
});
afterAll(() => server.stop());

async function film(): Promise<ImagingStudy> {
  const studyUID = newUid();
  const bytes = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID, accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await who.pacs.store([bytes])).status).toBe(200);
  return (await who.doctor.search<ImagingStudy>(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${studyUID}`))[0]!;
}

const output = (code: string, value: object) => ({ type: { coding: [{ system: reviewData, code }] }, ...value });
const conclusion = (code: string) =>
  output('conclusion', { valueCodeableConcept: { coding: [{ system: scanFinding, code }] } });
const noneNeeded = output('medication', { valueCodeableConcept: { coding: [{ system: reviewData, code: 'none-needed' }] } }); // prettier-ignore
const confirmed = output('discordance-confirmed', { valueBoolean: true });

async function finish(
  by: Caller,
  code: string,
  study: ImagingStudy,
  text: string | undefined,
  outputs: object[],
): Promise<Response> {
  const step = await openStep(by, code, study.id!);
  const operations = [
    ...(text === undefined || step.note ? [] : [{ op: 'add', path: '/note', value: [{ text }] }]),
    ...(outputs.length === 0 ? [] : step.output ? outputs.map((value) => ({ op: 'add', path: '/output/-', value })) : [{ op: 'add', path: '/output', value: outputs }]),
  ]; // prettier-ignore
  if (step.status === 'in-progress')
    return by.patchTask(step, [...operations, { op: 'replace', path: '/status', value: 'completed' }]);
  return completeStep(by, step, operations);
}

async function ok(answer: Promise<Response>): Promise<void> {
  const { status } = await answer;
  expect(status === 200 ? 200 : [status, await (await answer).text()]).toBe(200);
}

async function diagnostics(answer: Response): Promise<string> {
  return ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics!;
}

const coordinationOf = async (study: ImagingStudy): Promise<Task> =>
  (await who.admin.search<Task>(`Task?identifier=${study.identifier![0]!.system}|${study.identifier![0]!.value}&part-of:missing=true`))[0]!; // prettier-ignore

const act = (by: Caller, task: Task, name: string, parameters: Record<string, string>): Promise<Response> =>
  by.send('POST', `/fhir/Task/${task.id}/$${name}`, {
    resourceType: 'Parameters',
    parameter: Object.entries(parameters).map(([key, value]) =>
      key === 'kind' ? { name: key, valueCode: value } : { name: key, valueString: value },
    ),
  });

/** The report as a caller sees it, when it has that status. */
const reportIs = (by: Caller, study: ImagingStudy, status: string): Promise<DiagnosticReport> =>
  eventually(async () => {
    const [found] = await by
      .search<DiagnosticReport>('DiagnosticReport?_sort=-_lastUpdated&_count=50')
      .then((all) => all.filter(({ imagingStudy }) => imagingStudy?.[0]?.reference === `ImagingStudy/${study.id}`));
    return found?.status === status && found;
  }, `a report that is ${status}`);

async function textOfPdf(by: Caller, report: DiagnosticReport): Promise<string> {
  const answer = await by.get(`/fhir/${report.presentedForm![0]!.url}`, { Accept: 'application/pdf' });
  expect(answer.status).toBe(200);
  const file = join(mkdtempSync(join(tmpdir(), 'report-')), 'report.pdf');
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  return execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' });
}

const mails = async (subject: RegExp): Promise<number> =>
  (await who.admin.json<{ subject: string }[]>('/api/demo/mailbox')).filter((one) => subject.test(one.subject)).length;

async function analyzed(): Promise<ImagingStudy> {
  const study = await film();
  const step = await openStep(who.doctor, 'ai-inference', study.id!);
  await ok(who.doctor.patchTask(step, [{ op: 'replace', path: '/status', value: 'accepted' }]));
  await openStep(who.doctor, 'physician-verification', study.id!);
  return study;
}

test('a release in which reader and AI differ is refused, then confirmed; the difference is printed; an addendum and a correction follow', async () => {
  const study = await analyzed();
  const words = 'Right lower lobe pneumonia.';
  const silent = await finish(who.doctor, 'physician-verification', study, words, []);
  expect(silent.status).toBe(422);
  expect(await diagnostics(silent)).toMatch(/must state a conclusion/);
  const unexplained = await finish(who.doctor, 'physician-verification', study, words, [conclusion('Lung_Opacity')]);
  expect(unexplained.status).toBe(422);
  expect(await diagnostics(unexplained)).toMatch(/disagreement/);
  const why = output('disagreement', { valueString: 'Opacity behind the heart.' });
  await ok(finish(who.doctor, 'physician-verification', study, words, [conclusion('Lung_Opacity'), why]));
  await ok(finish(who.pharmacist, 'pharmacist-review', study, 'None.', [noneNeeded]));
  const bare = await finish(who.admin, 'release-approval', study, undefined, []);
  expect(bare.status).toBe(422);
  expect(await diagnostics(bare)).toMatch(/discordance-confirmed/);
  await ok(finish(who.admin, 'release-approval', study, undefined, [confirmed]));
  const first = await reportIs(who.patient, study, 'final');
  expect(first.conclusionCode![0]!.coding![0]!.code).toBe('Lung_Opacity');
  expect(await textOfPdf(who.patient, first)).toMatch(
    /differs from the AI result[\s\S]*Opacity behind the heart[\s\S]*confirmed/,
  );

  // Addendum.
  const t0 = await coordinationOf(study);
  expect((await act(who.patient, t0, 'addendum', { kind: 'addendum', reason: 'x' })).status).toBe(403);
  expect((await act(who.pharmacist, t0, 'addendum', { kind: 'addendum', reason: 'x' })).status).toBe(403);
  expect((await act(who.doctor, t0, 'addendum', { kind: 'poem', reason: 'x' })).status).toBe(400);
  await ok(act(who.doctor, t0, 'addendum', { kind: 'addendum', reason: 'An earlier film was found.' }));
  const second = await act(who.admin, t0, 'addendum', { kind: 'correction', reason: 'x' });
  expect(second.status).toBe(409);
  expect(await diagnostics(second)).toMatch(/open already/);
  await ok(finish(who.doctor, 'report-amendment', study, 'New since last year.', []));
  expect((await reportIs(who.patient, study, 'final')).meta!.versionId).toBe(first.meta!.versionId);
  await ok(finish(who.admin, 'release-approval', study, undefined, [confirmed]));
  const appended = await reportIs(who.patient, study, 'appended');
  const printed = await textOfPdf(who.patient, appended);
  expect(printed).toMatch(/Version 2\. Replaces version 1[\s\S]*An earlier film was found/);
  expect(printed).toMatch(
    /Right lower lobe pneumonia[\s\S]*Addendum 1[\s\S]*New since last year[\s\S]*Signed content SHA-256/,
  );
  await eventually(async () => (await mails(/has a new version/)) === 1, 'the mail about version 2');
  // The earlier version: for staff.
  expect((await who.patient.get(`/fhir/${first.presentedForm![0]!.url}`)).status).toBe(404);
  expect((await who.doctor.get(`/fhir/${first.presentedForm![0]!.url}`)).status).toBe(200);
  const documents = await who.doctor.search<DocumentReference>(
    `DocumentReference?related=DiagnosticReport/${first.id}`,
  );
  expect(documents.map(({ status }) => status).sort()).toEqual(['current', 'superseded']);

  // Correction.
  await ok(act(who.admin, t0, 'addendum', { kind: 'correction', reason: 'Wrong side.' }));
  await ok(finish(who.doctor, 'report-amendment', study, 'Left lower lobe.', [conclusion('Lung_Opacity'), why]));
  await ok(finish(who.pharmacist, 'pharmacist-review', study, 'None.', [noneNeeded]));
  expect((await reportIs(who.patient, study, 'appended')).conclusion).toContain('Right lower lobe');
  await ok(finish(who.admin, 'release-approval', study, undefined, [confirmed]));
  const corrected = await reportIs(who.patient, study, 'corrected');
  expect(await textOfPdf(who.patient, corrected)).toMatch(
    /Version 3\. Replaces version 2[\s\S]*Correction[\s\S]*Wrong side/,
  );
  const [finding] = await who.patient.search<Observation>(
    `Observation?code=${scanFinding}|clinical-finding&status=corrected`,
  );
  expect(finding!.note![0]!.text).toBe('Left lower lobe.');
  const signed = await who.admin.search<Provenance>(`Provenance?target=DiagnosticReport/${corrected.id}&_count=100`);
  expect(signed.filter(({ signature }) => signature).length).toBeGreaterThan(3);

  // Withdrawn.
  expect((await act(who.admin, t0, 'cancel', { reason: 'x' })).status).toBe(409);
  expect((await act(who.admin, t0, 'retract', {})).status).toBe(400);
  await ok(act(who.admin, t0, 'retract', { reason: 'Another patient was scanned.' }));
  expect((await who.patient.get(`/fhir/DiagnosticReport/${corrected.id}`)).status).toBe(404);
  expect((await who.patient.get(`/fhir/${corrected.presentedForm![0]!.url}`)).status).toBe(404);
  expect((await coordinationOf(study)).status).toBe('entered-in-error');
});

test('a reading is taken back before the pharmacist begins, and a review is cancelled before its release', async () => {
  const study = await analyzed();
  await ok(finish(who.doctor, 'physician-verification', study, 'Normal.', [conclusion('Normal')]));
  const t0 = await coordinationOf(study);
  expect((await act(who.admin, t0, 'amend', { reason: 'x' })).status).toBe(403);
  await ok(act(who.doctor, t0, 'amend', { reason: 'Another look.' }));
  await ok(finish(who.doctor, 'physician-verification', study, 'Normal, seen again.', [conclusion('Normal')]));
  expect((await act(who.doctor, await openStep(who.pharmacist, 'pharmacist-review', study.id!), 'cancel', { reason: 'x' })).status).toBe(422); // prettier-ignore
  await ok(act(who.doctor, t0, 'cancel', { reason: 'Not needed any more.' }));
  expect((await coordinationOf(study)).status).toBe('cancelled');
  expect((await act(who.doctor, t0, 'cancel', { reason: 'again' })).status).toBe(409);
});
