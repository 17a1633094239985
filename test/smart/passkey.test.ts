import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { CDPSession, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeLink } from '../../server/core/accounts/one-time-link.ts';
import { openLetter } from '../../server/core/deliveries/post-mail.ts';
import type { Delivery } from '../../server/core/deliveries/delivery-store.ts';
import { newId } from '../../server/core/identifier.ts';
import { openBrowser, type TestBrowser } from '../harness/browser.ts';
import { focusOn } from '../harness/page-acts.ts';
import { authorizeUrl, freshCode, pkce, stepUp } from '../harness/sign-in.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// SCREENSHOTS=folder keeps pictures.
const email = 'reader@test.example';
const password = 'tortoise under a blue lamp';
let server: TestServer;
let browser: TestBrowser;

beforeAll(async () => {
  server = await startTestServer({
    workers: false,
    environment: { SECOND_FACTOR_ROLES: 'admin,doctor', MAIL_CODES: 'true' },
  });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

async function invite(address: string): Promise<string> {
  const id = newId();
  const { word } = await server.system.world.transaction(async (stores) => {
    const account = { id, email: address, passwordHash: null, role: 'doctor', displayName: 'Dr. Rita Reader' } as const;
    await stores.accounts.insert({ ...account, fhirUser: `Practitioner/${id}`, disabled: false });
    return makeLink(stores, { purpose: 'invitation', accountId: id, data: {} });
  });
  return `${server.url}/account/link/${word}`;
}

/** A security key that says yes, as far as Chromium's virtual one can be told from a real one. */
async function authenticator(page: Page): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.createCDPSession();
  await cdp.send('WebAuthn.enable');
  const options = {
    protocol: 'ctap2',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  } as const;
  return { cdp, ...(await cdp.send('WebAuthn.addVirtualAuthenticator', { options })) };
}

/** No accessibility fault by axe (WCAG 2.2 AA), nothing to scroll sideways at 360 px, and a picture if they are wanted. */
async function looked(page: Page, name: string): Promise<void> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const faults = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expect.soft(faults, name).toEqual([]);
  const folder = process.env.SCREENSHOTS;
  if (folder) mkdirSync(folder, { recursive: true });
  for (const width of [1280, 360]) {
    await page.setViewport({ width, height: 900 });
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect.soft(overflow, name).toBeLessThanOrEqual(0);
    if (folder)
      await page.screenshot({ path: join(folder, `${name}-${width}.png`) as `${string}.png`, fullPage: true });
  }
  await page.setViewport({ width: 1280, height: 800 });
}

const press = (page: Page, selector: string) => Promise.all([page.waitForNavigation(), page.click(selector)]);
const words = (page: Page) => page.$eval('main', (main) => main.textContent ?? '');

async function toSecondFactor(page: Page, parameters: Record<string, string> = {}): Promise<void> {
  await page.goto(authorizeUrl(server.url, pkce().challenge, { parameters }));
  await page.type('#email', email);
  await page.type('#password', password);
  await press(page, '#sign-in');
}

test('a person makes a passkey on the page of the link, signs in with it, and gives it again for a step-up', async () => {
  const { page, faults } = await browser.person();
  const { cdp, authenticatorId } = await authenticator(page);
  await page.goto(await invite(email));
  await looked(page, 'link-password');
  await page.type('#password', 'short');
  await press(page, 'button.main');
  await focusOn(page, 'error');
  await looked(page, 'link-password-refused');
  await page.type('#password', password);
  await page.click('[data-shows]');
  expect(await page.$eval('#password', (field) => field.getAttribute('type'))).toBe('text');
  await press(page, 'button.main');
  await looked(page, 'link-factor');
  await press(page, 'form[data-passkey] button');
  await looked(page, 'link-done');
  expect(await words(page)).toContain('Recovery codes');
  expect((await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials).toHaveLength(1);

  await toSecondFactor(page);
  await looked(page, 'passkey');
  expect(await page.$eval(':focus', (one) => one.textContent?.trim())).toBe('Use passkey');
  await press(page, 'form[data-passkey] button.main');
  expect(page.url()).toContain('/signed-in?code=');
  const [row] = await server.system.sql.query<{ counter: number; last_used_at: Date }>(
    `select counter, last_used_at from second_factor where kind = 'passkey'`,
  );
  expect(row!.counter).toBeGreaterThan(0);
  expect(row!.last_used_at).toBeInstanceOf(Date);

  await server.system.sql.query(
    `update oidc_payload set payload = jsonb_set(payload, '{loginTs}', '1') where model = 'Session'`,
  );
  await page.goto(authorizeUrl(server.url, pkce().challenge, { parameters: stepUp }));
  expect(await page.$('input[type=password]')).toBeNull();
  await looked(page, 'step-up');
  await press(page, 'form[data-passkey] button.main');
  expect(page.url()).toContain('/signed-in?code=');
  expect(faults.filter((text) => !/404|422|favicon/.test(text))).toEqual([]);
});

test('another key is not accepted, the page says so, and there are other ways', async () => {
  const { page } = await browser.person();
  await authenticator(page);
  await toSecondFactor(page);
  await page.click('form[data-passkey] button.main');
  await page.waitForSelector('[data-fault]:not([hidden])');
  expect(await page.$eval(':focus', (one) => one.hasAttribute('data-fault'))).toBe(true);
  await looked(page, 'passkey-fault');
  await page.$eval('form[data-passkey]', (form) => {
    const { elements, submit } = form as unknown as { elements: { response: { value: string } }; submit(): void };
    elements.response.value = JSON.stringify({
      id: 'x',
      rawId: 'x',
      type: 'public-key',
      response: {},
      clientExtensionResults: {},
    });
    submit.call(form);
  });
  await page.waitForSelector('#error');
  expect(await words(page)).toContain('The passkey was not accepted');
  await press(page, 'button[value=recovery]');
  await looked(page, 'recovery');
  await page.type('#code', 'AAAA-BBBB');
  await press(page, 'button.main');
  await focusOn(page, 'error');
  await looked(page, 'recovery-wrong');
});

test('a signature counter that does not grow is refused: it is that of a copy', async () => {
  await server.system.sql.query(`update second_factor set counter = 1000000 where kind = 'passkey'`);
  const { page } = await browser.person();
  const { cdp, authenticatorId } = await authenticator(page);
  // The key of the account, as a thief copied it.
  const url = await invite('copied@test.example');
  await page.goto(url);
  await page.type('#password', password);
  await press(page, 'button.main');
  await press(page, 'form[data-passkey] button');
  await server.system.sql.query(`update second_factor set counter = 1000000`);
  await page.goto(authorizeUrl(server.url, pkce().challenge, {}));
  await page.type('#email', 'copied@test.example');
  await page.type('#password', password);
  await press(page, '#sign-in');
  await press(page, 'form[data-passkey] button.main');
  expect(await words(page)).toContain('The passkey was not accepted');
  await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
});

test('the page for codes counts down, takes a pasted code, and shows what is wrong', async () => {
  const { page } = await browser.person();
  await page.goto(await invite('mail@test.example'));
  await page.type('#password', password);
  await press(page, 'button.main');
  await press(page, 'form[action$=mail] button');
  await page.goto(authorizeUrl(server.url, pkce().challenge, {}));
  await page.type('#email', 'mail@test.example');
  await page.type('#password', password);
  await press(page, '#sign-in');
  await focusOn(page, 'code');
  await looked(page, 'mail');
  const resend = 'form[action$=mail-code] button';
  expect(await page.$eval(resend, (button) => button.textContent)).toMatch(/^Send a new code \((5\d|60) s\)$/);
  expect(await page.$eval(resend, (button) => (button as unknown as { disabled: boolean }).disabled)).toBe(true);
  await page.type('#code', '000000');
  await press(page, 'button.main');
  await focusOn(page, 'error');
  await looked(page, 'mail-wrong');
  const [row] = await server.system.sql.query<Delivery>(
    `select id, content from delivery where recipient = 'mail@test.example' and kind = 'sign-in-code'`,
  );
  const code = /Your code is (\d{6})/.exec(openLetter(server.system.world.secrets, row!).text)![1]!;
  await page.$eval(
    '#code',
    (field, text) => {
      const clipboardData = new (
        globalThis as unknown as { DataTransfer: new () => { setData(type: string, text: string): void } }
      ).DataTransfer();
      clipboardData.setData('text', text);
      const Paste = (globalThis as unknown as { ClipboardEvent: new (type: string, init: object) => never })
        .ClipboardEvent;
      (field as unknown as { dispatchEvent(event: never): void }).dispatchEvent(
        new Paste('paste', { clipboardData, bubbles: true, cancelable: true }),
      );
    },
    ` Your code is ${code.slice(0, 3)} ${code.slice(3)} `,
  );
  expect(await page.$eval('#code', (field) => (field as unknown as { value: string }).value)).toBe(code);
  await press(page, 'button.main');
  expect(page.url()).toContain('/signed-in?code=');
});

test('people see and change their own factors by the routes of our own application', async () => {
  const { page } = await browser.person();
  await authenticator(page);
  const token = (await server.signIn('patient')).access_token;
  const call = (method: string, path: string, body?: unknown) =>
    fetch(`${server.url}/portal/me${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  expect(await (await call('GET', '/factors')).json()).toEqual({
    factors: [], mail: false, mailAllowed: true, recoveryCodesLeft: 0, required: false,
  }); // prettier-ignore
  expect((await call('POST', '/recovery-codes')).status).toBe(422);
  const { id, options } = (await (await call('POST', '/factors/passkey/options')).json()) as {
    id: string;
    options: object;
  };
  await page.goto(`${server.url}/account/link/none`);
  const response = await page.evaluate(
    `(${String(async (json: string) => {
      const made = await (
        globalThis as unknown as { askPasskey(kind: string, options: unknown): Promise<unknown> }
      ).askPasskey('create', JSON.parse(json));
      return made;
    })})(${JSON.stringify(JSON.stringify(options))})`,
  );
  const other = (await server.signIn('pharmacist')).access_token;
  const stolen = await fetch(`${server.url}/portal/me/factors/passkey`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${other}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ id, name: 'Mine', response }),
  });
  expect(stolen.status).toBe(409);
  const made = await call('POST', '/factors/passkey', { id, name: 'Blue key', response });
  expect([made.status, await made.json()]).toMatchObject([201, { factors: [{ kind: 'passkey', name: 'Blue key' }] }]);
  const codes = await call('POST', '/recovery-codes');
  expect([codes.status, await codes.json()]).toMatchObject([200, { codes: { length: 10 } }]);
  for (const [method, path, body] of [
    ['POST', '/recovery-codes'],
    ['POST', '/factors/passkey', { id, name: 'Again', response }],
    ['PUT', '/factors/mail', { on: true }],
    ['DELETE', '/factors/x'],
  ] as const)
    expect((await call(method, path, body)).status).toBe(401);
});

test('an app counts only after a code of it; the last factor of a role that must have one stays', async () => {
  const link = await invite('app@test.example');
  const { page } = await browser.person();
  await page.goto(link);
  await page.type('#password', password);
  await press(page, 'button.main');
  const secret = (await page.$eval('.secret', (one) => one.textContent ?? '')).replaceAll(' ', '');
  await page.type('#code', await freshCode(secret));
  await press(page, 'button.main');
  const token = (await server.signIn('doctor', { email: 'app@test.example', password, totp: secret })).access_token;
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${server.url}/portal/me${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, never> };
  };
  const first = (await call('GET', '/factors')).body as unknown as { factors: { id: string }[]; required: boolean };
  expect(first).toMatchObject({ factors: [{ kind: 'totp' }], recoveryCodesLeft: 10, required: true, mail: false });
  const refused = await call('DELETE', `/factors/${first.factors[0]!.id}`);
  expect(refused.status).toBe(422);
  expect(JSON.stringify(refused.body)).toContain('add another one before');
  const begun = (await call('POST', '/factors/totp')).body as unknown as Record<'id' | 'secret' | 'qr', string>;
  expect(begun.qr).toMatch(/^<svg/);
  expect(await call('GET', '/factors')).toMatchObject({ body: { factors: [{ kind: 'totp' }] } });
  expect((await call('POST', `/factors/totp/${begun.id}/confirm`, { code: '000000' })).status).toBe(400);
  const confirmed = await call('POST', `/factors/totp/${begun.id}/confirm`, { code: await freshCode(begun.secret) });
  expect(confirmed.body).toMatchObject({ factors: [{}, {}] });
  const gone = await Promise.all([first.factors[0]!.id, begun.id].map((id) => call('DELETE', `/factors/${id}`)));
  expect(gone.map(({ status }) => status).sort()).toEqual([204, 422]);
  expect((await call('DELETE', '/factors/constructor')).status).toBe(404);
});
