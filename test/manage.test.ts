import { userInfo } from 'node:os';
import { decodeProtectedHeader, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoPassword } from '../server/demo/people.ts';
import { caller, eventually } from './harness/calls.ts';
import { emptyDatabase } from './harness/database.ts';
import { manage } from './harness/manage.ts';
import { startTestServer, type TestServer } from './harness/server.ts';
import { signIn } from './harness/sign-in.ts';
import { keyNamed } from './harness/secrets.ts';

// The command line as an operator has it: processes of their own beside a server that runs.
let server: TestServer;
let environment: Record<string, string>;
const key = (name: string) => keyNamed(name).toString('base64');

beforeAll(async () => {
  server = await startTestServer({ environment: { SECRET_KEYS: key('one') } });
  environment = {
    DATABASE_URL: server.databaseUrl,
    DATA_DIR: server.dataDir,
    PUBLIC_URL: server.url,
    SECRET_KEYS: key('one'),
    MODEL_CANDIDATES: 'none',
  };
});
afterAll(() => server.stop());

const run = (...args: string[]) => manage(environment, ...args);
const ada = ['--email', 'ada@clinic.example', '--given', 'Ada', '--family', 'Lovelace'];
const rows = <Row>(text: string) => server.system.sql.query<Row>(text);
const mailTo = async (address: string) => {
  const answer = await fetch(`${server.url}/api/demo/mailbox`);
  const mails = (await answer.json()) as { to: string[]; text: string }[];
  return mails.find(({ to }) => JSON.stringify(to).includes(address));
};

test('create-admin prints a link and nothing else, and makes a person who has a name', async () => {
  const { code, stdout, stderr } = await run('create-admin', ...ada);
  expect([code, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^${server.url}/account/link/[\\w-]{43}\n$`))]);
  expect(stderr).toContain('within 60 minutes');
  expect(stderr).not.toContain(stdout.trim().split('/').at(-1));
  const [account] = await rows<{ fhir_user: string }>(`select * from account where email = 'ada@clinic.example'`);
  expect(account).toMatchObject({ role: 'admin', password_hash: null, display_name: 'Ada Lovelace', disabled: false });
  const doctor = caller(server, (await server.signIn('doctor')).access_token);
  expect(await doctor.json(`/fhir/${account!.fhir_user}`)).toMatchObject({ name: [{ given: ['Ada'], family: 'Lovelace' }] });
}); // prettier-ignore

test('run again for the same address it voids the old link, whatever the letters of the address', async () => {
  const before = await rows<{ id: string }>(`select id from one_time_link where purpose = 'first-admin'`);
  const { code, stdout } = await run('create-admin', '--email', 'ADA@clinic.example', ...ada.slice(2));
  expect([code, stdout]).toEqual([0, expect.stringContaining('/account/link/')]);
  const after = await rows<{ id: string }>(`select id from one_time_link where purpose = 'first-admin'`);
  expect([before.length, after.length, after[0]!.id === before[0]!.id]).toEqual([1, 1, false]);
  expect(await rows(`select from account where lower(email) = 'ada@clinic.example'`)).toHaveLength(1);
});

test('an address that signs in already, or belongs to somebody who is no administrator, is refused plainly', async () => {
  for (const address of ['admin@demo.csss.example', 'doctor@demo.csss.example']) {
    const { code, stdout, stderr } = await run('create-admin', '--email', address, '--given', 'A', '--family', 'B');
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(/has an account that can sign in.*reset-factor/)]);
  }
  const { code, stderr } = await run('create-admin', '--email', 'no address', '--given', 'A', '--family', 'B');
  expect([code, stderr]).toEqual([1, 'This is not an e-mail address.\n']);
}); // prettier-ignore

test('the list has role, state and last sign-in of everybody', async () => {
  const { code, stdout } = await run('list');
  expect(code).toBe(0);
  const lines = stdout.trim().split('\n').map((line) => line.split(/\s{2,}/)); // prettier-ignore
  expect(lines[0]).toEqual(['ADDRESS', 'ROLE', 'STATE', 'SECOND FACTORS', 'LAST SIGN-IN']);
  expect(lines.find(([address]) => address === 'ada@clinic.example')!.slice(1, 3)).toEqual(['admin', 'invited']);
  expect(lines.find(([address]) => address === 'doctor@demo.csss.example')!.slice(1, 3)).toEqual(['doctor', 'active']);
});

test('a disabled account is out at once, and what was signed in ends within a minute', async () => {
  const { access_token } = await server.signIn('pharmacist');
  const pharmacist = caller(server, access_token);
  expect((await pharmacist.get('/fhir/Patient')).status).toBe(200);
  expect((await run('disable', '--email', 'pharmacist@demo.csss.example')).code).toBe(0);
  await eventually(async () => (await pharmacist.get('/fhir/Patient')).status === 401, 'the end of the token', 60);
  await expect(server.signIn('pharmacist')).rejects.toMatchObject({ status: 403 });
  expect((await run('disable', '--email', 'pharmacist@demo.csss.example')).stderr).toContain('already');
});

test('the last administrator who can sign in is not locked out, and an address without an account is said', async () => {
  const last = await run('disable', '--email', 'admin@demo.csss.example');
  expect([last.code, last.stderr]).toEqual([1, expect.stringContaining('the last administrator who can sign in')]);
  const nobody = await run('disable', '--email', 'nobody@clinic.example');
  expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('No account has the address')]);
});

test('a link for a new second factor is mailed, or printed for handing over in person', async () => {
  const mailed = await run('reset-factor', '--email', 'doctor@demo.csss.example');
  expect([mailed.code, mailed.stdout]).toEqual([0, '']);
  await eventually(() => mailTo('doctor@demo.csss.example'), 'the mail');
  const printed = await run('reset-factor', '--email', 'doctor@demo.csss.example', '--print');
  expect([printed.code, printed.stdout]).toEqual([0, expect.stringContaining(`${server.url}/account/link/`)]);
  expect(await rows(`select from one_time_link where purpose = 'reset-factors'`)).toHaveLength(1);
});

test('rotated keys are announced first: they sign nothing yet, everybody stays signed in, records have another key at once', async () => {
  const { access_token } = await server.signIn('doctor');
  const keysAt = async (path: string) => ((await (await fetch(server.url + path)).json()) as { keys: JWK[] }).keys;
  const records = '/.well-known/csss-signing-keys.json';
  const [before] = await keysAt('/oidc/jwks');
  const [firstRecordKey] = await keysAt(records);
  expect((await run('rotate-keys')).code).toBe(0);
  await eventually(async () => (await keysAt('/oidc/jwks')).length === 2, 'the announcement', 30);
  await eventually(async () => (await keysAt(records)).length === 2, 'the new record-signing key', 30);
  expect(await keysAt(records)).toContainEqual(firstRecordKey);
  expect(JSON.stringify([await keysAt(records), await keysAt('/oidc/jwks')])).not.toMatch(/"(d|p|q)":/);
  expect((await caller(server, access_token).get('/fhir/Patient')).status).toBe(200);
  expect(decodeProtectedHeader((await server.signIn('doctor')).access_token).kid).toBe(before!.kid);
});

test('keys that somebody else may have are not trusted any more, in a server that runs', async () => {
  const { access_token } = await server.signIn('doctor');
  expect((await run('rotate-keys', '--at-once')).code).toBe(0);
  const doctor = caller(server, access_token);
  await eventually(async () => (await doctor.get('/fhir/Patient')).status === 401, 'the end of the token', 60);
  const anew = await server.signIn('doctor');
  expect((await caller(server, anew.access_token).get('/fhir/Patient')).status).toBe(200);
});

test('a new first key of SECRET_KEYS: old secrets open, reseal makes the old key needless, a wrong one stops the start', async () => {
  const withBoth = { ...environment, SECRET_KEYS: `${key('two')},${key('one')}` };
  expect((await manage(withBoth, 'reseal')).stderr).toMatch(/server_secret [1-9]/);
  expect((await manage(withBoth, 'reseal')).stderr).toContain('server_secret 0');
  expect((await manage({ ...environment, SECRET_KEYS: key('two') }, 'list')).code).toBe(0);
  const { code, stdout, stderr } = await manage({ ...environment, SECRET_KEYS: key('wrong') }, 'list');
  expect([code, stdout, stderr]).toEqual([78, '', expect.stringMatching(/^SECRET_KEYS: secrets in this database were sealed with another key/)]);
  expect((await manage({ ...environment, SECRET_KEYS: `${key('one')},${key('two')}` }, 'reseal')).code).toBe(0);
}); // prettier-ignore

test('re-indexing and migrating say what they did, beside the server', async () => {
  await rows(`delete from search_string`);
  const { code, stderr } = await run('reindex');
  expect([code, stderr]).toEqual([0, expect.stringMatching(/\d+ records were looked at; what [1-9]\d* are found by/)]);
  const migrated = await run('migrate');
  expect([migrated.code, migrated.stderr]).toEqual([0, expect.stringContaining('of this release already')]);
});

test('each act is a row of the trail, in the name of the command line and the operating system’s user', async () => {
  const events = await rows<{ event: string }>(
    `select distinct event from audit where subject = 'command-line ${userInfo().username}' and kind = 'system'`,
  );
  expect(events.map(({ event }) => event).sort()).toEqual(
    ['account:disable', 'account:factor', 'account:invite', 'account:list', 'keys:reseal', 'keys:rotate', 'records:reindex'],
  );
}); // prettier-ignore

test('what is not understood ends with 64 and the usage, and repeats nothing that may be a secret', async () => {
  const cases: [string[], RegExp][] = [
    [[], /Usage: .*manage -- <command>/],
    [['no-such-thing'], /There is no such command/],
    [['constructor'], /There is no such command/],
    [['create-admin', ...ada, '--password', 'hunter2hunter2'], /Options that are not known/],
    [['create-admin', ...ada, 'hunter2hunter2'], /Options that are not known/],
    [['create-admin', '--email', 'a@b.example'], /Needs --given and --family/],
    [['create-admin', '--email'], /Options that are not known, or without their value/],
  ];
  for (const [args, said] of cases) {
    const { code, stdout, stderr } = await run(...args);
    expect([args, code, stdout]).toEqual([args, 64, '']);
    expect(stderr).toMatch(said);
    expect(stderr).not.toContain('hunter2');
  }
  expect((await run('--help')).code).toBe(0);
});

test('on a database that nobody has migrated it says so at once, and migrate does it', async () => {
  const empty = await emptyDatabase();
  const there = { ...environment, DATABASE_URL: empty.url };
  const before = performance.now();
  const refused = await manage(there, 'create-admin', ...ada);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('Run: npm run migrate')]);
  expect(performance.now() - before).toBeLessThan(20_000);
  expect((await manage(there, 'migrate')).code).toBe(0);
  expect((await manage(there, 'create-admin', ...ada)).code).toBe(0);
  await empty.drop();
});

test('nobody gets in with what is known before a link was used', async () => {
  for (const password of ['', demoPassword, 'null'])
    await expect(signIn(server.url, { email: 'ada@clinic.example', password })).rejects.toThrow();
});

test('audit verify says that the trail is whole, and names the row that somebody changed', async () => {
  const verify = () => manage({ ...environment, SECRET_KEYS: `${key('one')},${key('two')}` }, 'audit', 'verify');
  const whole = await verify();
  expect([whole.code, whole.stdout, whole.stderr]).toEqual([0, '', expect.stringContaining('The audit trail is whole.')]);
  const [row] = await rows<{ seq: number }>(`select max(seq) as seq from audit where event = 'audit:verify'`);
  await server.system.sql.query(
    `do $$ begin set local session_replication_role = replica; update audit set outcome = 'refused' where seq = ${row!.seq}; end $$`,
  );
  const { code, stdout } = await verify();
  expect([code, stdout]).toEqual([1, expect.stringMatching(new RegExp(`^changed\\t${row!.seq}\\t`))]);
  expect((await run('audit', 'expire')).stderr).toContain('AUDIT_RETENTION_MONTHS is 0');
  expect((await run('audit', 'accept-restore')).code).toBe(64);
  expect((await run('audit', 'accept-restore', '--reason', 'drill')).stderr).toContain('Nothing is lacking');
}, 120_000); // prettier-ignore

test('a database that is not there, or lets nobody in, is said in a sentence without a stack and without its password', async () => {
  const elsewhere = (change: (url: URL) => void) => {
    const url = new URL(server.databaseUrl);
    change(url);
    return manage({ ...environment, DATABASE_URL: url.href }, 'list');
  };
  for (const answer of await Promise.all([
    elsewhere((url) => (url.pathname = '/nowhere')),
    elsewhere((url) => (url.port = '1')),
    elsewhere((url) => (url.password = 'of-nobody')),
  ])) {
    expect([answer.code, answer.stdout]).toEqual([1, '']);
    expect(answer.stderr).toMatch(/^DATABASE_URL: .+ \(.+\)\n$/);
    expect(answer.stderr).not.toContain('of-nobody');
  }
});
