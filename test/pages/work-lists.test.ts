import type { Page } from 'puppeteer';
import { describe, expect, test, vi } from 'vitest';
import { barriers, click, openDialog, openTab, overflow, press, rowOf, says, toast } from '../harness/page-acts.ts';
import { at, browser, dialog, film, gone, pacs, picture, prescribeNothing, runAi, server, verify, withFourPeople } from '../harness/four-people.ts'; // prettier-ignore
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { signInByPage } from '../harness/browser.ts';
import { colleague, goodPassword } from '../harness/people.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

// The lists of work as people use them all day: found again, counted truly, by keyboard, with what comes next.
withFourPeople();

const figures = (page: Page) =>
  page.$$eval('[data-testid="cards"] dd', (all) => all.map((one) => one.textContent?.trim()));
const scans = (page: Page) =>
  page.$$eval('tr[data-row]', (all) => all.map((one) => one.getAttribute('data-testid')!.replace('scan-', '')));
const until = (page: Page, wanted: readonly string[]) =>
  page.waitForFunction(
    (names: string) =>
      JSON.stringify([...document.querySelectorAll('tr[data-row]')].map((one) => one.getAttribute('data-testid'))) === names, // prettier-ignore
    {},
    JSON.stringify(wanted.map((scan) => `scan-${scan}`)),
  );

async function look(page: Page, text: string): Promise<void> {
  await page.$eval('[data-testid="search"]', (field) => (field as HTMLInputElement).select());
  await page.type('[data-testid="search"]', text);
}

/** A head of somebody else: the AI is not asked about it. */
async function headOfOkafor(scan: string): Promise<void> {
  const head = imageFile({ study: newUid(), patientId: 'DEMO-1002', patientName: 'Okafor^Daniel', modality: 'CT', rows: 64, columns: 64, with: [['00100021', 'LO', 'CSSS-DEMO'], ['00080050', 'SH', scan], ['00180015', 'CS', 'HEAD'], ['00081030', 'LO', 'CT head']] }); // prettier-ignore
  expect((await (await pacs()).store([head])).status).toBe(200);
}

describe('the doctor’s list', () => {
  test('is sorted by its heads, by keyboard, and says so', async () => {
    await film('LIST-1');
    await film('LIST-2');
    await headOfOkafor('HEAD-1');
    const page = await at('doctor');
    await page.waitForSelector(rowOf('LIST-2'));
    const head = '[data-column="scan"]';
    expect(await page.$eval(head, (cell) => cell.getAttribute('aria-sort'))).toBe('none');
    await page.focus(`${head} button`);
    await page.keyboard.press('Enter');
    await page.waitForSelector(`${head}[aria-sort="ascending"]`);
    await page.waitForFunction(() => location.search.includes('sort=scan'));
    const up = await scans(page);
    await page.keyboard.press('Enter');
    await page.waitForSelector(`${head}[aria-sort="descending"]`);
    await until(page, up.toReversed());
    await page.keyboard.press('Enter');
    await page.waitForSelector(`${head}[aria-sort="none"]`);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'list-doctor');
  });

  test('is kept in the address: a reload, Back and "To my work list" find tab, filter, sort and search again', async () => {
    const page = await at('doctor');
    await openTab(page, 'tab-all');
    await press(page, 'filters');
    await page.select('[data-testid="filter-modality"]', 'DX');
    await click(page, '[data-column="scan"] button');
    await look(page, 'arjun rao');
    await page.waitForFunction(() => /tab=all&modality=DX&sort=scan/.test(location.search));
    const found = async () => {
      await page.waitForSelector('[data-testid="tab-all"][data-state="active"]');
      await page.waitForSelector('[data-column="scan"][aria-sort="ascending"]');
      await page.waitForFunction(() => document.querySelector<HTMLInputElement>('[data-testid="search"]')?.value === 'arjun rao'); // prettier-ignore
      await page.waitForSelector(rowOf('LIST-1'));
      // Rows of before may stand for a moment, dim, until the answer is there.
      await page.waitForFunction((other: string) => !document.querySelector(other), {}, rowOf('HEAD-1'));
    };
    await found();
    // What was typed is about a patient: it is in no address.
    expect(page.url()).not.toMatch(/rao/i);
    await page.reload();
    await found();
    await click(page, `${rowOf('LIST-1')} a[href^="/study/"]`);
    await page.waitForSelector('[data-testid="to-work-list"]');
    await press(page, 'to-work-list');
    await found();
    await page.waitForFunction((row: string) => document.activeElement?.matches(row), {}, rowOf('LIST-1'));
    await click(page, `${rowOf('LIST-1')} a[href^="/study/"]`);
    await page.waitForSelector('[data-testid="to-work-list"]');
    await page.reload();
    await page.waitForSelector('[data-testid="to-work-list"]');
    await press(page, 'to-work-list');
    await found();
    await click(page, `${rowOf('LIST-1')} a[href^="/study/"]`);
    await page.waitForSelector('[data-testid="to-work-list"]');
    await page.goBack();
    await found();
    await press(page, 'clear-filters');
    await page.waitForFunction(() => document.querySelector<HTMLInputElement>('[data-testid="search"]')?.value === '');
  });

  test('is worked through by keyboard: j, k, o, Enter and the sheet of keys', async () => {
    const page = await at('doctor');
    await page.waitForSelector('tr[data-row]');
    const [first, second] = await scans(page);
    const onRow = (scan: string | undefined) =>
      page.waitForFunction((row: string) => document.activeElement?.matches(row), {}, rowOf(scan ?? ''));
    await page.keyboard.press('j');
    await onRow(first);
    await page.keyboard.press('j');
    await onRow(second);
    await page.keyboard.press('k');
    await onRow(first);
    await page.keyboard.press('?');
    await page.waitForSelector('[data-testid="keys"]');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'keys');
    await page.keyboard.press('Escape');
    await gone(page);
    await onRow(first);
    await page.keyboard.press('/');
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'search');
    await page.keyboard.type('jjo?');
    expect(await page.$(dialog)).toBeNull();
    await page.$eval('[data-testid="search"]', (field) => (field as HTMLInputElement).select());
    await page.keyboard.press('Backspace');
    await page.waitForSelector(rowOf(first ?? ''));
    await page.focus(rowOf(first ?? ''));
    await page.keyboard.press('o');
    await page.waitForFunction(() => location.pathname.startsWith('/study/'));
  });

  test('says nothing "high" of an answer below the threshold, nor any number where the AI gave no answer', async () => {
    const page = await at('doctor');
    await openTab(page, 'tab-all');
    await page.waitForSelector(`${rowOf('HEAD-1')} [data-cell="prediction"]`);
    expect(await page.$(`${rowOf('HEAD-1')} [data-level]`)).toBeNull();
    const shown = await page.$$eval('tr[data-row]', (rows) =>
      rows.map((row) => [row.querySelector('[data-finding]')?.getAttribute('data-finding'), row.querySelector('[data-level]')?.getAttribute('data-level')])); // prettier-ignore
    for (const [finding, level] of shown) if (finding === 'Uncertain') expect(level).toBe('uncertain');
  });
});

describe('search', () => {
  test('finds by first and family name in any order, by record number, by scan, and by words of the reading', async () => {
    await runAi('LIST-1');
    await verify('LIST-1');
    await prescribeNothing('LIST-1');
    const page = await at('admin');
    await page.waitForSelector(rowOf('LIST-1'));
    for (const text of ['arjun rao', 'Rao, Arjun', 'DEMO-1001', 'list-1', 'lungs normal']) {
      await look(page, text);
      await says(page, '[data-testid="narrowed"]', /1 found/);
      await until(page, ['LIST-1']);
    }
    await look(page, 'okafor');
    await page.waitForSelector('[data-testid="empty"]');
    await picture(page, 'list-none');
    await press(page, 'clear-filters');
    await until(page, ['LIST-1']);
  });

  test('is saved as a view, and found again under its name after another sign-in', async () => {
    const page = await at('admin');
    await page.waitForSelector('[data-testid="scans"]');
    await openTab(page, 'tab-all');
    await press(page, 'filters');
    await page.select('[data-testid="filter-modality"]', 'CT');
    await until(page, ['HEAD-1']);
    await press(page, 'views');
    await press(page, 'save-view');
    await says(page, 'form[role="search"]', /Write a name/);
    await page.type('[data-testid="view-name"]', 'Only CT');
    await press(page, 'save-view');
    await says(page, '[data-testid="saved-views"]', /Only CT/);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'views');
    const later = await browser.person();
    await signInByPage(later.page, server.url, 'admin');
    await press(later.page, 'views');
    await click(later.page, '[data-testid="saved-views"] button');
    await until(later.page, ['HEAD-1']);
    await later.page.browserContext().close();
  });
});

describe('counts', () => {
  test('are true before and after an act, whatever page or filter is shown', async () => {
    const page = await at('pharmacist');
    await page.waitForSelector('[data-testid="empty"]');
    // LIST-1 was completed today, by this very act.
    expect(await figures(page)).toEqual(['0', '0', '0', '1']);
    await runAi('LIST-2');
    await verify('LIST-2');
    await page.bringToFront();
    await page.waitForSelector(rowOf('LIST-2'));
    await page.waitForFunction(() => document.querySelector('[data-testid="cards"] dd')?.textContent?.trim() === '1');
    expect(await figures(page)).toEqual(['1', '1', '0', '1']);
    await look(page, 'nobody of that name');
    await page.waitForSelector('[data-testid="empty"]');
    expect(await figures(page)).toEqual(['1', '1', '0', '1']);
    await says(page, '[data-testid="tab-toPrescribe"]', /0/);
    await press(page, 'clear-filters');
    const doctor = await at('doctor');
    await doctor.waitForFunction(() => document.querySelectorAll('[data-testid="cards"] dd')[2]?.textContent?.trim() === '2'); // prettier-ignore
    const admin = await at('admin');
    await admin.waitForFunction(() => document.querySelector('[data-testid="cards"] dd')?.textContent?.trim() === '1');
    expect(await figures(admin)).toEqual(['1', '1', '0', '1']);
  });

  test('are zero, and the list says what to do, when only a sign was typed', async () => {
    const page = await at('doctor');
    await openTab(page, 'tab-all');
    for (const sign of ['%', '😀']) {
      await look(page, sign);
      await says(page, 'main', /Nothing fits/);
      await says(page, '[data-testid="tab-all"]', /All\s*0/);
    }
    await press(page, 'clear-filters');
  });

  test('of tabs are what a search finds in each', async () => {
    const page = await at('doctor');
    await page.waitForSelector('[data-testid="tab-all"]');
    await look(page, 'list-2');
    await says(page, '[data-testid="tab-all"]', /All\s*1/);
    await says(page, '[data-testid="tab-verified"]', /Verified\s*1/);
    await says(page, '[data-testid="tab-pending"]', /Pending\s*0/);
    await press(page, 'clear-filters');
    await says(page, '[data-testid="tab-all"]', /All\s*3/);
  });
});

describe('a dialog', () => {
  test('stays with its text while the list changes and its row goes, says who was faster, and lets the text be copied', async () => {
    await film('TWO-1');
    const page = await runAi('TWO-1');
    await openDialog(page, 'TWO-1', 'verify');
    await page.type(`${dialog} form > div:last-child textarea`, 'Half a reading.');
    // More work comes: rows move.
    await film('TWO-2');
    // Another doctor reads the same scan meanwhile.
    const other = await colleague(server, 'swift', 'doctor');
    const person = await browser.person();
    await signInAs(person.page, other.email);
    await openTab(person.page, 'tab-toRead');
    await openDialog(person.page, 'TWO-1', 'verify');
    await person.page.select(`${dialog} select`, 'Normal');
    await person.page.type(`${dialog} form > div:last-child textarea`, 'Read by another.');
    await press(person.page, 'verify-submit');
    await toast(person.page, /verified/);
    await person.page.browserContext().close();

    await page.bringToFront();
    await page.select(`${dialog} select`, 'Normal');
    await press(page, 'verify-submit');
    await says(page, '[data-testid="step-news"]', /Colleague acted on this first \(done/);
    expect(await page.$(rowOf('TWO-1'))).toBeNull();
    expect(await page.$eval(`${dialog} form > div:last-child textarea`, (area) => (area as HTMLTextAreaElement).value)).toBe('Half a reading.'); // prettier-ignore
    await press(page, 'copy-text');
    await toast(page, /Copied/);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'dialog-too-late');
    await page.keyboard.press('Escape');
    await gone(page);
    await page.waitForFunction(() => document.activeElement?.id === 'page');
  });

  test('that is closed keeps a reading that was begun', async () => {
    const page = await runAi('TWO-2');
    await openDialog(page, 'TWO-2', 'verify');
    await page.type(`${dialog} form > div:last-child textarea`, 'Begun.');
    await page.keyboard.press('Escape');
    await gone(page);
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'verify');
    await openDialog(page, 'TWO-2', 'verify');
    expect(await page.$eval(`${dialog} form > div:last-child textarea`, (area) => (area as HTMLTextAreaElement).value)).toBe('Begun.'); // prettier-ignore
    await page.keyboard.press('Escape');
    await gone(page);
  });

  test('of a row that another one has acted on meanwhile is not opened, and says why', async () => {
    const page = await at('doctor');
    await openTab(page, 'tab-toRead');
    await page.waitForSelector(`${rowOf('TWO-2')} [data-testid="verify"]`);
    // The page does not hear of it: what it shows is old when it is clicked.
    await page.setOfflineMode(false);
    await page.evaluate(() => Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true })); // prettier-ignore
    const other = await colleague(server, 'early', 'doctor');
    const person = await browser.person();
    await signInAs(person.page, other.email);
    await openTab(person.page, 'tab-toRead');
    await openDialog(person.page, 'TWO-2', 'verify');
    await person.page.select(`${dialog} select`, 'Normal');
    await person.page.type(`${dialog} form > div:last-child textarea`, 'First.');
    await press(person.page, 'verify-submit');
    await toast(person.page, /verified/);
    await person.page.browserContext().close();
    await page.bringToFront();
    await click(page, `${rowOf('TWO-2')} [data-testid="verify"]`);
    await toast(page, /TWO-2: .*Colleague was faster/);
    await page.waitForFunction((row: string) => !document.querySelector(row), {}, rowOf('TWO-2'));
  });

  test('that has done its act leads to the next one', async () => {
    await film('NEXT-1');
    await film('NEXT-2');
    await runAi('NEXT-1');
    const page = await runAi('NEXT-2');
    await page.waitForSelector(rowOf('NEXT-1'));
    await verifyOpen(page, 'NEXT-1');
    await says(page, '[data-testid="next"]', /NEXT-2/);
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'next-act');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'next');
    await page.keyboard.press('Enter');
    await says(page, dialog, /NEXT-2/);
    await page.keyboard.press('Escape');
    await gone(page);
  });
});

test('several are claimed at one go; what another one holds is refused with its reason', async () => {
  const page = await at('doctor');
  await openTab(page, 'tab-toRead');
  await page.waitForSelector(rowOf('NEXT-2'));
  const all = (await page.$$('[data-testid="choose"]')).length;
  await press(page, 'choose-all');
  await says(page, '[data-testid="claim-bar"]', new RegExp(`${all} chosen`));
  await picture(page, 'claim');
  await press(page, 'claim');
  await toast(page, /are yours now/);
  await says(page, `${rowOf('NEXT-2')} [data-testid="holder"]`, /Claimed by you/);
  await page.waitForFunction(() => !document.querySelector('[data-testid="claim-bar"]'));
  await press(page, 'filters');
  await press(page, 'filter-mine');
  await page.waitForSelector(rowOf('NEXT-2'));
});

test('the list of studies finds by QIDO-RS, in any order, and opens the viewer', async () => {
  await headOfOkafor('HEAD-2');
  const page = await at('doctor', '/studies');
  await page.waitForSelector('[data-testid="studies"]');
  await page.type('[data-testid="study-PatientName"]', 'dan okaf');
  const names = () =>
    page.$$eval('tr[data-uid] td:nth-child(2)', (cells) => cells.map((cell) => cell.textContent ?? ''));
  await page.waitForFunction(() => document.querySelector('tr[data-uid]') && [...document.querySelectorAll('tr[data-uid] td:nth-child(2)')].every((cell) => /Okafor/.test(cell.textContent ?? ''))); // prettier-ignore
  expect((await names()).length).toBeGreaterThan(0);
  expect(page.url()).not.toMatch(/okaf/);
  await page.select('[data-testid="study-ModalitiesInStudy"]', 'CT');
  await page.waitForFunction(() => document.querySelectorAll('tr[data-uid]').length > 0);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'studies');
  await click(page, '[data-column="date"] button');
  await page.waitForSelector('[data-column="date"][aria-sort="ascending"]');
  await press(page, 'open-study');
  await page.waitForSelector('[data-testid="viewport"][data-image="drawn"]');
  await page.goBack();
  await page.waitForSelector('tr[data-uid]');
  expect(await page.$eval('[data-testid="study-PatientName"]', (field) => (field as HTMLInputElement).value)).toBe('dan okaf'); // prettier-ignore
});

test.each([1920, 1440, 1280, 1024, 390])('the lists fit %i pixels', async (width) => {
  for (const role of ['doctor', 'pharmacist', 'admin'] as const) {
    const page = await at(role);
    await page.waitForSelector('[data-testid="scans"], [data-testid="empty"]');
    for (const tab of {
      doctor: ['tab-all', 'tab-verified'],
      pharmacist: ['tab-prescribed'],
      admin: ['tab-all', 'tab-released'],
    }[role]) {
      await page.setViewport({ width, height: 900 });
      await openTab(page, tab);
      await page.waitForFunction((id: string) => document.querySelector(`[data-testid="${id}"][data-state="active"]`), {}, tab); // prettier-ignore
      await page.waitForSelector('[data-testid="scans"], [data-testid="empty"]');
      expect.soft([role, tab, (await overflow(page)) <= 0]).toEqual([role, tab, true]);
    }
    await page.setViewport({ width: 1280, height: 800 });
  }
});

async function signInAs(page: Page, email: string): Promise<void> {
  await page.goto(server.url, { waitUntil: 'networkidle2' });
  await press(page, 'sign-in');
  await page.waitForSelector('input[type="password"]');
  await page.type('input[name="email"]', email);
  await page.type('input[type="password"]', goodPassword);
  await Promise.all([page.waitForNavigation(), page.click('button[type="submit"]')]);
  await page.waitForFunction(() => location.pathname === '/doctor');
}

async function verifyOpen(page: Page, scan: string): Promise<void> {
  await openDialog(page, scan, 'verify');
  await page.select(`${dialog} select`, 'Normal');
  await page.type(`${dialog} form > div:last-child textarea`, 'Normal.');
  const why = await page.$(`${dialog} [data-testid="disagreement"] textarea`);
  await why?.type('It is a fold.');
  await press(page, 'verify-submit');
  await toast(page, new RegExp(`${scan} is verified`));
  await gone(page);
}
