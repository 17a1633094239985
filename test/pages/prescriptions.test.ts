import { writeFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DetectedIssue, MedicationRequest, Resource, Task } from '@medplum/fhirtypes';
import type { ElementHandle, Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { caller, completeStep, openStep, reviewData, scanFinding, type Caller } from '../harness/calls.ts';
import { barriers, click, looksRight, openTab, press, says, toast } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// The pharmacist's dialog and the administrator's page of what it is made from.
let server: TestServer;
let browser: TestBrowser;
let doctor: Caller;
let pharmacist: Caller;
const faults: string[] = [];
const opened: Page[] = [];
beforeAll(async () => {
  server = await startTestServer({ demoData: true, workers: false });
  browser = await openBrowser();
  doctor = caller(server, (await server.signIn('doctor')).access_token);
  pharmacist = caller(server, (await server.signIn('pharmacist')).access_token);
}, 240_000);
afterAll(async () => {
  await browser.close();
  await server.stop();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((page) => page.browserContext().close()));
});

async function signedIn(role: 'pharmacist' | 'admin'): Promise<Page> {
  const person = await browser.person();
  opened.push(person.page);
  await person.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(person.page, server.url, role);
  await person.page.waitForSelector('[data-testid="person"]');
  faults.splice(0);
  person.page.on('pageerror', (error) => faults.push(String(error)));
  return person.page;
}

/** A scan of the demo that waits for the pharmacist, with what is known of its patient. @returns its name in lists. */
async function verified(place: number, known: readonly object[]): Promise<{ scan: string; patient: string; review: string }> {
  const tasks = await doctor.search<Task>(`Task?business-status=https://csss.example/fhir/CodeSystem/review-status|PENDING_AI&_sort=authored-on`);
  const review = tasks[place]!;
  const study = review.input!.find(({ type }) => type.coding?.[0]?.code === 'study')!.valueReference!.reference!.split('/')[1]!;
  const inference = await openStep(doctor, 'ai-inference', study);
  await doctor.patchTask(inference, [{ op: 'replace', path: '/status', value: 'cancelled' }, { op: 'add', path: '/statusReason', value: { text: 'no need' } }]);
  const done = await completeStep(doctor, await openStep(doctor, 'physician-verification', study), [
    { op: 'add', path: '/note', value: [{ text: 'Consolidation in the right lower lobe.' }] },
    { op: 'add', path: '/output', value: [{ type: { coding: [{ system: reviewData, code: 'conclusion' }] }, valueCodeableConcept: { coding: [{ system: scanFinding, code: 'Normal' }] } }] },
  ]);
  expect(done.status).toBe(200);
  const patient = review.for!.reference!;
  for (const record of known) {
    const of = (record as Resource).resourceType === 'AllergyIntolerance' ? 'patient' : 'subject';
    await writeInTransaction(server.system.world, systemPrincipal('test'), { method: 'create', resource: { ...record, [of]: { reference: patient } } as unknown as Resource });
  }
  return { scan: review.groupIdentifier?.value ?? review.id!.slice(-8), patient, review: review.id! };
} // prettier-ignore

const allergy = (text: string, clinical = 'active') => ({
  resourceType: 'AllergyIntolerance', code: { text },
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: clinical }] },
}); // prettier-ignore
const takes = (text: string, dosage: string) => ({
  resourceType: 'MedicationStatement',
  status: 'active',
  medicationCodeableConcept: { text },
  dosage: [{ text: dosage }],
});

async function openPrescription(page: Page, scan: string): Promise<void> {
  await click(page, `[data-testid="scan-${scan}"] [data-testid="prescribe"]`);
  await page.waitForSelector('[role="dialog"] [data-testid="medication-0"]');
}
const field = async (page: Page, within: string, label: string): Promise<ElementHandle<HTMLInputElement>> => {
  const found = await page.waitForFunction(
    (where: string, text: string) => {
      const labels = [...document.querySelectorAll(`${where} label`)].filter((each) => each.textContent?.trim() === text);
      return labels.map((each) => document.getElementById((each as HTMLLabelElement).htmlFor)).find(Boolean);
    },
    {},
    within,
    label,
  );
  return found.asElement() as ElementHandle<HTMLInputElement>;
}; // prettier-ignore
async function write(page: Page, within: string, label: string, text: string): Promise<void> {
  const input = await field(page, within, label);
  await input.evaluate((each) => {
    each.focus();
    each.select();
  });
  await page.keyboard.type(text);
}
const textOf = (page: Page, selector: string) =>
  page.$eval(selector, (found) => (found as HTMLElement).textContent ?? '');

test('what is known stands beside the doctor’s words; a warning is answered before it is sent, and stays in the record', async () => {
  const long = 'Penicillin and every other antibiotic that was ever given in the district hospital of Tiruchirappalli';
  const { scan, review } = await verified(0, [
    allergy(long),
    allergy('Latex', 'resolved'),
    takes('Warfarin 3 mg tablets', '1 tablet in the evening'),
  ]);
  const page = await signedIn('pharmacist');
  await openPrescription(page, scan);
  await says(page, '[data-testid="known"]', /Penicillin[\s\S]*Warfarin 3 mg tablets[\s\S]*no longer active \(1\)/);
  await says(page, '[data-testid="record-language"]', /English, the language of this site/);

  await write(page, '[data-testid="medication-0"]', 'Medication and strength', 'Amoxicillin 500 mg');
  await write(page, '[data-testid="medication-0"]', 'Amount', '1');
  await press(page, 'another-medication');
  await write(page, '[data-testid="medication-1"]', 'Medication and strength', 'Ibuprofen 400 mg');
  await write(page, '[data-testid="medication-1"]', 'Amount', '2');
  await says(page, '[data-testid="medication-1"] [data-testid="reads"]', /In the record: 2 tablets, once a day/);
  await says(
    page,
    '[data-testid="warnings"]',
    /Allergy \(high\): Amoxicillin 500 mg[\s\S]*Interaction \(high\): Ibuprofen 400 mg with Warfarin/,
  );
  await page.type('[role="dialog"] textarea', 'Take with food.');
  await press(page, 'prescribe-submit');
  await page.waitForSelector('[data-testid="warning-allergy"] [aria-invalid="true"]');
  await looksRight(page, 'prescribe');
  await page.type('[data-testid="warning-allergy"] input', 'Tolerated last year.');
  await page.type('[data-testid="warning-interaction"] input', 'Two days; INR on Friday.');
  await press(page, 'prescribe-submit');
  await toast(page, /complete/);

  const [task] = await pharmacist.search<Task>(`Task?_id=${review}`);
  const proposals = await Promise.all(
    task!.output!.flatMap(({ type, valueReference: one }) =>
      type.coding?.[0]?.code === 'medication' ? [pharmacist.json<MedicationRequest>(`/fhir/${one!.reference!}`)] : [],
    ),
  );
  expect(
    proposals.map(({ medicationCodeableConcept: concept, dosageInstruction }) => [
      concept!.text,
      concept!.coding![0]!.code,
      dosageInstruction![0]!.text,
    ]),
  ).toEqual([
    ['Amoxicillin 500 mg', 'J01CA04', '1 tablet, once a day'],
    ['Ibuprofen 400 mg', 'M01AE01', '2 tablets, once a day'],
  ]);
  const issues = await Promise.all(
    proposals.map(({ detectedIssue }) => pharmacist.json<DetectedIssue>(`/fhir/${detectedIssue![0]!.reference!}`)),
  );
  expect(issues.map(({ mitigation }) => mitigation![0]!.action.text)).toEqual([
    'Tolerated last year.',
    'Two days; INR on Friday.',
  ]);

  const admin = await signedIn('admin');
  await click(admin, `[data-testid="scan-${scan}"] [data-testid="approve"]`);
  await says(admin, '[role="dialog"] [data-testid="answered-warnings"]', /Tolerated last year\./);
  expect(await textOf(admin, '[role="dialog"] [data-testid="summary"]')).toMatch(
    /Amoxicillin 500 mg: 1 tablet, once a day/,
  );
  expect(faults).toEqual([]);
}, 120_000);

test('“Warfarin 5” with “1 tablet daily” stays apart; nothing recorded is not shown as none; templates are added to typed text', async () => {
  const { scan } = await verified(0, []);
  const page = await signedIn('pharmacist');
  await openPrescription(page, scan);
  await says(page, '[data-testid="no-allergies"]', /Nothing recorded\. That does not mean that there is none\./);
  await write(page, '[data-testid="medication-0"]', 'Medication and strength', 'Warfarin 5');
  await click(page, '[data-testid="medication-0"] input[value="words"]');
  await write(page, '[data-testid="medication-0"]', 'Dosage', '1 tablet daily');
  await press(page, 'template-cetirizine');
  await page.waitForSelector('[role="alertdialog"]');
  expect(await barriers(page)).toEqual([]);
  await press(page, 'template-add');
  await page.waitForSelector('[data-testid="medication-1"]');
  expect(
    await (await field(page, '[data-testid="medication-0"]', 'Medication and strength')).evaluate(({ value }) => value),
  ).toBe('Warfarin 5');
  await press(page, 'prescribe-submit');
  await toast(page, /complete/);
  const admin = await signedIn('admin');
  await click(admin, `[data-testid="scan-${scan}"] [data-testid="approve"]`);
  await says(
    admin,
    '[role="dialog"] [data-testid="summary"]',
    /Warfarin 5: 1 tablet daily[\s\S]*Cetirizine 10 mg tablets: 1 tablet, by mouth/,
  );
}, 120_000);

test('an administrator changes a template and sees its history; the page says what the table is not', async () => {
  const page = await signedIn('admin');
  await page.goto(`${server.url}/templates`, { waitUntil: 'networkidle2' });
  await page.waitForSelector('[data-testid="templates"]');
  await looksRight(page, 'templates');
  await click(page, '[data-testid="template-card-salbutamol"] [data-testid="edit"]');
  await page.waitForSelector('[role="dialog"] [name="notes-en"]');
  await looksRight(page, 'template-dialog');
  await page.$eval('[role="dialog"] [name="notes-en"]', (area) => (area as HTMLTextAreaElement).select());
  await page.type('[role="dialog"] [name="notes-en"]', 'Shake well. ');
  await press(page, 'template-save');
  await toast(page, /is saved/);
  await says(page, '[data-testid="template-card-salbutamol"]', /Changed by /);
  await click(page, '[data-testid="template-card-salbutamol"] [data-testid="history"]');
  await says(page, '[data-testid="versions"]', /Version 2[\s\S]*Version 1[\s\S]*came with the release/);
  await page.keyboard.press('Escape');
  await page.waitForSelector('[data-testid="versions"]', { hidden: true });

  await openTab(page, 'tab-table');
  await page.waitForSelector('[data-testid="rows"]');
  expect(await textOf(page, 'main')).toMatch(/This is no drug knowledge base/);
  await looksRight(page, 'medication-table');
  await press(page, 'new-row');
  await page.waitForSelector('[role="dialog"] [name="name"]');
  await page.type('[role="dialog"] [name="name"]', 'Zorbaxil');
  await page.type('[role="dialog"] [name="groups"]', 'Nobody');
  await press(page, 'row-save');
  await says(page, '[role="dialog"] [data-testid="refusal"]', /has no group “Nobody”/);
  await page.$eval('[role="dialog"] [name="groups"]', (input) => (input as HTMLInputElement).select());
  await page.type('[role="dialog"] [name="groups"]', 'NSAIDs');
  await press(page, 'row-save');
  await toast(page, /row is saved/);
  await page.type('[data-testid="search"]', 'zorba');
  await says(page, '[data-testid="rows"]', /Zorbaxil/);

  const folder = await mkdtemp(join(tmpdir(), 'csss-table-'));
  const take = async (csv: string, name: string) => {
    const path = join(folder, name);
    await writeFile(path, csv);
    const input = (await page.waitForSelector('[data-testid="table-file"]')) as ElementHandle<HTMLInputElement>;
    await input.uploadFile(path);
  };
  const head = 'kind,name,other,names,codes,groups,rules,severity,text';
  await press(page, 'table-in');
  await take(`${head}\ninteraction,Zorbaxil,Nobody,,,,,high,Text.`, 'wrong.csv');
  await says(page, '[role="dialog"] [data-testid="refusal"]', /Line 2: .*“Nobody”/);
  await take(`${head}\ninteraction,Zorbaxil,Digoxin,,,,,high,Text.`, 'mended.csv');
  await says(page, '[data-testid="table-change"]', /add 1, change 0, remove 0/);
  expect(await barriers(page)).toEqual([]);
  await press(page, 'table-take');
  await toast(page, /taken in/);
  expect(faults).toEqual([]);
}, 120_000);
