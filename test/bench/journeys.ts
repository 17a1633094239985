/**
 * How many files of the server each of the five journeys enters (docs/architecture.md), in the process that answers:
 * node scripts/run.mjs exec test/bench/journeys.ts. Threads, model sessions and the browser are not counted; neither is
 * what a request of any kind enters, or a quiet server by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiagnosticReport, ImagingStudy } from '@medplum/fhirtypes';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { demoPassword } from '../../server/demo/people.ts';
import { caller, completeStep, eventually, openStep, reviewData, scanFinding } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { backendKey, freePort } from '../harness/server.ts';
import { backendToken, signIn } from '../harness/sign-in.ts';
import { untilAnswers } from './peers.ts';

const folder = await mkdtemp(join(tmpdir(), 'csss-journeys-'));
await chmod(folder, 0o755);
const port = await freePort();
const url = `http://localhost:${port}`;
const key = await backendKey();
const probe = new URL('./entered-probe.ts', import.meta.url).href;
const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--import', probe, 'server/main.ts'], {
  env: { ...process.env, PORT: String(port), DATA_DIR: folder, LOG_LEVEL: 'error', BACKEND_CLIENT_JWKS: JSON.stringify({ keys: [key.public] }) },
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
}); // prettier-ignore
await untilAnswers(`${url}/healthz`);

const enteredBy = async (process: ChildProcess): Promise<string[]> =>
  new Promise((told) => {
    process.once('message', (files) => told(files as string[]));
    process.send('entered');
  });
const pause = () => new Promise((done) => setTimeout(done, 1500));

/** What any request enters. */
let common = new Set<string>();
async function entered(name: string, journey: () => Promise<unknown>): Promise<void> {
  await pause();
  await enteredBy(child);
  await journey();
  const files = (await enteredBy(child)).filter((file) => !common.has(file));
  console.log(`${name.padEnd(40)} ${files.length}`);
  if (process.env['NAMES']) console.log(files.map((file) => `    ${file}`).join('\n'));
}

try {
  const pacs = caller(
    { url },
    (await backendToken(url, { clientId: 'csss-demo-backend', key: key.private }, 'system/*.cruds')).access_token,
  );
  const by = async (role: string) =>
    caller({ url }, (await signIn(url, { email: `${role}@demo.csss.example`, password: demoPassword })).access_token);
  const [doctor, pharmacist, admin] = [await by('doctor'), await by('pharmacist'), await by('admin')];
  const ofDemo = 'DiagnosticReport?patient=Patient/demo-patient-2&status=partial';
  await eventually(async () => (await doctor.search(ofDemo)).length > 0, 'the analysis of the demo');
  await pause();
  await enteredBy(child);
  await fetch(`${url}/api/status`);
  await pause();
  common = new Set(await enteredBy(child));
  console.log(`${'any request, and a quiet server'.padEnd(40)} ${common.size}`);

  const film = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: newUid(), accession: 'ACC-J', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  await entered('1 a scan arrives', () => pacs.store([film]));
  const studies = await doctor.search<ImagingStudy>('ImagingStudy?patient=Patient/demo-patient-1&_sort=-_lastUpdated');
  const study = studies[0]!;
  const uid = study.identifier!.find(({ system }) => system === 'urn:dicom:uid')!.value!.slice('urn:oid:'.length);
  const is = (status: string) => async () =>
    (await admin.search<DiagnosticReport>(`DiagnosticReport?patient=Patient/demo-patient-1&status=${status}`)).length >
    0;
  const inference = await openStep(doctor, 'ai-inference', study.id!);
  await entered('2 a Task advances (analysis included)', async () => {
    await doctor.patchTask(inference, [{ op: 'replace', path: '/status', value: 'accepted' }]);
    await eventually(is('partial'), 'the analysis');
  });
  const [series, sop] = [study.series![0]!.uid, study.series![0]!.instance![0]!.uid];
  await entered('3 a viewer reads', async () => {
    await doctor.get('/dicomweb/studies?PatientID=DEMO-1001');
    await doctor.get(`/dicomweb/studies/${uid}/metadata`);
    await doctor.get(`/dicomweb/studies/${uid}/series/${series}/instances/${sop}/frames/1`);
  });
  const verification = await openStep(doctor, 'physician-verification', study.id!);
  const coded = (code: string, value: string, system: string) => ({
    op: 'add',
    path: '/output',
    value: [{ type: { coding: [{ system: reviewData, code }] }, valueCodeableConcept: { coding: [{ system, code: value }] } }],
  }); // prettier-ignore
  const note = { op: 'add', path: '/note', value: [{ text: 'No finding.' }] };
  await completeStep(doctor, verification, [note, coded('conclusion', 'Normal', scanFinding)]);
  const review = await openStep(pharmacist, 'pharmacist-review', study.id!);
  await completeStep(pharmacist, review, [note, coded('medication', 'none-needed', reviewData)]);
  const approval = await openStep(admin, 'release-approval', study.id!);
  await entered('4 a report is released', async () => {
    await completeStep(admin, approval, []);
    await eventually(is('final'), 'the report');
    await eventually(async () => (await admin.json<unknown[]>('/api/demo/mailbox')).length > 0, 'the mail');
  });
  await entered('5 a SMART app launches', async () => {
    await fetch(`${url}/.well-known/smart-configuration`);
    await by('doctor');
  });
} finally {
  child.kill('SIGTERM');
  await new Promise((ended) => child.once('exit', ended));
  await rm(folder, { recursive: true, force: true });
}
