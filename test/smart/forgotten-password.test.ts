import { afterAll, beforeAll, expect, test } from 'vitest';
import { colleague, goodPassword, linkIn, mailsTo, mailTo, openForm, screens } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { Browser, postToken, signIn } from '../harness/sign-in.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const newPassword = 'nine loud kettles under glass';
const forgetTries = () => server.system.sql.query(`delete from sign_in_attempt`);

async function ask(email: string) {
  await forgetTries();
  return (await openForm(server, '/account/forgotten')).submit({ email });
}

test('the link sets a new password, once, and ends every sign-in and token', async () => {
  const { email } = await colleague(server, 'forgets', 'doctor');
  const browser = new Browser(server.url);
  const tokens = await signIn(server.url, { email, password: goodPassword, browser });
  await ask(email);
  const mail = await mailTo(server, email, /new password/);
  const path = linkIn(mail);
  await openForm(server, path); // a mail scanner uses nothing up
  const form = await openForm(server, path);
  expect((await form.submit({ password: 'forgets@staff.example' })).html).toContain('aria-invalid');
  expect((await form.submit({ password: newPassword })).html).toContain('Your password is changed');
  expect((await form.submit({ password: goodPassword })).status).toBe(410);
  expect((await screens(server, tokens.access_token)('GET', '/portal/me')).status).toBe(401);
  const fields = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token!, client_id: 'csss-viewer' };
  expect((await postToken(server.url, fields)).status).toBe(400);
  expect((await browser.request('/connected-apps')).status).toBe(401);
  await expect(signIn(server.url, { email, password: goodPassword })).rejects.toMatchObject({ status: 403 });
  await signIn(server.url, { email, password: newPassword });
  await mailTo(server, email, /Your password was changed/);
});

test('known, unknown, disabled and invited addresses get the same page in the same time; the mail alone differs', async () => {
  const invited = 'invited@staff.example';
  const admin = screens(server, (await server.signIn('admin')).access_token);
  await admin('POST', '/portal/users', { email: invited, role: 'doctor', given: 'In', family: 'Vited' });
  const gone = await colleague(server, 'gone', 'doctor');
  await admin('POST', `/portal/users/${gone.id}/disable`);
  const addresses = ['doctor@demo.csss.example', 'nobody@home.example', gone.email, invited, 'no address at all'];
  const times = new Map<string, number[]>(addresses.map((one) => [one, []]));
  const pages = new Set<string>();
  for (let round = 0; round < 3; round++)
    for (const email of addresses) {
      const start = performance.now();
      const { status, html } = await ask(email);
      times.get(email)!.push(performance.now() - start);
      pages.add(`${status} ${html}`);
    }
  expect(pages.size).toBe(1);
  // The quickest of each: what other work on the machine adds is no difference between addresses.
  const quickest = [...times.values()].map((all) => Math.min(...all));
  expect(Math.max(...quickest) - Math.min(...quickest)).toBeLessThan(80);
  expect((await mailTo(server, gone.email, /Your account at/)).text).toContain('switched off');
  const told = await mailTo(
    server,
    invited,
    /Your account at/,
    (await mailTo(server, invited, /Your account at/)).id - 1,
  );
  expect(told.text).toContain('invitation');
  expect(told.text).not.toMatch(/reset-password\//);
  expect(await mailsTo(server, 'nobody@home.example')).toEqual([]);
});

test('asking again and again neither voids the link that a person holds nor fills the mailbox', async () => {
  const { email } = await colleague(server, 'victim', 'doctor');
  await forgetTries();
  const form = await openForm(server, '/account/forgotten');
  await form.submit({ email });
  const first = await mailTo(server, email, /new password/);
  for (let at = 0; at < 5; at++) await form.submit({ email });
  const done = await (await openForm(server, linkIn(first))).submit({ password: newPassword });
  expect(done.html).toContain('Your password is changed');
  expect((await mailsTo(server, email)).filter(({ text }) => text.includes('/account/reset-password/')).length).toBeLessThanOrEqual(4);
  for (const mail of await mailsTo(server, email))
    if (mail.text.includes('/account/reset-password/')) expect((await openForm(server, linkIn(mail))).status).toBe(410);
}); // prettier-ignore

test('a network that asks without end waits, and others do not', async () => {
  await forgetTries();
  const form = await openForm(server, '/account/forgotten');
  const flood = Array.from({ length: 24 }, (_, at) => form.submit({ email: `flood-${at}@home.example` }));
  const codes = (await Promise.all(flood)).map(({ status }) => status);
  expect(codes.filter((code) => code === 429)).toHaveLength(4);
  await signIn(server.url, { email: 'doctor@demo.csss.example', password: 'csss-demo-2026' });
  await forgetTries();
});

test('a link of 30 minutes ago, of a disabled user and of another purpose does nothing', async () => {
  const { id, email } = await colleague(server, 'late', 'doctor');
  await ask(email);
  const path = linkIn(await mailTo(server, email, /new password/));
  const [row] = await server.system.sql.query<{ left: number }>(`select extract(epoch from expires_at - now())::integer as left from one_time_link where account_id = $1`, [id]); // prettier-ignore
  expect(row!.left).toBeLessThanOrEqual(1800);
  expect(row!.left).toBeGreaterThan(1700);
  const form = await openForm(server, path);
  await server.system.sql.query(`update one_time_link set purpose = 'verify-address' where account_id = $1`, [id]);
  expect((await form.submit({ password: newPassword })).status).toBe(410);
  await server.system.sql.query(`update one_time_link set purpose = 'reset-password' where account_id = $1`, [id]);
  await server.system.sql.query(`update account set disabled = true where id = $1`, [id]);
  expect((await form.submit({ password: newPassword })).status).toBe(410);
  await server.system.sql.query(`update account set disabled = false where id = $1`, [id]);
  await server.system.sql.query(`update one_time_link set expires_at = now() where account_id = $1`, [id]);
  expect((await form.submit({ password: newPassword })).status).toBe(410);
  await signIn(server.url, { email, password: goodPassword });
});

test('two who use one link at once set one password', async () => {
  const { email } = await colleague(server, 'double', 'doctor');
  await ask(email);
  const path = linkIn(await mailTo(server, email, /new password/));
  const forms = [await openForm(server, path), await openForm(server, path)];
  const answers = await Promise.all(forms.map((form, at) => form.submit({ password: `${newPassword} ${at}` })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 410]);
});
