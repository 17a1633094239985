import Koa, { type Middleware } from 'koa';
import compress from 'koa-compress';
import { constants } from 'node:zlib';
import { clientAddress, trustedProxies } from './http/request/client-address.ts';
import { Problem } from './core/problem.ts';
import { accessLog, type AccessEntry } from './http/access-log.ts';
import { cors } from './http/answer/cors.ts';
import { health, type Readiness } from './http/health.ts';
import { ownHost } from './http/request/host.ts';
import { requestId } from './http/request/request-id.ts';
import { securityHeaders } from './http/answer/security-headers.ts';
import type { AppContext, State } from './http/state.ts';
import { webApplication } from './http/answer/static.ts';
import { unwantedBody } from './http/request/unwanted-body.ts';
import type { Logger } from './log.ts';

export interface AppParts {
  publicUrl: string;
  /** Addresses and ranges of the proxies in front, whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  log: Logger;
  /** Counts answered requests. */
  metrics: { request(entry: AccessEntry): void };
  readiness: () => Promise<Readiness>;
  /** Why only a restart helps, if that is so. */
  beyondHelp: () => string | undefined;
  isAllowedOrigin: (origin: string) => boolean | Promise<boolean>;
  /** Keys that sign cookies; the same ones that oidc-provider was given, or its interactions end with a bare 400. */
  cookieKeys: string[];
  /** In the order in which they are asked. */
  faces: readonly Middleware<State>[];
  /** Folder of the built web application, if this process serves it. */
  webFolder?: string;
}

/** How a client that goes away in the middle of a request or an answer looks from here. */
export const departures = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_EOF_STATE'];

/** The HTTP stack, top to bottom as a request meets it. */
export function createApp(parts: AppParts): Koa<State> {
  const app = new Koa<State>();
  app.keys = parts.cookieKeys; // the same list: it changes when keys have their turns
  const secure = parts.publicUrl.startsWith('https://');

  app.use(unwantedBody());
  app.use(requestId());
  app.use(clientAddress(trustedProxies(parts.trustedProxies)));
  app.use(
    accessLog((entry) => {
      parts.metrics.request(entry);
      logAnswer(parts.log, entry);
    }),
  );
  app.use(securityHeaders(secure));
  app.use(ownHost(parts.publicUrl));
  app.use(cors(new URL(parts.publicUrl).origin, parts.isAllowedOrigin));
  app.use(compressText());
  app.use(health(parts.readiness, parts.beyondHelp));
  for (const face of parts.faces) app.use(face);
  if (parts.webFolder !== undefined) app.use(webApplication(parts.webFolder));
  app.use(notFound);
  app.on('error', (err: NodeJS.ErrnoException, ctx?: AppContext) => {
    // A client that goes away in the middle of an answer is no fault.
    if (departures.includes(err.code ?? '') || /^HPE_/.test(err.code ?? '')) return;
    if (ctx && !ctx.res.closed) ctx.state.fault ??= err;
    else parts.log.error({ err, requestId: ctx?.state.requestId }, 'answer broken off');
  });
  return app;
}

/** One line for each answer that the server is to blame for or could not give now, whichever face gave it. */
function logAnswer(log: Logger, entry: AccessEntry): void {
  const expected = entry.err === undefined || entry.err instanceof Problem;
  if (entry.status < 500 && entry.err === undefined) log.debug(entry, 'request');
  else if (entry.status < 500) log.error(entry, 'answer broken off');
  else if (entry.status === 500 || !expected) log.error(entry, 'unexpected fault');
  else log.warn(entry, 'request could not be served');
}

/** JSON, HTML and script shrink five- to tenfold; pixel data does not, and is never touched. */
function compressText(): Middleware {
  return compress({
    filter: (type) =>
      /^(text\/|application\/(.+\+)?(json|javascript|xml)|image\/svg)/.test(type) && !/^multipart\//.test(type),
    threshold: 1024,
    gzip: { level: constants.Z_BEST_SPEED },
    br: { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
    deflate: false,
    zstd: false,
  }) as Middleware;
}

async function notFound(ctx: Koa.Context): Promise<void> {
  if (ctx.body !== undefined && ctx.body !== null) return;
  if (ctx.status !== 404) return;
  ctx.status = 404;
  ctx.body = { error: 'There is nothing at this address.' };
}
