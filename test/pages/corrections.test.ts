import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiagnosticReport } from '@medplum/fhirtypes';
import { describe, expect, test, vi } from 'vitest';
import { caller, type Caller } from '../harness/calls.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import {
  server,
  dialog,
  picture,
  pacs,
  staff,
  at,
  arjun,
  patientOf,
  type Film,
  film,
  anotherSeries,
  runAi,
  sign,
  verify,
  prescribeNothing,
  release,
  gone,
  wordsOf,
  withFourPeople,
} from '../harness/four-people.ts';
import { barriers, click, openDialog, openRareAct, openTab, press, rowOf, says, toast } from '../harness/page-acts.ts';

// The model reads and a browser draws on a machine that may be busy: waiting long is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

// What goes wrong around a review, and how people put it right on the pages.
withFourPeople();

describe('wrong patient, found after the release', () => {
  let wrong: Film;

  test('the conclusion has no preselected choice, and one that is not the AI’s asks why', async () => {
    wrong = await film('WRONG-1');
    const page = await runAi(wrong.scan);
    await openDialog(page, wrong.scan, 'verify');
    expect(await page.$eval(`${dialog} select`, (select) => (select as HTMLSelectElement).value)).toBe('');
    await press(page, 'verify-submit');
    await says(page, dialog, /Choose your own conclusion[\s\S]*Write your clinical notes/);
    await picture(page, 'verify-refused');
    await sign(page, 'Lung_Opacity', 'Opacity behind the heart.');
    await says(page, dialog, /Write why you differ from the AI/);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'verify-differs');
    await page.type(`${dialog} [data-testid="disagreement"] textarea`, 'The AI does not look behind the heart. '.repeat(12)); // prettier-ignore
    await press(page, 'verify-submit');
    await toast(page, /verified/);
  });

  test('the admin sees why, and must confirm', async () => {
    await prescribeNothing(wrong.scan);
    const page = await at('admin');
    await openDialog(page, wrong.scan, 'approve');
    await says(page, '[data-testid="discordance"]', /differs from the AI[\s\S]*behind the heart/);
    await press(page, 'approve-submit');
    await says(page, '[data-testid="discordance"]', /Confirm that you have seen this/);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'approve-differs');
    await press(page, 'discordance-confirmed');
    await press(page, 'approve-submit');
    await toast(page, /is released/);
  });

  test('the doctor moves the study by name; the wrong patient sees nothing of it, not even on a page that is open', async () => {
    const patient = await at('patient', `/study/${wrong.id}`);
    await patient.waitForSelector('[data-testid="viewport"][data-image="drawn"]');
    await patient.waitForSelector('[data-testid="report-pdf"]');

    const page = await at('doctor', `/study/${wrong.id}`);
    await page.waitForSelector('[data-testid="viewport"][data-image="drawn"]');
    await openRareAct(page, 'aside', 'move');
    await press(page, 'move-submit');
    await says(page, dialog, /Look for the right patient[\s\S]*Write a reason/);
    await page.type(`${dialog} input[type="text"]`, 'nobody of that name');
    await says(page, dialog, /Nobody was found/);
    await page.$eval(`${dialog} input[type="text"]`, (field) => (field as HTMLInputElement).select());
    await page.type(`${dialog} input[type="text"]`, 'okafor dan\n');
    await says(page, '[data-testid="move-candidates"]', /Daniel Okafor · DEMO-1002/);
    expect(await wordsOf(page, '[data-testid="move-warning"]')).toMatch(/can no longer read it and is told/);
    await press(page, 'move-submit');
    await says(page, dialog, /Choose the right patient/);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'move');
    await page.click('[data-testid="move-candidates"] input');
    await page.type(`${dialog} textarea`, 'Two cassettes were swapped.');
    await press(page, 'move-submit');
    await toast(page, /moved. A new review has begun/);
    await says(page, '[data-testid="patient-banner"] h1', /Okafor/);
    await page.waitForSelector('aside [data-status="PENDING_AI"]');
    expect(await page.$('[data-testid="mismatch"]')).toBeNull();
    await picture(page, 'study-moved');

    await patient.bringToFront();
    await patient.waitForFunction(
      () => !document.querySelector('[data-testid="viewport"], [data-testid="report-pdf"]'),
    );
    await picture(patient, 'study-of-wrong-patient');
    await at('patient');
    await says(patient, '[data-testid="scan-withdrawn"]', /not valid any more/);
    expect(await patient.evaluate(() => document.body.innerText)).not.toContain(wrong.scan);
  });

  test('the mail about it is there, the right patient’s review is read, and lists show the new one only', async () => {
    const mailbox = await at('patient', '/demo/mailbox');
    await says(mailbox, '[data-testid="mails"]', /withdrawn/i);
    await picture(mailbox, 'mail-of-withdrawal');
    await runAi(wrong.scan);
    await verify(wrong.scan);
    const page = await at('doctor');
    await openTab(page, 'tab-all');
    await page.waitForSelector(`${rowOf(wrong.scan)}[data-review="DOCTOR_VERIFIED"]`);
    expect(await page.$$(rowOf(wrong.scan))).toHaveLength(1);
    await openTab(page, 'tab-ended');
    await page.waitForSelector(`${rowOf(wrong.scan)}[data-review="RETRACTED"]`);
    await click(page, `${rowOf(wrong.scan)} a[href^="/study/"]`);
    await page.waitForSelector('aside [data-status="DOCTOR_VERIFIED"]');
  });
});

describe('a second series', () => {
  let late: Film;

  test('after the reading: the pharmacist’s step is gone, and the doctor cannot sign without having seen it', async () => {
    late = await film('LATE-1');
    await runAi(late.scan);
    await verify(late.scan);
    const pharmacist = await at('pharmacist');
    await openDialog(pharmacist, late.scan, 'prescribe');
    await anotherSeries(late, '2');
    // Whoever writes meanwhile keeps the dialog, and is told why it cannot be sent.
    await pharmacist.click(`${dialog} input[type="radio"]:not(:checked)`);
    await pharmacist.type(`${dialog} textarea`, 'No medication.');
    await press(pharmacist, 'prescribe-submit');
    await pharmacist.waitForSelector(`${dialog} [data-testid="refusal"]`);
    await picture(pharmacist, 'prescribe-called-off');
    await pharmacist.keyboard.press('Escape');
    await pharmacist.waitForFunction((row: string) => !document.querySelector(row), {}, rowOf(late.scan));

    const page = await at('doctor');
    await openTab(page, 'tab-toRead');
    await says(page, `${rowOf(late.scan)} [data-testid="news"]`, /1 new image since your reading/);
    await picture(page, 'doctor-list-news');
    await openDialog(page, late.scan, 'verify');
    await says(page, '[data-testid="image-update"]', /1 new image since your reading/);
    await sign(page, 'Normal', 'Normal on the second series, too.');
    await says(page, '[data-testid="image-update"]', /Confirm that you have seen the images/);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'verify-new-images');
    await press(page, 'images-seen');
    await press(page, 'verify-submit');
    await toast(page, /verified/);
    await prescribeNothing(late.scan);
    await release(late.scan);
  });

  test('after the release: an addendum is owed, written, released, and the patient has version 2', async () => {
    const open = await at('doctor', `/study/${late.id}`);
    await open.waitForSelector('[data-testid="viewport"][data-image="drawn"]');
    await anotherSeries(late, '3');
    await open.waitForSelector('[data-testid="new-images"]');
    await picture(open, 'study-new-images');
    await click(open, '[data-testid="new-images"] button');
    await open.waitForSelector('[data-testid="series-3"]');
    const page = await at('doctor');
    await openTab(page, 'tab-toRead');
    await says(page, `${rowOf(late.scan)} [data-testid="news"]`, /1 new image since the release/);
    await openDialog(page, late.scan, 'amend');
    await page.type(`${dialog} form > div:last-child textarea`, 'The third series shows no more than the others.');
    await press(page, 'images-seen');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'amend-addendum');
    await press(page, 'verify-submit');
    await toast(page, /on its way to release/);

    const admin = await at('admin');
    await openDialog(admin, late.scan, 'approve');
    await says(admin, '[data-testid="summary"]', /Pharmacist’s notes\s*No medication/);
    await says(admin, '[data-testid="amendment-words"]', /1 new image since the release[\s\S]*no more than the others/); // prettier-ignore
    expect(await barriers(admin)).toEqual([]);
    await picture(admin, 'approve-addendum');
    await press(admin, 'approve-submit');
    await toast(admin, /is released/);

    const patient = await at('patient');
    await says(patient, '[data-testid="latest"]', /Addendum 1[\s\S]*no more than the others/);
    await picture(patient, 'patient-version-2');
    const pdf = patient.waitForResponse((answer) => answer.url().includes('/fhir/Binary/'));
    await click(patient, '[data-testid="latest"] [data-testid="report-pdf"]');
    const url = (await pdf).url();
    const reader = caller(server, (await server.signIn('patient')).access_token);
    const [report] = await reader.search<DiagnosticReport>('DiagnosticReport?status=appended');
    expect(url).toContain(report!.presentedForm![0]!.url!);
    expect(await printed(reader, url)).toMatch(/Version 2\. Replaces version 1/);
  });

  test('while the doctor writes: what is written stays, and the new images have to be seen', async () => {
    const growing = await film('LATE-2');
    const page = await runAi(growing.scan);
    await openDialog(page, growing.scan, 'verify');
    await page.type(`${dialog} form > div:last-child textarea`, 'Long notes. '.repeat(80));
    await page.select(`${dialog} select`, 'Normal');
    await press(page, 'verify-submit');
    await toast(page, /verified/);
    // Once more, claimed and begun this time: taken back, and images come under the doctor's hands.
    await openTab(page, 'tab-verified');
    await openRareAct(page, rowOf(growing.scan), 'amend');
    await page.type(`${dialog} textarea`, 'Another look.');
    await press(page, 'reason-submit');
    await toast(page, /waits for your reading again/);
    await openTab(page, 'tab-toRead');
    await openDialog(page, growing.scan, 'verify');
    await anotherSeries(growing, '2');
    await sign(page, 'Normal', 'Written before they came.');
    await page.waitForSelector(`${dialog} [data-testid="image-update"]`);
    await picture(page, 'verify-images-came');
    expect(await page.$eval(`${dialog} form > div:last-child textarea`, (area) => (area as HTMLTextAreaElement).value)).toBe('Written before they came.'); // prettier-ignore
    await press(page, 'images-seen');
    await press(page, 'verify-submit');
    await gone(page);
    await toast(page, /verified/);
  });
});

async function printed(reader: Caller, url: string): Promise<string> {
  const answer = await reader.get(new URL(url).pathname, { Accept: 'application/pdf' });
  expect(answer.status).toBe(200);
  const file = join(mkdtempSync(join(tmpdir(), 'report-')), 'report.pdf');
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  return execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' });
}

describe('what ends without a report', () => {
  test('a review is cancelled by keyboard alone, and Escape leaves everything as it was', async () => {
    const { scan, id } = await film('CANCEL-1');
    const page = await at('doctor', `/study/${id}`);
    const menu = await page.waitForSelector('aside [data-testid="more"]');
    await menu!.focus();
    const choose = async (act: string) => {
      await page.keyboard.press('Enter');
      await page.waitForSelector(`[data-testid="act-${act}"]`);
      for (let tries = 0; tries < 8 && !(await page.$(`[data-testid="act-${act}"]:focus`)); tries++)
        await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForSelector(dialog);
    };
    await choose('cancel');
    await page.keyboard.press('Escape');
    await gone(page);
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'more');
    await choose('cancel');
    await page.waitForFunction(() => document.querySelector('[role="dialog"]')?.contains(document.activeElement));
    for (let tries = 0; tries < 6 && !(await page.$(`${dialog} textarea:focus`)); tries++)
      await page.keyboard.press('Tab');
    await page.keyboard.type('Not needed any more.');
    await picture(page, 'cancel');
    for (let tries = 0; tries < 6 && !(await page.$('[data-testid="reason-submit"]:focus')); tries++)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await toast(page, /is cancelled/);
    await page.waitForSelector('aside [data-status="CANCELLED"]');
    await at('doctor');
    await openTab(page, 'tab-all');
    await page.waitForSelector(`${rowOf(scan)}[data-review="CANCELLED"]`);
    const patient = await at('patient');
    await patient.waitForSelector(`${rowOf(scan)}[data-review="CANCELLED"]`);
    const figures = await patient.$$eval('dl dd', (all) => all.map((one) => one.textContent?.trim()));
    const counted = (await patient.$$eval('li[data-review]', (rows) => rows.map((row) => row.getAttribute('data-review')))); // prettier-ignore
    expect(figures[2]).toBe(String(counted.filter((one) => !['REPORT_READY', 'CANCELLED', 'REJECTED', 'RETRACTED'].includes(one!)).length)); // prettier-ignore
  });

  test('a released report is withdrawn by the admin, and the patient cannot read it any more', async () => {
    const page = await at('admin');
    await openTab(page, 'tab-released');
    await openRareAct(page, rowOf('LATE-1'), 'retract');
    await press(page, 'reason-submit');
    await says(page, dialog, /Write a reason/);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'retract');
    await page.type(`${dialog} textarea`, 'The films are of another examination.');
    await press(page, 'reason-submit');
    await toast(page, /is withdrawn/);
    const patient = await at('patient');
    await patient.waitForSelector('[data-testid="scans"], [data-testid="empty"]');
    expect(await patient.$(rowOf('LATE-1'))).toBeNull();
  });

  test('who asks for the move without the right to is told what to do', async () => {
    const { id } = await film('SCOPE-1');
    const page = await at('doctor', `/study/${id}`);
    await page.waitForSelector('aside [data-testid="more"]');
    // A session from before the viewer asked for the right to change studies.
    const old = await server.signIn('doctor', { scope: 'openid fhirUser user/*.rs user/Task.u' });
    await page.evaluate((token) => {
      const key = Object.keys(sessionStorage).find((name) => name.includes('user:'))!;
      const kept = JSON.parse(sessionStorage.getItem(key)!) as object;
      sessionStorage.setItem('kept', JSON.stringify(kept));
      sessionStorage.setItem(key, JSON.stringify({ ...kept, access_token: token }));
    }, old.access_token);
    await page.reload();
    await page.waitForSelector('aside [data-testid="more"]');
    await openRareAct(page, 'aside', 'move');
    await page.type(`${dialog} input[type="text"]`, 'DEMO-1002');
    await page.waitForSelector('[data-testid="move-candidates"] input');
    await page.click('[data-testid="move-candidates"] input');
    await page.type(`${dialog} textarea`, 'Swapped.');
    await press(page, 'move-submit');
    const told = await page.waitForSelector(`${dialog} [data-testid="refusal"]`);
    await picture(page, 'move-refused');
    expect(await told!.evaluate((note) => note.textContent)).toMatch(/sign (out and )?in again/i);
    await page.evaluate(() => {
      const key = Object.keys(sessionStorage).find((name) => name.includes('user:'))!;
      sessionStorage.setItem(key, sessionStorage.getItem('kept')!);
    });
  });
});

test('a CT of the spine says that the AI was not asked: nothing to run, no confidence', async () => {
  const spine = imageFile({ study: newUid(), patientId: arjun.patientId, patientName: arjun.patientName, rows: 64, columns: 64, with: patientOf([['00080050', 'SH', 'SPINE-1'], ['00180015', 'CS', 'CSPINE'], ['00081030', 'LO', 'CT cervical spine']]) }); // prettier-ignore
  expect((await (await pacs()).store([spine])).status).toBe(200);
  const page = await at('doctor');
  await openTab(page, 'tab-toRead');
  await page.waitForSelector(`${rowOf('SPINE-1')}[data-review="AI_SKIPPED"] [data-testid="verify"]`);
  expect(await page.$(`${rowOf('SPINE-1')} [data-level], ${rowOf('SPINE-1')} [data-testid="analyze"]`)).toBeNull();
  await click(page, `${rowOf('SPINE-1')} a[href^="/study/"]`);
  await says(page, '[data-testid="not-eligible"]', /AI was not asked/);
  expect(await page.$('aside [data-level]')).toBeNull();
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'study-spine');
  await press(page, 'verify');
  await page.waitForSelector(dialog);
  const codes = await page.$$eval(`${dialog} option`, (all) => all.map((one) => one.getAttribute('value')));
  expect(codes).toContain('no-fracture');
  expect(codes).not.toContain('COVID');
});

describe('whose images are', () => {
  test('the admin decides a case with a number and no issuer: it is the same person', async () => {
    const name = `Rao^Arjun${' Maximilian'.repeat(4)}`;
    const unclear = imageFile({ study: newUid(), patientId: arjun.patientId, patientName: name, rows: 64, columns: 64, with: [['00080050', 'SH', 'WHOSE-1']] }); // prettier-ignore
    expect((await (await pacs()).store([unclear])).status).toBe(200);
    const page = await at('admin');
    await says(page, '[data-testid="identity-queue"]', /DEMO-1001/);
    await picture(page, 'identity-queue');
    await press(page, 'identity-decide');
    await page.waitForSelector(dialog);
    await press(page, 'identity-submit');
    await says(page, dialog, /Choose a decision[\s\S]*Write a reason/);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'identity');
    await page.click('[data-testid="identity-choices"] input');
    await page.type(`${dialog} textarea`, 'Same birth date and address.');
    await press(page, 'identity-submit');
    await toast(page, /Decided/);
    await page.waitForFunction(() => !document.querySelector('[data-testid="identity-queue"]'));
  });

  test('images that are held are taken in or thrown away, never given to a third', async () => {
    const [study, instance] = [newUid(), newUid()];
    const image = (patientName: string, id: string) =>
      imageFile({ study, series: `${study}.1`, instance, patientId: id, patientName, rows: 64, columns: 64, pixels: new Uint8Array(64 * 64 * 2), with: [['00100021', 'LO', 'CSSS-DEMO'], ['00080050', 'SH', 'HELD-1']] }); // prettier-ignore
    expect((await (await pacs()).store([image(arjun.patientName, arjun.patientId)])).status).toBe(200);
    await (await pacs()).store([image('Okafor^Daniel', 'DEMO-1002')]);
    const page = await at('admin');
    await press(page, 'identity-decide');
    await says(page, dialog, /1 image is kept apart/);
    await picture(page, 'identity-held');
    const labels = await page.$$eval('[data-testid="identity-choices"] label', (all) => all.map((one) => one.textContent?.trim())); // prettier-ignore
    expect(labels.at(-1)).toMatch(/throw them away/);
    await page.$$eval('[data-testid="identity-choices"] input', (all) => all.at(-1)!.click());
    await page.type(`${dialog} textarea`, 'Sent by mistake.');
    await press(page, 'identity-submit');
    await toast(page, /Decided/);
  });
});

test('nobody waits for a Task that has ended: no list of the staff holds one', async () => {
  const ended = await (await staff()).search('Task?business-status=CANCELLED,RETRACTED');
  expect(ended.length).toBeGreaterThan(1);
  for (const role of ['doctor', 'pharmacist', 'admin'] as const) {
    const page = await at(role);
    await page.waitForSelector('[data-testid="scans"], [data-testid="empty"]');
    for (const tab of role === 'doctor' ? ['tab-pending', 'tab-toRead'] : []) {
      await openTab(page, tab);
      expect(await page.$('[data-review="CANCELLED"], [data-review="RETRACTED"]')).toBeNull();
    }
    expect(await page.$('[data-review="CANCELLED"], [data-review="RETRACTED"]')).toBeNull();
  }
});
