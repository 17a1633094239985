import { setTimeout as sleep } from 'node:timers/promises';
import { TOTP } from 'otpauth';
import type { DocumentReference, ImagingStudy, Patient, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { caller, completeStep, eventually, openStep, reviewData, reviewStatus, scanFinding, type Caller } from '../harness/calls.ts'; // prettier-ignore
import { newUid } from '../harness/dicom-file.ts';
import { backUpAndRestore, copyBlobs } from '../harness/back-up.ts';
import { emptyDatabase } from '../harness/database.ts';
import { prepareProduction, type Production } from '../harness/production.ts';
import { backendKey, temporaryFolder } from '../harness/server-process.ts';
import { backendToken, Browser, signIn, type Tokens } from '../harness/sign-in.ts';

// From an empty PostgreSQL to a patient who reads the report, in production mode: the command line, the pages and the
// standards only, not a line of SQL. Each test is a step of the day, and stands on those before it.
let site: Production;
const passwords = {
  admin: 'seven grey herons over the lock',
  doctor: 'an umbrella for the quiet reader',
  pharmacist: 'forty drops in a copper kettle',
  patient: 'my garden has eleven old pear trees',
};
type Role = keyof typeof passwords;
const address = (role: Role) => `${role}@clinic.example`;
const pacsKey = backendKey();
const json = { 'Content-Type': 'application/json' };

/** The first administrator's authenticator app. */
let authenticator: string;
const who = {} as Record<Role | 'pacs', Caller>;
let patient: Patient;
let study: ImagingStudy;

beforeAll(async () => {
  site = await prepareProduction({ STUDY_QUIET_SECONDS: '1' });
});
afterAll(() => site.close());

/** The pages behind a link of ours, as a browser goes through them. */
async function takeOver(link: string, password: string, factor: boolean): Promise<string | undefined> {
  const browser = new Browser(site.url);
  const { pathname } = new URL(link);
  let page = '';
  const show = async (response: Response) => {
    page = await response.text();
    expect([response.status, page.slice(0, 2000)]).toEqual([200, expect.any(String)]);
  };
  const post = async (action: string, fields: Record<string, string> = {}) => {
    const proof = /name="proof" value="([^"]+)"/.exec(page)?.[1] ?? '';
    await show((await browser.post(`${pathname}/${action}`, new URLSearchParams({ proof, ...fields }))).response);
  };
  await show((await browser.open(link)).response);
  await post('password', { password });
  const secret = /secret=([A-Z2-7]+)/.exec(page)?.[1];
  // Of the step before: the present one is left for signing in.
  if (factor) await post('app', { code: new TOTP({ secret: secret! }).generate({ timestamp: Date.now() - 30_000 }) });
  else await post('none');
  expect(page).toContain('Your account is ready');
  expect((await browser.open(link)).response.status).toBe(404); // once
  return secret;
}

/** Through the sign-in page; an administrator with a code of the app. */
function signedIn(role: Role): Promise<Tokens> {
  const second = role === 'admin' ? { totp: authenticator } : {};
  return signIn(site.url, { email: address(role), password: passwords[role], ...second });
}

const at = (tokens: Tokens) => caller(site, tokens.access_token);
const linkIn = (text: string) => /https:\/\/\S+\/account\/link\/[\w-]+/.exec(text)![0];

async function invite(role: Role, more: object): Promise<void> {
  const person = { email: address(role), role, ...more };
  const answer = await who.admin.send('POST', '/portal/users', person, json);
  expect([answer.status, await answer.json()]).toEqual([201, expect.objectContaining({ state: 'invited' })]);
  const mail = await site.mailTo(address(role), /account\/link\//);
  await takeOver(linkIn(mail), passwords[role], false);
  who[role] = at(await signedIn(role));
}

async function status(code: string): Promise<void> {
  await eventually(async () => {
    const about = `Task?business-status=${reviewStatus}|${code}&patient=Patient/${patient.id}`;
    return (await who.admin.search<Task>(about)).length > 0;
  }, `status ${code}`);
}

test('an empty database, a command, and the servers start', async () => {
  expect((await site.manage('migrate')).code).toBe(0);
  const name = ['--given', 'Ada', '--family', 'Lovelace'];
  const { code, stdout } = await site.manage('create-admin', '--email', address('admin'), ...name);
  expect(code).toBe(0);
  await site.start('api', 'worker');
  const secret = await takeOver(stdout.trim(), passwords.admin, true);
  authenticator = secret!;
});

test('the administrator signs in with password and second factor; the password alone opens nothing', async () => {
  await expect(signIn(site.url, { email: address('admin'), password: passwords.admin })).rejects.toThrow();
  who.admin = at(await signedIn('admin'));
  const { steps } = await who.admin.json<{ steps: { id: string; state: string }[] }>('/portal/setup');
  expect(steps.map(({ state }) => state)).toEqual(['open', 'open', 'open', 'open', 'open']);
});

test('the organisation is named, and a test mail leaves by the relay', async () => {
  const organisation = {
    name: 'Klinik am See',
    address: { line: ['Seestraße 1'], city: 'Kleinstadt', postalCode: '12345', country: 'DE' },
    phone: '+49 30 1234',
    timeZone: 'UTC',
    languages: ['en', 'de'],
  };
  expect((await who.admin.send('PUT', '/portal/setup/organisation', organisation, json)).status).toBe(200);
  const sent = await who.admin.send('POST', '/portal/setup/mail-test', { to: address('admin') }, json);
  const { delivery } = (await sent.json()) as { delivery: string };
  expect(await site.mailTo(address('admin'), /test mail/i)).toContain('Klinik am See');
  await eventually(
    async () => (await who.admin.json<{ state: string }>(`/portal/deliveries/${delivery}`)).state === 'sent',
    'the word of the relay',
  );
});

/** The worker's process follows what was said of the site within ten seconds. */
const siteIsKnown = 11_000;

test('a doctor and a pharmacist are invited by mail and set their passwords', async () => {
  await sleep(siteIsKnown);
  await invite('doctor', { prefix: 'Dr.', given: 'Grace', family: 'Hopper', qualification: 'MD, Radiology' });
  await invite('pharmacist', { given: 'Marie', family: 'Curie' });
});

test('a PACS is registered with its public key and stores a study', async () => {
  const key = await pacsKey;
  const registration = {
    id: 'pacs', name: 'PACS of the basement', kind: 'sender', method: 'private_key_jwt', scope: 'system/ImagingStudy.crus', jwks: { keys: [key.public] },
  }; // prettier-ignore
  const answer = await who.admin.send('POST', '/portal/clients', registration, json);
  expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining('"pacs"')]);
  const tokens = await backendToken(site.url, { clientId: 'pacs', key: key.private }, 'system/ImagingStudy.crus');
  who.pacs = at(tokens);
  const film = await chestFilm('film-1.jpg', {
    patientId: 'K-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: newUid(), accession: 'ACC-1', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await who.pacs.store([film])).status).toBe(200);
  [patient] = (await who.doctor.search<Patient>('Patient?identifier=K-1001')) as [Patient];
  [study] = (await who.doctor.search<ImagingStudy>(`ImagingStudy?patient=Patient/${patient.id}`)) as [ImagingStudy];
  await status('PENDING_AI');
});

test('the set-up says what is still missing: the app, which is not wanted', async () => {
  expect((await who.admin.send('POST', '/portal/setup/steps/app/skip', '', json)).status).toBe(200);
  const { steps } = await who.admin.json<{ steps: { id: string; state: string }[] }>('/portal/setup');
  expect(steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'skipped']);
});

test('the patient is invited to the record that the images made', async () => {
  await invite('patient', { given: 'Arjun', family: 'Rao', patient: patient.id });
  expect(await who.patient.search('DiagnosticReport')).toEqual([]);
});

test('the AI, the doctor, the pharmacist and the administrator do their parts', async () => {
  const analysis = await openStep(who.doctor, 'ai-inference', study.id!);
  expect((await who.doctor.patchTask(analysis, [{ op: 'replace', path: '/status', value: 'accepted' }])).status).toBe(200);
  await status('AI_ANALYZED');
  const reading = await openStep(who.doctor, 'physician-verification', study.id!);
  const conclusion = {
    type: { coding: [{ system: reviewData, code: 'conclusion' }] },
    valueCodeableConcept: { coding: [{ system: scanFinding, code: 'Normal' }] },
  };
  const read = await completeStep(who.doctor, reading, [
    { op: 'add', path: '/note', value: [{ text: 'No consolidation.' }] },
    { op: 'add', path: '/output', value: [conclusion] },
  ]);
  expect([read.status, read.status === 200 || (await read.text())]).toEqual([200, true]);
  await status('DOCTOR_VERIFIED');
  const medication = {
    type: { coding: [{ system: reviewData, code: 'medication' }] },
    valueCodeableConcept: { coding: [{ system: reviewData, code: 'none-needed' }] },
  };
  const prescription = await openStep(who.pharmacist, 'pharmacist-review', study.id!);
  const prescribed = await completeStep(who.pharmacist, prescription, [
    { op: 'add', path: '/note', value: [{ text: 'Rest and fluids.' }] },
    { op: 'add', path: '/output', value: [medication] },
  ]);
  expect(prescribed.status).toBe(200);
  await status('PHARMACIST_COMPLETED');
  who.admin = at(await signedIn('admin')); // releasing asks for a fresh second factor
  const released = await completeStep(who.admin, await openStep(who.admin, 'release-approval', study.id!), []);
  expect([released.status, released.status === 200 || (await released.text())]).toEqual([200, true]);
  await status('REPORT_READY');
}); // prettier-ignore

/** The PDF that the patient gets, by FHIR. */
async function reportOf(reader: Caller): Promise<Buffer> {
  const [document] = await reader.search<DocumentReference>('DocumentReference');
  const { pathname } = new URL(document!.content[0]!.attachment.url!, `${site.url}/fhir/`);
  const answer = await reader.get(pathname, { Accept: 'application/pdf' });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/pdf']);
  return Buffer.from(await answer.arrayBuffer());
}

let report: Buffer;
test('the patient is told by mail and reads the report', async () => {
  const mail = await site.mailTo(address('patient'), /diagnostic report/);
  expect(mail).toContain('Klinik am See');
  report = await reportOf(who.patient);
  expect(report.subarray(0, 5).toString()).toBe('%PDF-');
});

test('keys are rotated at once: everybody signs in again, and the report is there', async () => {
  expect((await site.manage('rotate-keys', '--at-once')).code).toBe(0);
  await eventually(
    async () => (await who.patient.get('/fhir/DiagnosticReport')).status === 401,
    'the end of the token',
  );
  who.patient = at(await signedIn('patient'));
  expect((await reportOf(who.patient)).equals(report)).toBe(true);
});

test('the installation is backed up, lost and restored: the same people sign in and read the same report', async ({ annotate }) => {
  await site.stopServers();
  const [folder, empty] = await Promise.all([temporaryFolder(), emptyDatabase()]);
  await annotate(`restored by ${await backUpAndRestore(site.databaseUrl, empty.url, folder.path)}`);
  await copyBlobs(site.dataDir, folder.path);
  Object.assign(site.environment, { DATABASE_URL: empty.url, DATA_DIR: folder.path });
  await site.start('api', 'worker');
  who.patient = at(await signedIn('patient'));
  expect((await reportOf(who.patient)).equals(report)).toBe(true);
  await site.stopServers();
  await empty.drop();
  await folder.remove();
}); // prettier-ignore
