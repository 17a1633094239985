import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiagnosticReport, DocumentReference, ImagingStudy, Observation, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import {
  caller,
  completeStep,
  eventually,
  openStep,
  reviewData,
  reviewStatus,
  scanFinding,
  type Caller,
} from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { ownRecords } from '../harness/own-records.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// Journeys 2 and 4: one scan through all five statuses by plain FHIR writes, with the real model, PDF and mail.
let server: TestServer;
let who: Record<'patient' | 'doctor' | 'pharmacist' | 'admin' | 'pacs', Caller>;
let study: ImagingStudy;
const seen: string[] = [];

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
  const film = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: newUid(), accession: 'ACC-1', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await who.pacs.store([film])).status).toBe(200);
  study = (await who.doctor.search<ImagingStudy>('ImagingStudy?patient=Patient/demo-patient-1'))[0]!;
  await status('PENDING_AI');
});
afterAll(() => server.stop());

async function status(code: string): Promise<Task> {
  const task = await eventually(async () => {
    const [found] = await who.admin.search<Task>(
      `Task?business-status=${reviewStatus}|${code}&patient=Patient/demo-patient-1`,
    );
    return found;
  }, `status ${code}`);
  seen.push(code);
  return task;
}

const report = async (by: Caller) =>
  (await by.search<DiagnosticReport>('DiagnosticReport?patient=Patient/demo-patient-1'))[0];

test('a doctor starts the AI by a plain PATCH; a worker writes the finding and a partial report', async () => {
  const step = await openStep(who.doctor, 'ai-inference', study.id!);
  const answer = await who.doctor.patchTask(step, [{ op: 'replace', path: '/status', value: 'accepted' }]);
  expect(answer.status).toBe(200);
  await status('AI_ANALYZED');
  const [finding] = await who.doctor.search<Observation>('Observation?patient=Patient/demo-patient-1');
  const probabilities = finding!
    .component!.map((part) => part.valueQuantity?.value)
    .filter((value) => value !== undefined);
  expect(probabilities.length).toBeGreaterThanOrEqual(6);
  expect(finding!.meta!.security!.map(({ code }) => code)).toContain('AIAST');
  expect(await report(who.doctor)).toMatchObject({ status: 'partial' });
});

test('before release the patient sees the study, and neither the AI finding nor the report', async () => {
  expect(await who.patient.search('ImagingStudy')).toHaveLength(1);
  expect(await who.patient.search('Observation')).toEqual([]);
  expect(await who.patient.search('DiagnosticReport')).toEqual([]);
  const [finding] = await who.doctor.search<Observation>('Observation?patient=Patient/demo-patient-1');
  expect((await who.patient.get(`/fhir/Observation/${finding!.id}`)).status).toBe(404);
});

test('steps out of order, by the wrong role, stale or with a blank note are refused and change nothing', async () => {
  const step = await openStep(who.doctor, 'physician-verification', study.id!);
  const complete = [{ op: 'replace', path: '/status', value: 'completed' }];
  expect(
    (await who.pharmacist.patchTask(step, [{ op: 'replace', path: '/status', value: 'in-progress' }])).status,
  ).toBe(403);
  expect((await who.doctor.patchTask({ ...step, meta: { versionId: '999' } }, complete)).status).toBe(412);
  const blank = await completeStep(who.doctor, step, [{ op: 'add', path: '/note', value: [{ text: '   \n ' }] }]);
  expect(blank.status).toBe(422);
  expect(await blank.json()).toMatchObject({
    issue: [{ code: 'business-rule', diagnostics: 'A note needs text that can be read.', expression: ['Task.note'] }],
  });
  const [standing] = await who.doctor.search<Task>(`Task?_id=${step.id}`);
  expect(standing!.status).toBe('in-progress'); // the claim stands, the completion does not
  for (const text of ['\u200b\u200b\u200d\ufeff', '\u3164', '\u2800\u115f', '\u0301', 'a\u0085b']) {
    const unseen = await who.doctor.patchTask(standing!, [
      { op: 'add', path: '/note', value: [{ text }] },
      ...complete,
    ]);
    expect(unseen.status).toBe(422);
  }
  // No text at all is no FHIR string (datatypes.html#string), whatever the workflow says: 400, not 422.
  const empty = await who.doctor.patchTask(standing!, [
    { op: 'add', path: '/note', value: [{ text: '' }] },
    ...complete,
  ]);
  expect(empty.status).toBe(400);
  expect(await empty.json()).toMatchObject({
    issue: [
      {
        code: 'value',
        diagnostics: expect.stringContaining('must not be empty') as unknown,
        expression: ['Task.note[0].text'],
      },
    ],
  });
  expect((await who.pacs.send('DELETE', `/fhir/Task/${step.id}`, undefined)).status).toBe(409);
  const [coordination] = await who.admin.search<Task>(
    `Task?business-status=${reviewStatus}|AI_ANALYZED&patient=Patient/demo-patient-1`,
  );
  expect((await who.doctor.patchTask(coordination!, complete)).status).toBe(403);
});

test('the doctor verifies with notes and a conclusion', async () => {
  const step = await openStep(who.doctor, 'physician-verification', study.id!);
  const done = await who.doctor.patchTask(step, [
    { op: 'add', path: '/note', value: [{ text: 'No consolidation. <b>Heart</b> size normal.' }] },
    {
      op: 'add',
      path: '/output',
      value: [
        {
          type: { coding: [{ system: reviewData, code: 'conclusion' }] },
          valueCodeableConcept: { coding: [{ system: scanFinding, code: 'Normal' }] },
        },
      ],
    },
    { op: 'replace', path: '/status', value: 'completed' },
  ]);
  expect([done.status, done.status === 200 || (await done.text())]).toEqual([200, true]);
  await status('DOCTOR_VERIFIED');
  expect(await report(who.doctor)).toMatchObject({
    status: 'preliminary',
    conclusion: expect.stringContaining('No consolidation') as unknown,
  });
});

test('the pharmacist prescribes with a note', async () => {
  const step = await openStep(who.pharmacist, 'pharmacist-review', study.id!);
  const none = {
    type: { coding: [{ system: reviewData, code: 'medication' }] },
    valueCodeableConcept: { coding: [{ system: reviewData, code: 'none-needed' }] },
  };
  const done = await completeStep(who.pharmacist, step, [
    { op: 'add', path: '/note', value: [{ text: 'No medication.\nRest and fluids.' }] },
    { op: 'add', path: '/output', value: [none] },
  ]);
  expect([done.status, done.status === 200 || (await done.text())]).toEqual([200, true]);
  await status('PHARMACIST_COMPLETED');
});

test('the admin approves: one PDF, a final report and one mail', async () => {
  const step = await openStep(who.admin, 'release-approval', study.id!);
  const approvals = await Promise.all([completeStep(who.admin, step, []), completeStep(who.admin, step, [])]);
  expect(approvals.map((answer) => answer.status).filter((code) => code === 200).length).toBeGreaterThanOrEqual(1);
  await status('REPORT_READY');
  expect(seen).toEqual(['PENDING_AI', 'AI_ANALYZED', 'DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REPORT_READY']);
  const final = await report(who.admin);
  expect(final).toMatchObject({ status: 'final', presentedForm: [{ contentType: 'application/pdf' }] });
  const mails = await eventually(async () => {
    const list = await who.admin.json<{ to: string; attachments: unknown[] }[]>('/api/demo/mailbox');
    return list.length > 0 && list;
  }, 'the mail');
  expect(mails).toHaveLength(1);
  expect(mails[0]!.to).toContain('patient@demo.csss.example');
});

test('the patient downloads the PDF of the report, which says what the doctor wrote; nobody else does', async () => {
  const [document] = await who.patient.search<DocumentReference>('DocumentReference');
  const url = new URL(document!.content[0]!.attachment.url!, `${server.fhir}/`);
  const path = url.pathname.startsWith('/fhir') ? url.pathname : `/fhir${url.pathname}`;
  const answer = await who.patient.get(path, { Accept: 'application/pdf' });
  expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'application/pdf']);
  const pdf = Buffer.from(await answer.arrayBuffer());
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  expect((await caller(server, undefined).get(path)).status).toBe(401);
  const text = textOf(pdf);
  if (text === undefined) return; // pdftotext is not on this machine; the bytes were checked
  for (const expected of [
    'DIAGNOSTIC REPORT',
    'Arjun Rao',
    '<b>Heart</b> size normal.',
    'Rest and fluids.',
    'Page 1',
  ]) {
    expect(text.toLowerCase()).toContain(expected.toLowerCase());
  }
});

test('after release the patient sees report and finding', async () => {
  expect(await who.patient.search('DiagnosticReport')).toHaveLength(1);
  expect((await who.patient.search('Observation')).length).toBeGreaterThan(0);
});

test('every access left a row in the audit trail, without names', async () => {
  const rows = await server.system.sql.query<{ event: string; outcome: string }>('select event, outcome from audit');
  const events = new Set(rows.map(({ event }) => event.split(':').slice(0, 2).join(':')));
  for (const event of ['dicomweb:store', 'fhir:search', 'fhir:read', 'fhir:update', 'smart:sign-in'])
    expect(events).toContain(event);
  expect(rows.some(({ outcome }) => outcome === 'refused')).toBe(true);
  const [text] = await server.system.sql.query<{ hit: boolean }>(
    `select bool_or((to_jsonb(audit) - 'mac')::text ~* 'Arjun|Rao\\M|consolidation') as hit from audit`,
  );
  expect(text!.hit).toBe(false);
});

test('everything that was written on the way fits its profile, in every version', async () => {
  const { looked, unfit } = await ownRecords(server.system.world);
  expect(unfit).toEqual([]);
  expect([...looked.keys()].sort()).toEqual([
    'ai-finding', 'ai-model', 'clinical-finding', 'concordance', 'coordination-task', 'dicomweb-endpoint', 'heat-map', 'imaging-order', 'imaging-study',
    'report-document', 'report-message', 'review-content', 'review-provenance', 'review-report', 'step-task',
  ]); // prettier-ignore
});

function textOf(pdf: Buffer): string | undefined {
  const file = join(mkdtempSync(join(tmpdir(), 'csss-pdf-')), 'report.pdf');
  writeFileSync(file, pdf);
  try {
    return execFileSync('pdftotext', ['-layout', file, '-']).toString();
  } catch {
    return undefined;
  }
}
