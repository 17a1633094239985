import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import smart from 'fhirclient';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerClient } from '../../server/core/accounts/clients/change-client.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { keyFetcher } from '../../server/infrastructure/key-fetcher.ts';
import { Browser, signIn, throughPages } from '../harness/sign-in.ts';
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
    if (request.url?.startsWith('/open')) {
      // What the launch address of an app does: the server and the launch stand in its query.
      await client.authorize({
        clientId: 'launched-app',
        redirectUri: `${appUrl}/callback`,
        scope: 'openid fhirUser launch launch/imagingstudy patient/*.rs',
        pkceMode: 'required',
      });
    } else if (request.url?.startsWith('/launch')) {
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
        JSON.stringify({
          patient: ready.patient.id,
          encounter: ready.encounter.id,
          fhirUser: ready.user.fhirUser,
          state: ready.state.tokenResponse,
        }),
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

test('fhirclient is launched from our pages with patient, encounter and study', async () => {
  await writeInTransaction(server.world, systemPrincipal('test'), {
    method: 'update',
    id: 'encounter-2',
    resource: {
      resourceType: 'Encounter',
      id: 'encounter-2',
      status: 'in-progress',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      subject: { reference: 'Patient/patient-2' },
    },
  });
  await server.world.transaction((stores) =>
    registerClient(
      stores,
      keyFetcher({ hosts: [], loopback: true }),
      {
        name: 'Launched app',
        kind: 'public-app',
        method: 'none',
        redirectUris: [`${appUrl}/callback`],
        launchUri: `${appUrl}/open`,
        scope: 'openid fhirUser launch launch/imagingstudy patient/*.rs',
      },
      { id: 'launched-app' },
    ),
  );
  const browser = new Browser(server.url);
  const doctor = { email: 'doctor@test.example', password, browser };
  const viewer = await signIn(server.url, doctor);
  const prepared = await fetch(`${server.url}/smart/launch`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${viewer.access_token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ client: 'launched-app', encounter: 'encounter-2', imagingStudy: 'study-2' }),
  });
  const { url } = (await prepared.json()) as { url: string };
  expect(url).toMatch(new RegExp(`^${appUrl}/open\\?iss=`));
  const opened = await fetch(url, { redirect: 'manual' });
  const callback = await throughPages(browser, opened.headers.get('location')!, doctor);
  const seen = (await (await fetch(callback)).json()) as Record<string, unknown>;
  expect(seen).toMatchObject({
    patient: 'patient-2',
    encounter: 'encounter-2',
    fhirUser: 'Practitioner/doctor-1',
    state: { fhirContext: [{ reference: 'ImagingStudy/study-2' }], need_patient_banner: true },
  });
});
