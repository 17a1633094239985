import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import smart from 'fhirclient';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, throughPages } from '../harness/sign-in.ts';
import { password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
let app: Server;
let appUrl: string;

/** A SMART app made with the npm package fhirclient, on a port that nobody registered (a native app's loopback redirect). */
beforeAll(async () => {
  server = await startSmallServer();
  const kept = new Map<string, unknown>();
  const storage = {
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: unknown) => (kept.set(key, value), value),
    unset: async (key: string) => kept.delete(key),
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const client = smart(request as never, response as never, storage as never);
    if (request.url?.startsWith('/launch')) {
      await client.authorize({
        iss: `${server.url}/fhir`,
        clientId: 'csss-demo-app',
        redirectUri: `${appUrl}/callback`,
        scope: 'openid fhirUser offline_access launch/patient patient/*.rs',
        pkceMode: 'required',
      });
    } else {
      const ready = await client.ready();
      response.end(
        JSON.stringify({ patient: ready.patient.id, fhirUser: ready.user.fhirUser, state: ready.state.tokenResponse }),
      );
    }
  };
  app = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await new Promise((done) => app.close(done).closeAllConnections());
  await server.close();
});

test('fhirclient does a standalone launch from discovery to patient context', async () => {
  const started = await fetch(`${appUrl}/launch`, { redirect: 'manual' });
  const authorize = started.headers.get('location')!;
  expect(authorize).toMatch(new RegExp(`^${server.url}/oidc/auth\\?`));
  expect(authorize).toContain('code_challenge_method=S256');
  const callback = await throughPages(new Browser(server.url), authorize, {
    email: 'doctor@test.example',
    password,
    patient: 'patient-2',
  });
  expect(callback.origin).toBe(appUrl);
  const answer = await fetch(callback);
  expect(await answer.clone().text()).not.toContain('Error');
  const { patient, fhirUser, state } = (await answer.json()) as {
    patient: string;
    fhirUser: string;
    state: { access_token: string; refresh_token: string };
  };
  expect(patient).toBe('patient-2');
  expect(fhirUser).toBe('Practitioner/doctor-1');
  expect((await server.whoAmI(state.access_token)).principal).toMatchObject({
    patient: 'patient-2',
    clientId: 'csss-demo-app',
  });
  expect(state.refresh_token).toBeTypeOf('string');
});
