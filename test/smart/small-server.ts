import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Resource } from '@medplum/fhirtypes';
import { exportJWK, generateKeyPair } from 'jose';
import Koa from 'koa';
import { ensureAccount } from '../../server/core/accounts/account.ts';
import type { AuthorizationStore } from '../../server/core/accounts/authorizations.ts';
import type { Account } from '../../server/core/accounts/account-store.ts';
import type { Delivery } from '../../server/core/deliveries/delivery-store.ts';
import { openLetter } from '../../server/core/deliveries/post-mail.ts';
import type { Settings } from '../../server/core/settings.ts';
import type { World } from '../../server/core/world.ts';
import { systemPrincipal, type Principal } from '../../server/core/principal.ts';
import { Problem } from '../../server/core/problem.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { bearer } from '../../server/http/bearer.ts';
import { defaultBudget } from '../../server/http/budget.ts';
import { koaListener } from '../../server/http/koa-listener.ts';
import { createHttpServer } from '../../server/http/http-server.ts';
import { clientAddress, trustedProxies } from '../../server/http/request/client-address.ts';
import { requestId } from '../../server/http/request/request-id.ts';
import type { State } from '../../server/http/state.ts';
import { keySets } from '../../server/core/accounts/clients/key-sets.ts';
import { argon2Passwords } from '../../server/infrastructure/argon2.ts';
import { keyFetcher } from '../../server/infrastructure/key-fetcher.ts';
import { postgresAuthorizations } from '../../server/infrastructure/postgres/accounts/oidc-store.ts';
import { postgresAttempts } from '../../server/infrastructure/postgres/accounts/sign-in-attempts.ts';
import { secretBox } from '../../server/infrastructure/secret-box.ts';
import { webAuthn } from '../../server/infrastructure/webauthn.ts';
import { findPatients } from '../../server/portal/find-patients.ts';
import { demoApp, seedClients } from '../../server/smart/clients.ts';
import { smartFace, type SmartFace } from '../../server/smart/face.ts';
import { smartKeys } from '../../server/smart/keys.ts';
import { testSettings, testWorld } from '../harness/world.ts';
import { freshDatabase, type TestDatabase } from '../harness/database.ts';
import type { BackendKey } from '../harness/sign-in.ts';
import { testSecrets } from '../harness/secrets.ts';

export const password = 'a long test password';
export const appSecret = 'an-app-secret-of-more-than-32-characters';
export const appRedirect = 'https://app.example.org/callback';

/** The SMART face alone on a real database and a real port, with one protected route that says who asks. */
export interface SmallServer {
  world: World;
  url: string;
  port: number;
  database: TestDatabase;
  authorizations: AuthorizationStore;
  face: SmartFace;
  accounts: Record<'patient' | 'doctor' | 'admin', Account>;
  backend: BackendKey;
  /** What oidc-provider met and did not expect. */
  faults: unknown[];
  /** Asks the protected route. */
  whoAmI(token: string): Promise<{ status: number; principal: Principal; challenge: string | null }>;
  close(): Promise<void>;
}

const people: Resource[] = [
  { resourceType: 'Patient', id: 'patient-1', name: [{ given: ['Ada'], family: 'Example' }], birthDate: '1970-01-01' },
  {
    resourceType: 'Patient',
    id: 'patient-2',
    name: [
      { use: 'old', given: ['Ben'], family: 'Before' },
      { given: ['Ben'], family: 'Example' },
    ],
    identifier: [
      { use: 'old', value: 'RETIRED-1' },
      { use: 'usual', value: 'PRESENT-2' },
    ],
    birthDate: '1980-02-02',
  },
  { resourceType: 'ImagingStudy', id: 'study-2', status: 'available', subject: { reference: 'Patient/patient-2' } },
];

/** The FHIR records that the picker and launches read: the real store, two patients, a study. */
async function recordsOn(database: TestDatabase, url: string, settings: Partial<Settings>): Promise<World> {
  const world = testWorld(database, testSettings(url, settings), { secrets: secretBox([randomBytes(32)]) });
  for (const resource of people) {
    await writeInTransaction(world, systemPrincipal('test'), { method: 'update', resource, id: resource.id! });
  }
  return world;
}

/** The last mail that is owed to an address, opened as the worker would. */
export async function lastMail(
  { database, world }: SmallServer,
  to: string,
): Promise<{ subject: string; text: string }> {
  const rows = await database.sql.query<Delivery>(
    `select id, content from delivery where recipient = $1 order by created_at desc, id desc limit 1`,
    [to],
  );
  if (!rows[0]) throw new Error(`nothing was mailed to ${to}`);
  return openLetter(world.secrets, rows[0]);
}

/** @param publicUrl what users see when it is not the port itself: the address of a TLS proxy in front. */
export async function startSmallServer(publicUrl?: string, settings: Partial<Settings> = {}): Promise<SmallServer> {
  const database = await freshDatabase();
  const app = new Koa<State>();
  const server = createHttpServer((request, answer) => koaListener(app)(request, answer), defaultBudget);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const port = (server.address() as AddressInfo).port;
  const url = publicUrl ?? `http://127.0.0.1:${port}`;

  const authorizations = postgresAuthorizations(database.sql, testSecrets);
  const passwords = argon2Passwords();
  const { key, jwks } = await backendKeys();
  await seedClients(authorizations, {
    publicUrl: url,
    apps: [
      demoApp,
      { id: 'demo-app', name: 'Demo <App>', redirectUris: [appRedirect], launchUri: 'https://app.example.org/launch' },
      { id: 'secret-app', name: 'Secret App', redirectUris: [appRedirect], secret: appSecret },
    ],
    backends: [
      {
        id: 'backend',
        name: 'Backend',
        jwks,
        allowedScope: 'system/ImagingStudy.rs system/Patient.rs',
        mayIntrospect: true,
      },
    ],
  });
  const records = await recordsOn(database, url, settings);
  const made = async (role: 'patient' | 'doctor' | 'admin', fhirUser: string) =>
    ensureAccount(records, passwords, {
      email: `${role}@test.example`,
      password,
      role,
      displayName: `The ${role}`,
      fhirUser,
    });
  const faults: unknown[] = [];
  const face = smartFace({
    world: records,
    authorizations,
    attempts: postgresAttempts(database.sql),
    passwords,
    passkeys: webAuthn(records.settings),
    keys: await smartKeys(authorizations),
    clientKeys: keySets(keyFetcher({ hosts: [], loopback: true })),
    findPatients: findPatients(records),
    fonts: { css: '', files: new Map() },
    demoAccounts: [{ label: 'Patient', email: 'patient@test.example', password }],
  });
  app.use(async (ctx, next) => {
    await next();
    if (ctx.state.fault !== undefined) faults.push(ctx.state.fault);
  });
  assemble(app, face);
  const small = {
    url,
    database,
    world: records,
    authorizations,
    face,
    accounts: {
      patient: await made('patient', 'Patient/patient-1'),
      doctor: await made('doctor', 'Practitioner/doctor-1'),
      admin: await made('admin', 'Practitioner/admin-1'),
    },
    backend: { clientId: 'backend', key },
  };
  return {
    ...small,
    port,
    faults,
    async whoAmI(token) {
      const response = await fetch(`${url}/who-am-i`, { headers: { Authorization: `Bearer ${token}` } });
      return {
        status: response.status,
        principal: (await response.json()) as Principal,
        challenge: response.headers.get('www-authenticate'),
      };
    },
    async close() {
      await new Promise((done) => server.close(done).closeAllConnections());
      await database.close();
    },
  };
}

function assemble(app: Koa<State>, face: SmartFace): void {
  app.silent = true;
  app.use(requestId());
  app.use(clientAddress(trustedProxies(['127.0.0.1'])));
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      ctx.status = error.code === 'login' || error.code === 'expired' ? 401 : 403;
      ctx.body = { problem: error.code, message: error.message };
    }
  });
  app.use(face.routes().routes());
  app.use(face.oidc);
  const guard = bearer(face.verify);
  app.use(async (ctx, next) => {
    if (ctx.path !== '/who-am-i') return next();
    await guard(ctx as never, async () => {
      ctx.body = ctx.state.principal;
    });
  });
}

async function backendKeys(): Promise<{ key: BackendKey['key']; jwks: { keys: Record<string, unknown>[] } }> {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: 'backend-1', alg: 'ES384' };
  return { key, jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'backend-1', alg: 'ES384', use: 'sig' }] } };
}
