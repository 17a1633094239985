/** The DICOMweb face over HTTP on a real database, blob store and codecs. Tokens are names of callers, so that tests choose who asks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Koa from 'koa';
import mount from 'koa-mount';
import { departures } from '../../server/app.ts';
import type { World } from '../../server/core/world.ts';
import { systemPrincipal, type Principal } from '../../server/core/principal.ts';
import { Problem } from '../../server/core/problem.ts';
import { receiveInstance, storeInstances, type StoreOutcome } from '../../server/core/studies/store-instance.ts';
import { dicomwebFace } from '../../server/dicomweb/routes.ts';
import { koaListener } from '../../server/http/koa-listener.ts';
import { bearer } from '../../server/http/bearer.ts';
import type { Budget } from '../../server/http/budget.ts';
import { requestId } from '../../server/http/request/request-id.ts';
import type { Settings } from '../../server/core/settings.ts';
import type { State } from '../../server/http/state.ts';
import { unwantedBody } from '../../server/http/request/unwanted-body.ts';
import { diskBlobs } from '../../server/infrastructure/blobs/disk.ts';
import { threadedPixels } from '../../server/infrastructure/codecs/pixel-decoder.ts';
import { dicomReader } from '../../server/infrastructure/dicom-reader/threaded-reader.ts';
import { freshDatabase, type TestDatabase } from '../harness/database.ts';
import { caller } from '../harness/records.ts';
import { testSettings, testWorld } from '../harness/world.ts';

export interface DicomwebServer {
  /** `http://127.0.0.1:port/dicomweb` */
  base: string;
  world: World;
  database: TestDatabase;
  /** Names of callers; add to it. `all` sees everything. */
  callers: Map<string, Principal>;
  /** What was thrown that is no Problem. */
  faults: unknown[];
  store(...files: Uint8Array[]): Promise<StoreOutcome>;
  get(
    path: string,
    options?: { accept?: string; as?: string | null; headers?: Record<string, string>; method?: string },
  ): Promise<Reply>;
  close(): Promise<void>;
}

export interface Reply {
  status: number;
  headers: Headers;
  type: string;
  body: Buffer;
  json<T = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string }>[]>(): T;
  /** Of a multipart answer. */
  parts(): { headers: Record<string, string>; body: Buffer }[];
}

export async function dicomwebServer({
  settings,
  ...options
}: { budget?: Pick<Budget, 'parts' | 'storeBytes'>; settings?: Partial<Settings> } = {}): Promise<DicomwebServer> {
  const database = await freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'csss-dicomweb-'));
  const http = createServer();
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const publicUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const base = `${publicUrl}/dicomweb`;
  const blobs = await diskBlobs(folder, { reserve: 0 });
  const pixels = threadedPixels(blobs, { threads: 1 });
  const reader = dicomReader({ threads: 1 });
  const world = testWorld(database, testSettings(publicUrl, settings), { blobs, pixels, reader });
  const callers = new Map([['all', caller('system/*.cruds', { kind: 'client' })]]);
  const faults: unknown[] = [];
  const face = dicomwebFace({
    world,
    ...options,
    bearer: bearer((token) => {
      const principal = callers.get(token);
      return principal ? Promise.resolve(principal) : Promise.reject(new Problem('login', 'The token is not known.'));
    }),
  });
  const app = new Koa<State>();
  app.on('error', (error: NodeJS.ErrnoException) => {
    if (!departures.includes(error.code ?? '')) faults.push(error);
  });
  app.use(unwantedBody());
  app.use(requestId());
  app.use(async (ctx, next) => {
    await next();
    if (ctx.status === 500) faults.push(ctx.state.fault);
  });
  app.use(mount('/dicomweb', face.routes() as unknown as Koa.Middleware));
  http.on('request', koaListener(app));

  return {
    base,
    world,
    database,
    callers,
    faults,
    async store(...files) {
      const arriving = await Promise.all(files.map((file) => receiveInstance(world, chunked(file))));
      return storeInstances(world, systemPrincipal('test'), arriving);
    },
    get: (path, options) => get(path.startsWith('http') ? path : base + path, options),
    async close() {
      http.closeAllConnections();
      await new Promise((closed) => http.close(closed));
      await Promise.all([pixels.close(), reader.close()]);
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function get(
  url: string,
  {
    accept,
    as = 'all',
    headers = {},
    method = 'GET',
  }: { accept?: string; as?: string | null; headers?: Record<string, string>; method?: string } = {},
): Promise<Reply> {
  const all = {
    ...(accept !== undefined && { Accept: accept }),
    ...(as !== null && { Authorization: `Bearer ${as}` }),
    ...headers,
  };
  const response = await fetch(url, { method, headers: all });
  const body = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type') ?? '';
  return {
    status: response.status,
    headers: response.headers,
    type,
    body,
    json: () => JSON.parse(body.toString()),
    parts: () => partsOf(type, body),
  };
}

function partsOf(type: string, body: Buffer): { headers: Record<string, string>; body: Buffer }[] {
  const boundary = /boundary="?([^";]+)/.exec(type)?.[1];
  if (boundary === undefined) throw new Error(`not multipart: ${type}`);
  const parts: { headers: Record<string, string>; body: Buffer }[] = [];
  let at = body.indexOf(`--${boundary}`);
  while (at >= 0 && body.subarray(at + boundary.length + 2, at + boundary.length + 4).toString() === '\r\n') {
    const next = body.indexOf(`\r\n--${boundary}`, at + boundary.length);
    const part = body.subarray(at + boundary.length + 4, next);
    const split = part.indexOf('\r\n\r\n');
    const lines = part.subarray(0, split).toString().split('\r\n').map((line) => line.split(/:\s*(.*)/).slice(0, 2)); // prettier-ignore
    parts.push({
      headers: Object.fromEntries(lines.map(([name, value]) => [name!.toLowerCase(), value!])),
      body: part.subarray(split + 4),
    });
    at = next + 2;
  }
  return parts;
}

async function* chunked(file: Uint8Array): AsyncGenerator<Uint8Array> {
  yield file;
}
