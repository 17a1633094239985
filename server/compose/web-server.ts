import { join } from 'node:path';
import type Koa from 'koa';
import { createApp } from '../app.ts';
import { looking, readinessOf, type Checked } from '../checks.ts';
import { Problem } from '../core/problem.ts';
import type { Readiness } from '../http/health.ts';
import type { PartState } from '../http/request/parts.ts';
import { selfRequests, watchSelf } from '../http/self-request.ts';
import type { State } from '../http/state.ts';
import type { Metrics } from '../infrastructure/metrics.ts';
import type { Faces } from './faces.ts';
import type { Start } from './start.ts';

export interface WebServer {
  app: Koa<State>;
  readiness(): Promise<Readiness>;
  /** The parts of this process, each by a small real use of it. */
  look(): Promise<Record<string, PartState>>;
  drain(): void;
}

/**
 * What answers HTTP: the faces, if there are any, and for whoever watches processes `/healthz` and `/readyz`.
 *
 * @param faces undefined in a worker.
 * @param onDead called when the server has not answered itself for so long that only another process helps.
 */
export function openWebServer(
  { config, settings: { publicUrl }, log, closing }: Start,
  faces: Faces | undefined,
  checked: Omit<Checked, 'askSelf'> & { metrics: Metrics },
  onDead: () => void,
): WebServer {
  let draining = false;
  const app: Koa<State> = createApp({
    publicUrl,
    trustedProxies: config.trustedProxies,
    log,
    metrics: checked.metrics,
    readiness: () => readiness(),
    beyondHelp: () => watch.beyondHelp(),
    ...(faces ?? { cookieKeys: [], isAllowedOrigin: () => false, faces: [] }),
    ...(faces && { webFolder: join(import.meta.dirname, '..', '..', 'viewer', 'dist') }),
  });
  const askSelf = askingSelf(app, publicUrl, faces ? ofFaces : ofWorker);
  const watch = watchSelf(askSelf, { everyMs: 10_000, patienceMs: 30_000, onDead });
  closing.push(async () => watch.stop());
  const look = looking({ ...checked, askSelf });
  const readiness = readinessOf(checked, look, () => draining);
  return { app, readiness, look, drain: () => (draining = true) };
}

type Expected = [path: string, status: number, content: string][];

/** What needs nothing but the HTTP stack: a public document, and the refusal of a request without a token. */
const ofFaces: Expected = [
  ['/fhir/metadata', 200, '"CapabilityStatement"'],
  ['/dicomweb/studies', 401, '"login"'],
];
/** Not `/healthz`, which says what comes of asking. */
const ofWorker: Expected = [['/', 404, '"error"']];

function askingSelf(app: Koa<State>, publicUrl: string, expected: Expected): () => Promise<void> {
  const ask = selfRequests(app, new URL(publicUrl).host);
  return async () => {
    for (const [path, status, content] of expected) {
      const answer = await ask(path);
      if (answer.status !== status || !answer.body.includes(content))
        throw new Problem('exception', `${path} answers ${answer.status} instead of ${status}`);
    }
  };
}
