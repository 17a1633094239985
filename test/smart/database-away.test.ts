import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { imageFile } from '../harness/dicom-file.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { authorizeUrl, pkce } from '../harness/sign-in.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
});
afterAll(() => server.stop());

/** The database under another name, and nobody connected to it: what a restart or a restore looks like from outside. */
async function away(name: string, work: () => Promise<void>): Promise<void> {
  const url = new URL(server.databaseUrl);
  url.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  const rename = async (from: string, to: string) => {
    for (let tries = 0; tries < 50; tries++) {
      await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [from]);
      const renamed = await admin.query(`alter database ${from} rename to ${to}`).then(() => true, () => false); // prettier-ignore
      if (renamed) return;
    }
    throw new Error('the database could not be renamed');
  };
  try {
    await rename(name, `${name}_away`);
    await work().finally(() => rename(`${name}_away`, name));
  } finally {
    await admin.end();
  }
}

test('with the database away every face answers 503 and says when to come again, and is well when it is back', async () => {
  const token = await server.backend();
  const { access_token: doctor } = await server.signIn('doctor');
  const json = (body: unknown, type = 'application/fhir+json', method = 'POST', as = token): RequestInit => ({
    method,
    headers: { Authorization: `Bearer ${as}`, 'Content-Type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const bearer = { headers: { Authorization: `Bearer ${token}` } };
  const patient = { resourceType: 'Patient', active: true };
  const transaction = { resourceType: 'Bundle', type: 'transaction', entry: [{ request: { method: 'POST', url: 'Patient' }, resource: patient }] }; // prettier-ignore
  const form = 'application/x-www-form-urlencoded';
  const requests: [path: string, init: RequestInit][] = [
    ['/fhir/Patient', bearer],
    ['/fhir/Patient', json(patient)],
    ['/fhir/Patient/x', json({ ...patient, id: 'x' }, undefined, 'PUT')],
    ['/fhir/Patient/x', json([{ op: 'add', path: '/active', value: true }], 'application/json-patch+json', 'PATCH')],
    ['/fhir', json(transaction)],
    ['/dicomweb/studies', bearer],
    ['/dicomweb/studies/1.2.3/metadata', bearer],
    ['/dicomweb/studies', { ...json('', 'application/dicom'), body: new Uint8Array(imageFile()) }],
    ['/smart/launch', json({ client: 'any' }, 'application/json', 'POST', doctor)],
    ['/oidc/token/introspection', json(`token=${token}`, form)],
    ['/oidc/token', json('grant_type=refresh_token&refresh_token=x&client_id=csss-viewer', form)],
    [authorizeUrl(server.url, pkce().challenge, {}).slice(server.url.length), { redirect: 'manual' }],
    ['/api/status', { headers: { Origin: 'https://elsewhere.example' } }],
  ];
  // The tokens are known now, so that the answers are those of the faces and not of the check of tokens.
  for (const as of [token, doctor]) await fetch(`${server.fhir}/Patient`, { headers: { Authorization: `Bearer ${as}` } }); // prettier-ignore
  const name = new URL(server.databaseUrl).pathname.slice(1);
  const answers: Record<string, unknown> = {};
  const expected: Record<string, unknown> = {};
  await away(name, async () => {
    for (const [path, init] of requests) {
      const answer = await fetch(server.url + path, init);
      const at = `${init.method ?? 'GET'} ${path.split('?')[0]}`;
      answers[at] = [answer.status, Number(answer.headers.get('Retry-After')) > 0];
      expected[at] = [503, true];
      await answer.arrayBuffer();
    }
  });
  expect(answers).toEqual(expected);
  const back = await fetch(`${server.fhir}/Patient`, json(patient));
  expect(back.status).toBe(201);
});
