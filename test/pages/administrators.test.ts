import { expect, test, vi } from 'vitest';
import { at, dialog, film, gone, picture, prescribeNothing, runAi, server, verify, withFourPeople } from '../harness/four-people.ts'; // prettier-ignore
import { barriers, openDialog, openTab, point, press, rowOf, says, toast } from '../harness/page-acts.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

// What administrators do all day: release with everything in view, find their places, look after the installation.
withFourPeople();

async function waiting(scan: string): Promise<void> {
  await film(scan);
  await runAi(scan);
  await verify(scan);
  await prescribeNothing(scan);
}

test('before a release stands what is sent, to whom, and how; the PDF is shown before it is released', async () => {
  await waiting('ADMIN-1');
  const page = await at('admin');
  await says(page, '[data-testid="menu-due"]', /[1-9]/);
  await openDialog(page, 'ADMIN-1', 'approve');
  await says(page, `${dialog} [data-testid="summary"]`, /Heart and lungs are normal\..*No medication\./s);
  await says(
    page,
    `${dialog} [data-testid="release-recipients"]`,
    /Arjun Rao.*patient.*after signing in.*@.*confirmed/s,
  );
  await press(page, 'preview');
  const frame = '[data-testid="preview-frame"]';
  await page.waitForSelector(frame);
  expect(await page.$eval(frame, (one) => (one as HTMLIFrameElement).src)).toMatch(/^blob:/);
  expect(await page.$eval(frame, (one) => one.getAttribute('title'))).toMatch(/ADMIN-1, not released/);
  await says(page, '[data-testid="report-preview"]', /It is not released/);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'approve');
  await press(page, 'approve-submit');
  await toast(page, /is released/);
  // The toast of the release has the PDF, by one button.
  await page.waitForFunction(() => [...document.querySelectorAll('[data-testid="toast-success"] button')].some((one) => /PDF/.test(one.textContent ?? ''))); // prettier-ignore
});

test('whoever finds something wrong sends it back from there, with a reason and all of it in view', async () => {
  await waiting('ADMIN-2');
  const page = await at('admin');
  await openDialog(page, 'ADMIN-2', 'approve');
  await press(page, 'turn-back');
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await press(page, 'send-back-submit');
  await says(page, dialog, /Write a reason/);
  await page.keyboard.type('The side is missing.');
  await says(page, `${dialog} [data-testid="summary"]`, /Heart and lungs are normal/);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'approve-send-back');
  // Closed by mistake: the reason is there again.
  await page.keyboard.press('Escape');
  await gone(page);
  await openDialog(page, 'ADMIN-2', 'approve');
  await page.waitForFunction((where: string) => document.querySelector<HTMLTextAreaElement>(`${where} textarea`)?.value === 'The side is missing.', {}, dialog); // prettier-ignore
  await press(page, 'send-back-submit');
  await toast(page, /sent back to the doctor/);
  await page.waitForFunction((row: string) => !document.querySelector(row), {}, rowOf('ADMIN-2'));
  const doctor = await at('doctor');
  await openTab(doctor, 'tab-toRead');
  await says(doctor, rowOf('ADMIN-2'), /The side is missing/);
});

test('one menu leads to all places, by keyboard, and counts what waits', async () => {
  await waiting('ADMIN-3');
  const page = await at('admin');
  await page.waitForSelector('[data-testid="menu-due"]');
  await page.focus('[data-testid="admin-menu"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role="menu"]');
  await says(page, '[data-testid="to-work"]', /Approvals.*1 waiting/s);
  const places = await page.$$eval('[role="menuitem"]', (all) => all.map((one) => one.getAttribute('data-testid')));
  for (const place of [
    'work',
    'studies',
    'users',
    'registrations',
    'clients',
    'remoteAes',
    'models',
    'deliveries',
    'audit',
    'system',
    'setup',
  ])
    expect(places).toContain(`to-${place}`);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'admin-menu');
  if (!(await page.$('[role="menu"]'))) await point(page, '[data-testid="admin-menu"]');
  await page.waitForSelector('[data-testid="to-system"]');
  await page.focus('[data-testid="to-audit"]');
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'to-system');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.pathname === '/system');
  await says(page, 'h1', /System/);
  // Others have no such counts, and none of the places that are not theirs.
  const doctor = await at('doctor');
  await point(doctor, '[data-testid="admin-menu"]');
  await doctor.waitForSelector('[data-testid="to-studies"]');
  expect(await doctor.$('[data-testid="to-system"]')).toBeNull();
  expect(await doctor.$('[data-testid="menu-due"]')).toBeNull();
});

test('the page of the system shows every part with what to do, and hears of what changes', async () => {
  const page = await at('admin', '/system');
  const state = (part: string) => `[data-part="${part}"]`;
  await page.waitForSelector(state('database'));
  for (const part of ['processes', 'workers', 'model', 'browser', 'schema', 'database', 'images', 'clock'])
    await page.waitForSelector(`${state(part)}[data-state="ok"]`);
  await says(page, state('database'), /connections in use/);
  await says(page, state('live'), /[1-9]\d* pages hear of changes/);
  await says(page, state('audit'), /never verified.*Begin that on its page/s);
  await says(page, '[data-testid="processes"]', /answers and works.*answers this page.*Works/s);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'system');
  // Nobody presses anything: another process is gone without a word.
  await server.system.sql.query(
    `insert into process_state (id, role, version, seen_at, parts, figures)
     values ('another', 'worker', '0.0.1', now() - interval '2 minutes', '{"server": true}', '{"memory": 10, "clockAhead": 0}')`,
  );
  await page.waitForSelector(`${state('processes')}[data-state="attention"]`);
  await says(page, state('processes'), /gives no sign of life.*start it again/s);
  await says(page, '[data-testid="processes"]', /Gives no sign of life/);
  await picture(page, 'system-silent');
  await server.system.sql.query(`delete from process_state where id = 'another'`);
  await page.waitForSelector(`${state('processes')}[data-state="ok"]`);
});
