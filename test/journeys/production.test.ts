import { connect } from 'node:tls';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emptyDatabase } from '../harness/database.ts';
import { backUpAndRestore, copyBlobs } from '../harness/back-up.ts';
import { prepareProduction, type Production } from '../harness/production.ts';
import { manage } from '../harness/manage.ts';
import { backendKey, startServerProcess, temporaryFolder } from '../harness/server-process.ts';

// An installation as docs/operations.md tells it, before anybody has signed in: proxy, relay, database, processes.
let site: Production;
beforeAll(async () => {
  site = await prepareProduction();
});
afterAll(() => site.close());

test('an empty database is migrated, an administrator made, and the processes answer over TLS only', async () => {
  expect(await site.manage('migrate')).toMatchObject({ code: 0, stdout: '' });
  const made = await site.manage('create-admin', '--email', 'ada@clinic.example', '--given', 'Ada', '--family', 'Lovelace');
  expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(new RegExp(`^${site.url}/account/link/`))]);
  await site.start('api', 'worker');
  const status = await fetch(`${site.url}/api/status`);
  expect(await status.json()).toMatchObject({ mode: 'production', siteName: 'Unnamed hospital', demoAccounts: [] });
  expect(status.headers.get('strict-transport-security')).toContain('max-age');
  const configuration = (await (await fetch(`${site.url}/.well-known/smart-configuration`)).json()) as { issuer: string };
  expect(configuration.issuer).toBe(`${site.url}/oidc`);
}); // prettier-ignore

test('the certificate of the proxy is checked, not waved through', async () => {
  const { port } = new URL(site.url);
  const refused = await new Promise<string>((done) => {
    const socket = connect({ host: 'localhost', port: Number(port), servername: 'localhost', ca: [] });
    socket.once('secureConnect', () => done('trusted'));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? ''));
  });
  expect(refused).toMatch(/SELF_SIGNED/);
});

test('a mail of the command line leaves by the relay of the site, with STARTTLS and its password', async () => {
  const reset = () => site.manage('reset-factor', '--email', 'ada@clinic.example');
  expect(await reset()).toMatchObject({ code: 1, stderr: expect.stringContaining('not answered yet') });
  const database = new pg.Client({ connectionString: site.databaseUrl });
  await database.connect();
  await database.query(`update account set password_hash = 'nobody'`); // as if she had; first-day.test.ts goes the whole way
  await database.end();
  expect(await reset()).toMatchObject({ code: 0, stdout: '' });
  expect(await site.mailTo('ada@clinic.example', /second factor/)).toContain(`${site.url}/account/link/`);
});

test('a wrong SECRET_KEYS stops the start with a sentence that names it, and changes nothing', async () => {
  const before = await keys();
  const wrong = Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64');
  const environment = { ...site.environment, ROLE: 'api', SECRET_KEYS: wrong, BACKEND_CLIENT_JWKS: '' };
  await expect(startServerProcess({ environment, key: await backendKey() })).rejects.toThrow(
    /SECRET_KEYS: secrets in this database were sealed with another key/,
  );
  expect(await keys()).toEqual(before);
});

test('what was backed up is there after the restore, opened by the keys that were kept apart', async ({ annotate }) => {
  const before = await keys();
  await site.stopServers();
  const [folder, empty] = await Promise.all([temporaryFolder(), emptyDatabase()]);
  const way = await backUpAndRestore(site.databaseUrl, empty.url, folder.path);
  await annotate(`restored by ${way}`);
  await copyBlobs(site.dataDir, folder.path);
  const restored = { ...site, environment: { ...site.environment, DATABASE_URL: empty.url, DATA_DIR: folder.path } };
  const listed = await manage(restored.environment, 'list');
  expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining('ada@clinic.example')]);
  const other = await manage({ ...restored.environment, SECRET_KEYS: 'b3RoZXIga2V5IG90aGVyIGtleSBvdGhlciBrZXkgIT0=' }, 'list');
  expect(other.code).toBe(78);
  Object.assign(site.environment, restored.environment);
  await site.start('api');
  expect(await keys()).toEqual(before);
  await site.stopServers();
  await empty.drop();
  await folder.remove();
}); // prettier-ignore

/** What signs: it is the same exactly if the secrets of the database are. */
async function keys(): Promise<unknown> {
  const documents = ['/oidc/jwks', '/.well-known/csss-signing-keys.json'];
  return Promise.all(documents.map(async (path) => (await fetch(site.url + path)).json()));
}
