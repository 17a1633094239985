import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { createServer } from 'node:net';
import { compose, type System } from '../../server/compose.ts';
import { readConfig } from '../../server/config.ts';
import { demoPassword } from '../../server/demo/people.ts';
import { seedDemo } from '../../server/demo/seed.ts';
import { koaListener } from '../../server/http/koa-listener.ts';
import { createHttpServer } from '../../server/http/http-server.ts';
import { createLogger } from '../../server/log.ts';
import { startWorkers } from '../../server/worker.ts';
import { emptyCopy } from './database.ts';
import { backendToken, signIn, type SignInOptions, type Tokens } from './sign-in.ts';

export interface TestServer {
  url: string;
  fhir: string;
  dicomweb: string;
  system: System;
  /** For a second process on the same data. */
  databaseUrl: string;
  dataDir: string;
  /** Signs a demo person in by the real authorization code flow. */
  signIn(role: 'patient' | 'doctor' | 'pharmacist' | 'admin', options?: Partial<SignInOptions>): Promise<Tokens>;
  /** A backend service's token. */
  backend(scope?: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * The whole server as `npm start` composes it, on a database of its own and a free port.
 *
 * @param options.environment further settings, as an operator would give them.
 * @param options.demoData the invented hospital with its studies; `people` makes the accounts and patients only.
 * @param options.workers take jobs in this process (default true).
 * @param options.beside another test server: this one is a second process on its database and images, under its address.
 */
export async function startTestServer(
  options: {
    environment?: Record<string, string>;
    demoData?: boolean | 'people';
    workers?: boolean;
    beside?: TestServer;
  } = {},
): Promise<TestServer> {
  const { beside } = options;
  const database = beside ? { url: beside.databaseUrl, drop: async () => {} } : await emptyCopy();
  const folder = beside?.dataDir ?? (await mkdtemp(join(tmpdir(), 'csss-test-')));
  const key = await backendKey();
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const config = readConfig({
    DATABASE_URL: database.url,
    DATA_DIR: folder,
    PORT: String(port),
    LOG_LEVEL: 'error',
    EXECUTION_PROVIDERS: 'cpu',
    ANALYSIS_WORKERS: '1',
    MODEL_CANDIDATES: 'none', // a test that wants a second model brings its own
    BACKEND_CLIENT_JWKS: beside ? '' : JSON.stringify({ keys: [key.public] }),
    ...(process.env.CHROMIUM_PATH ? { CHROMIUM_PATH: process.env.CHROMIUM_PATH } : {}),
    ...options.environment,
  });
  const log = createLogger(config.logLevel);
  const system = await compose(config, beside?.url ?? url, log, () => {});
  if (!beside && (options.demoData ?? 'people'))
    await seedDemo(system, () => {}, { studies: options.demoData === true });
  if (options.workers ?? true) await startWorkers(system, log);
  const server = await new Promise<Server>((done) => {
    const listening = createHttpServer(koaListener(system.app), config.budget, system.upgrades);
    listening.listen(port, '127.0.0.1', () => done(listening));
  });
  return {
    url,
    fhir: `${url}/fhir`,
    dicomweb: `${url}/dicomweb`,
    system,
    databaseUrl: database.url,
    dataDir: folder,
    signIn: (role, more = {}) => signIn(url, { email: `${role}@demo.csss.example`, password: demoPassword, ...more }),
    backend: async (scope = 'system/*.cruds') =>
      (await backendToken(url, { clientId: 'csss-demo-backend', key: key.private }, scope)).access_token,
    async stop() {
      system.drain(); // open pages, which are no requests
      server.closeAllConnections();
      await named('HTTP server', new Promise((done) => server.close(done)));
      await named('system', system.stop());
      await named('database', database.drop());
      if (!beside) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A test whose server does not stop says where it hangs. */
async function named(part: string, stopping: Promise<unknown>): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, refuse) => {
    late = setTimeout(() => refuse(new Error(`the ${part} does not stop`)), 90_000);
  });
  await Promise.race([stopping, tooLate]).finally(() => clearTimeout(late));
}

export async function backendKey(): Promise<{ public: JWK; private: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair('ES384', { extractable: true });
  const named = { kid: 'test', alg: 'ES384', use: 'sig' };
  return {
    public: { ...(await exportJWK(publicKey)), ...named },
    private: { ...(await exportJWK(privateKey)), ...named },
  };
}

export async function freePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}
