import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeLink } from '../../server/core/accounts/one-time-link.ts';
import type { LinkPurpose } from '../../server/core/accounts/link-store.ts';
import { newId } from '../../server/core/identifier.ts';
import type { Role } from '../../server/core/principal.ts';
import { authorizeUrl, Browser, freshCode, giveTotp, pkce, signIn } from '../harness/sign-in.ts';
import { lastMail, password, startSmallServer, type SmallServer } from './small-server.ts';

const fresh = 'tortoise under a blue lamp';
let server: SmallServer;
let number = 0;

beforeAll(async () => {
  server = await startSmallServer(undefined, { secondFactorRoles: ['admin'], mailCodes: false });
});
afterAll(() => server.close());
beforeEach(() => server.database.sql.query(`delete from sign_in_attempt`));

/** Somebody who was invited, and the word of the link. */
async function invited(
  role: Role,
  purpose: LinkPurpose = 'invitation',
): Promise<{ id: string; email: string; word: string }> {
  const [id, email] = [newId(), `person-${++number}@test.example`];
  const fhirUser = role === 'patient' ? 'Patient/patient-1' : `Practitioner/person-${number}`;
  const word = await server.world.transaction(async (stores) => {
    const account = { id, email, passwordHash: null, role, displayName: `Person ${number}`, fhirUser, disabled: false };
    await stores.accounts.insert(account);
    return (await makeLink(stores, { purpose, accountId: id, data: {} })).word;
  });
  return { id, email, word };
}

class LinkVisitor {
  readonly browser = new Browser(server.url);
  readonly #word: string;
  html = '';
  status = 0;
  constructor(word: string) {
    this.#word = word;
  }
  async open(): Promise<this> {
    return this.#take((await this.browser.open(`/account/link/${this.#word}`)).response);
  }
  async post(action: string, fields: Record<string, string> = {}): Promise<this> {
    const proof = /name="proof" value="([^"]+)"/.exec(this.html)?.[1] ?? '';
    const { response } = await this.browser.post(
      `/account/link/${this.#word}/${action}`,
      new URLSearchParams({ proof, ...fields }),
    );
    return this.#take(response);
  }
  async #take(response: Response): Promise<this> {
    this.status = response.status;
    this.html = await response.text();
    return this;
  }
  get secret(): string {
    return /class="secret">([^<]+)</.exec(this.html)![1]!.replaceAll(' ', '');
  }
  get codes(): string[] {
    return [...this.html.matchAll(/<li>([0-9A-Z-]{29})<\/li>/g)].map((found) => found[1]!);
  }
}

const accountOf = (id: string) => server.world.read(({ accounts }) => accounts.byId(id));
const factorsOf = (id: string) => server.world.read(({ factors }) => factors.of(id));

test('an administrator sets password and app, gets ten recovery codes once, and signs in with them', async () => {
  const { id, email, word } = await invited('admin', 'first-admin');
  const visitor = await new LinkVisitor(word).open();
  expect(visitor.html).toContain('autocomplete="new-password"');
  expect(visitor.html).toContain('At least 8 characters');
  await visitor.post('password', { password: fresh });
  expect(visitor.html).toContain('<svg');
  expect(visitor.html).toContain('otpauth://totp/');
  expect(visitor.html).not.toContain('Go on without');
  const { secret } = visitor;
  await visitor.post('app', { code: '000000' });
  expect(visitor.status).toBe(422);
  expect(visitor.secret).toBe(secret);
  expect((await accountOf(id))!.passwordHash).toBeNull();
  const code = await freshCode(secret);
  await visitor.post('app', { code });
  expect(visitor.status).toBe(200);
  expect(new Set(visitor.codes).size).toBe(10);
  expect((await accountOf(id))!.verifiedAt).toBeInstanceOf(Date);
  const [factor] = await factorsOf(id);
  expect(JSON.stringify(factor)).not.toContain(secret);
  expect(
    await signIn(server.url, { email, password: fresh, code: visitor.codes[0]!, totp: secret }).catch(String),
  ).toContain('403');
  expect((await signIn(server.url, { email, password: fresh, totp: secret })).access_token).toBeTruthy();
  await server.database.sql.query(`delete from second_factor where account_id = $1`, [id]);
});

test('looking at the link uses nothing up, and keeps nothing', async () => {
  const { word } = await invited('doctor');
  for (let i = 0; i < 3; i++) expect((await new LinkVisitor(word).open()).status).toBe(200);
  expect(await server.database.sql.query(`select from oidc_payload where model = 'LinkStage'`)).toEqual([]);
});

test('a role that must have a second factor does not end the link without one', async () => {
  const { id, word } = await invited('admin');
  const visitor = await new LinkVisitor(word).open();
  await visitor.post('none');
  expect(visitor.html).toContain('Choose a password');
  await visitor.post('password', { password: fresh });
  for (const action of ['none', 'mail']) {
    await visitor.post(action);
    expect(visitor.status).toBe(422);
    expect(visitor.html).toContain('The role admin needs a second factor');
  }
  expect((await accountOf(id))!.passwordHash).toBeNull();
  await visitor.post('app', { code: await freshCode(visitor.secret) });
  expect(visitor.status).toBe(200);
});

test('who need not have one goes on without, with a longer password', async () => {
  const { email, word } = await invited('patient');
  const visitor = await new LinkVisitor(word).open();
  await visitor.post('password', { password: 'Xk7 quagga!' });
  expect(visitor.status).toBe(422);
  expect(visitor.html).toContain('at least 15 characters');
  await visitor.post('password', { password: 'passwordpassword' });
  expect(visitor.html).toContain('among the first');
  await visitor.post('password', { password: `${email} 2026` });
  expect(visitor.html).toContain('among the first');
  await visitor.post('password', { password: fresh });
  await visitor.post('none');
  expect(visitor.status).toBe(200);
  expect(visitor.codes).toEqual([]);
  expect((await signIn(server.url, { email, password: fresh })).access_token).toBeTruthy();
});

test('of two visitors with one link who finishes first has it, and the other is told clearly', async () => {
  const { email, word } = await invited('doctor');
  const [one, two] = [await new LinkVisitor(word).open(), await new LinkVisitor(word).open()];
  await one.post('password', { password: fresh });
  await two.post('password', { password: 'another long secret of somebody' });
  await one.post('none');
  expect(one.status).toBe(200);
  await two.post('none');
  expect(two.status).toBe(404);
  expect(two.html).toContain('does not work any more');
  expect((await new LinkVisitor(word).open()).html).toContain('does not work any more');
  expect((await signIn(server.url, { email, password: fresh })).access_token).toBeTruthy();
});

test('both at the very same moment: one has it', async () => {
  const { word } = await invited('doctor');
  const visitors = [await new LinkVisitor(word).open(), await new LinkVisitor(word).open()];
  for (const visitor of visitors) await visitor.post('password', { password: fresh });
  await Promise.all(visitors.map((visitor) => visitor.post('none')));
  expect(visitors.filter(({ html }) => html.includes('Your account is ready'))).toHaveLength(1);
  for (const visitor of visitors) expect((await visitor.open()).status).toBe(404);
});

test.each([
  ['unknown', async () => 'x'.repeat(43)],
  ['damaged', async () => (await invited('doctor')).word.slice(0, 40)],
  ['of another purpose', async () => (await invited('doctor', 'reset-password')).word],
  [
    'too old',
    async () => {
      const { id, word } = await invited('doctor');
      await server.database.sql.query(`update one_time_link set expires_at = now() where account_id = $1`, [id]);
      return word;
    },
  ],
  [
    'of somebody who was disabled',
    async () => {
      const { id, word } = await invited('doctor');
      await server.world.transaction(({ accounts }) => accounts.setDisabled(id, true));
      return word;
    },
  ],
  [
    'replaced by a newer one',
    async () => {
      const { id, word } = await invited('doctor');
      await server.world.transaction((stores) => makeLink(stores, { purpose: 'invitation', accountId: id, data: {} }));
      return word;
    },
  ],
  ['odd', async () => '%00'],
])('a link that is %s gets the same clear page', async (_name, make) => {
  const visitor = await new LinkVisitor(await make()).open();
  expect(visitor.status).toBe(404);
  expect(visitor.html).toContain('ask your administrator for a new one');
});

test('a form from elsewhere is refused', async () => {
  const { word } = await invited('doctor');
  const visitor = await new LinkVisitor(word).open();
  const answer = await visitor.browser.open(`/account/link/${word}/password`, {
    method: 'POST',
    headers: { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    body: new URLSearchParams({ proof: /name="proof" value="([^"]+)"/.exec(visitor.html)![1]!, password: fresh }),
  });
  expect(answer.response.status).toBe(403);
});

test('a link for new factors asks for the password, ends what was signed in, and replaces the old factors', async () => {
  const { id, email } = server.accounts.doctor;
  const old = await giveTotp(server.world, email);
  const { access_token: token } = await signIn(server.url, { email, password, totp: old });
  const { word } = await server.world.transaction((stores) =>
    makeLink(stores, { purpose: 'reset-factors', accountId: id, data: {} }),
  );
  const visitor = await new LinkVisitor(word).open();
  expect(visitor.html).toContain('autocomplete="current-password"');
  await visitor.post('app', { code: '000000' });
  expect(visitor.html).toContain('autocomplete="current-password"');
  await visitor.post('password', { password: 'not the password' });
  expect(visitor.status).toBe(422);
  await visitor.post('password', { password });
  const { secret } = visitor;
  await visitor.post('app', { code: await freshCode(secret) });
  expect(visitor.codes.length).toBe(10);
  expect((await server.whoAmI(token)).status).toBe(401);
  expect(await factorsOf(id)).toHaveLength(1);
  await expect(signIn(server.url, { email, password, totp: old })).rejects.toThrow('403');
  expect((await signIn(server.url, { email, password, totp: secret })).access_token).toBeTruthy();
});

test('who must have a second factor and has none is mailed a link instead of being let in, once a minute', async () => {
  const { email } = server.accounts.admin;
  const attempt = async (): Promise<Response> => {
    const browser = new Browser(server.url);
    const { response } = await browser.open(authorizeUrl(server.url, pkce().challenge, {}));
    const html = await response.text();
    const fields = new URLSearchParams({ email, password, proof: /name="proof" value="([^"]+)"/.exec(html)![1]! });
    return (await browser.post(/action="([^"]+\/sign-in)"/.exec(html)![1]!, fields)).response;
  };
  const first = await attempt();
  expect(await first.text()).toContain('We have sent a link to your address');
  const word = /\/account\/link\/([\w-]+)/.exec((await lastMail(server, email)).text)![1]!;
  const again = await attempt();
  expect(again.status).toBe(429);
  expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(0);
  const visitor = await new LinkVisitor(word).open();
  await visitor.post('password', { password });
  const { secret } = visitor;
  await visitor.post('app', { code: await freshCode(secret) });
  expect((await signIn(server.url, { email, password, totp: secret })).access_token).toBeTruthy();
});
