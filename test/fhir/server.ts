/** The FHIR face over HTTP on a real database. Tokens are names of callers, so that tests choose who asks. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import mount from 'koa-mount';
import type { World } from '../../server/core/world.ts';
import { systemPrincipal, type Principal } from '../../server/core/principal.ts';
import { Problem } from '../../server/core/problem.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { fhirFace } from '../../server/fhir/face.ts';
import { koaListener } from '../../server/http/koa-listener.ts';
import { bearer } from '../../server/http/bearer.ts';
import { requestId } from '../../server/http/request/request-id.ts';
import type { State } from '../../server/http/state.ts';
import { freshDatabase, type TestDatabase } from '../harness/database.ts';
import { caller } from '../harness/records.ts';
import { testSettings, testWorld } from '../harness/world.ts';
import type { Resource } from '@medplum/fhirtypes';

export interface FhirServer {
  base: string;
  world: World;
  database: TestDatabase;
  /** Names of callers; add to it. `all` may do everything that a backend service may. */
  callers: Map<string, Principal>;
  faults: unknown[];
  /** A request as `all` (or `as`); bodies that are objects are sent as FHIR JSON. */
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  put<T extends Resource>(resource: T): Promise<T & { id: string }>;
  close(): Promise<void>;
}
/** Parsed JSON of any shape: tests look into answers, and say what they expect there. */
export type Loose = any; // eslint-disable-line @typescript-eslint/no-explicit-any

export interface CallOptions {
  as?: string | null;
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
}
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** Parsed when JSON. */
  json: Loose;
}

export async function fhirServer(options: { limit?: number } = {}): Promise<FhirServer> {
  const database = await freshDatabase();
  const http = createServer();
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const publicUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const base = `${publicUrl}/fhir`;
  const world = testWorld(database, testSettings(publicUrl));
  const callers = new Map([['all', caller('system/*.cruds', { kind: 'client' })]]);
  const faults: unknown[] = [];
  const face = fhirFace({
    world,
    bearer: bearer((token) => {
      const principal = callers.get(token);
      return principal ? Promise.resolve(principal) : Promise.reject(new Problem('login', 'The token is not known.'));
    }) as Koa.Middleware,
    smart: { authorizeUrl: `${publicUrl}/oidc/auth`, tokenUrl: `${publicUrl}/oidc/token` },
    fault: (error) => faults.push(error),
    ...options,
  });
  const app = new Koa<State>();
  app.on('error', (error: NodeJS.ErrnoException) => error.code === 'HPE_INVALID_EOF_STATE' || faults.push(error)); // a client that hangs up is none
  app.use(requestId());
  app.use(async (ctx, next) => {
    await next();
    if (ctx.status === 500) faults.push(ctx.state.fault);
  });
  app.use(mount('/fhir', face.routes() as unknown as Koa.Middleware));
  http.on('request', koaListener(app));

  return {
    base,
    world,
    database,
    callers,
    faults,
    call: (method, path, init) => call(base, method, path, init),
    async put(resource) {
      const request =
        resource.id === undefined
          ? ({ method: 'create', resource } as const)
          : ({ method: 'update', resource, id: resource.id } as const);
      return (await writeInTransaction(world, systemPrincipal('test'), request)).record.resource as never;
    },
    async close() {
      await stop(http);
      await database.close();
    },
  };
}

async function call(
  base: string,
  method: string,
  path: string,
  { as = 'all', body, type, headers = {} }: CallOptions = {},
): Promise<Reply> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(path.startsWith('http') ? path : base + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(as !== null && { Authorization: `Bearer ${as}` }),
      ...(body !== undefined && { 'Content-Type': type ?? 'application/fhir+json' }),
      ...headers,
    },
    ...(body !== undefined && { body: (raw ? body : JSON.stringify(body)) as never }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((closed) => server.close(() => closed()));
}
