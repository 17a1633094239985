/** The FHIR R4 REST API (FHIR http.html): every address of it on one page. Mounted at /fhir. */
import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import type { World } from '../core/ports.ts';
import { Problem } from '../core/problem.ts';
import { parseQueryString } from '../core/records/query-string.ts';
import { read as readRecord } from '../core/records/read.ts';
import { preferred, send } from './answer.ts';
import { content, isFhirJson, readContent, wantsResource } from './binary.ts';
import { decodeText, readBytes, readResource } from './body.ts';
import { applyBundle } from './bundle.ts';
import { capabilityStatement, type SmartAddresses } from './capability.ts';
import { apply, create, patch, remove, update } from './changes.ts';
import { errors } from './errors.ts';
import { exchangeOf, idIn, preferencesOf, readOptions, typeIn, type Answer, type Exchange } from './exchange.ts';
import { history } from './history.ts';
import { mediaRanges, negotiate } from './negotiation.ts';
import { pageTokens } from './page-token.ts';
import { outcomeOf } from './outcome.ts';
import { read, versionOf, vread } from './read.ts';
import { search, typesIn } from './search.ts';
import { validateOperation } from './validate-operation.ts';

export interface FhirFace {
  world: World;
  /** Sets `ctx.state.principal`, or throws Problem `login` or `expired`. */
  bearer: Middleware;
  smart: SmartAddresses;
  /** Bytes of a request body. */
  limit?: number;
  /** 32 bytes that seal the addresses of further pages; the same in all processes. Without it, pages end with the process. */
  pageKey?: Uint8Array;
  /** Receives what is our own fault, for the log. */
  fault?: (error: unknown, requestId: string) => void;
}

export function fhirFace({
  world,
  bearer,
  smart,
  limit = 10 * 1024 ** 2,
  pageKey = randomBytes(32),
  fault = () => undefined,
}: FhirFace): Router {
  const router = new Router();
  const tokens = pageTokens(pageKey);
  const made = new Date();

  /** An interaction as a route: negotiate first, so that a change is never made whose answer cannot be given. */
  const route =
    (interaction: (exchange: Exchange, ctx: Context) => Promise<Answer> | Answer): Middleware =>
    async (ctx) => {
      const representation = negotiate(ctx);
      send(ctx, world, representation, await interaction(exchangeOf(world, ctx), ctx));
    };
  const changeRoute = (interaction: (exchange: Exchange, ctx: Context) => Promise<Answer>): Middleware =>
    route(async (exchange, ctx) => preferred(await interaction(exchange, ctx), preferencesOf(ctx)));

  router.use(errors(fault));
  router.get(
    '/metadata',
    route(() => ({ status: 200, resource: capabilityStatement(world.settings, smart, made) })),
  );
  router.use(bearer);
  router.all('/metadata', (ctx) => methodNotAllowed(ctx, ['GET']));

  router.post(
    '/',
    route(async (exchange, ctx) =>
      applyBundle(exchange, await readResource(ctx, limit), tokens, (error) => fault(error, exchange.requestId)),
    ),
  );
  router.get(
    '/',
    route((exchange, ctx) => systemSearch(exchange, ctx, query(ctx))),
  );
  router.post(
    '/_search',
    route(async (exchange, ctx) => systemSearch(exchange, ctx, await form(ctx))),
  );
  router.get(
    '/_history',
    route((exchange, ctx) => history(exchange, {}, query(ctx), tokens)),
  );
  router.post('/$validate', route(validating));

  router.post('/Binary', changeRoute(postBinary));
  router.put('/Binary/:id', changeRoute(putBinary));
  router.get('/Binary/:id', async (ctx) => getBinary(ctx, ctx['params'].id ?? ''));
  router.get('/Binary/:id/_history/:version', async (ctx) =>
    getBinary(ctx, ctx['params'].id ?? '', ctx['params'].version),
  );

  router.get(
    '/:type',
    route((exchange, ctx) => typeSearch(exchange, ctx, query(ctx))),
  );
  router.post(
    '/:type/_search',
    route(async (exchange, ctx) => typeSearch(exchange, ctx, await form(ctx))),
  );
  router.post(
    '/:type',
    changeRoute((exchange, ctx) => create(exchange, ctx, typeIn(ctx['params'].type), limit)),
  );
  router.put(
    '/:type',
    changeRoute((exchange, ctx) => update(exchange, ctx, typeIn(ctx['params'].type), undefined, limit)),
  );
  router.patch(
    '/:type',
    changeRoute((exchange, ctx) => patch(exchange, ctx, typeIn(ctx['params'].type), undefined, limit)),
  );
  router.delete(
    '/:type',
    changeRoute((exchange, ctx) => remove(exchange, ctx, typeIn(ctx['params'].type), undefined)),
  );
  router.get(
    '/:type/_history',
    route((exchange, ctx) => history(exchange, { type: typeIn(ctx['params'].type) }, query(ctx), tokens)),
  );
  router.post('/:type/$validate', route(validating));

  router.get(
    '/:type/:id',
    route((exchange, ctx) =>
      read(exchange, typeIn(ctx['params'].type), idIn(ctx['params'].id), query(ctx), conditions(ctx)),
    ),
  );
  router.put(
    '/:type/:id',
    changeRoute((exchange, ctx) => update(exchange, ctx, typeIn(ctx['params'].type), idIn(ctx['params'].id), limit)),
  );
  router.patch(
    '/:type/:id',
    changeRoute((exchange, ctx) => patch(exchange, ctx, typeIn(ctx['params'].type), idIn(ctx['params'].id), limit)),
  );
  router.delete(
    '/:type/:id',
    changeRoute((exchange, ctx) => remove(exchange, ctx, typeIn(ctx['params'].type), idIn(ctx['params'].id))),
  );
  router.get(
    '/:type/:id/_history',
    route((exchange, ctx) =>
      history(exchange, { type: typeIn(ctx['params'].type), id: idIn(ctx['params'].id) }, query(ctx), tokens),
    ),
  );
  router.get(
    '/:type/:id/_history/:version',
    route((exchange, ctx) =>
      vread(exchange, typeIn(ctx['params'].type), idIn(ctx['params'].id), ctx['params'].version, conditions(ctx)),
    ),
  );
  router.post('/:type/:id/$validate', route(validating));

  router.get(
    '/Patient/:id/:type',
    route((exchange, ctx) => compartmentSearch(exchange, ctx, query(ctx))),
  );
  router.post(
    '/Patient/:id/:type/_search',
    route(async (exchange, ctx) => compartmentSearch(exchange, ctx, await form(ctx))),
  );

  router.all('/{*path}', (ctx) => nothingHere(router, ctx));
  return router;

  async function systemSearch(exchange: Exchange, ctx: Context, parameters: [string, string][]): Promise<Answer> {
    const { types, rest } = typesIn(parameters);
    return search(exchange, { types, parameters: rest }, '', preferencesOf(ctx).strict, tokens);
  }

  async function typeSearch(exchange: Exchange, ctx: Context, parameters: [string, string][]): Promise<Answer> {
    const type = typeIn(ctx['params'].type);
    return search(exchange, { types: [type], parameters }, type, preferencesOf(ctx).strict, tokens);
  }

  async function compartmentSearch(exchange: Exchange, ctx: Context, parameters: [string, string][]): Promise<Answer> {
    const patient = idIn(ctx['params'].id);
    const type = typeIn(ctx['params'].type);
    return search(
      exchange,
      { types: [type], parameters, patient },
      `Patient/${patient}/${type}`,
      preferencesOf(ctx).strict,
      tokens,
    );
  }

  async function validating(_: Exchange, ctx: Context): Promise<Answer> {
    const { type, id } = ctx['params'] as { type?: string; id?: string };
    return validateOperation(
      type === undefined ? undefined : typeIn(type),
      id === undefined ? undefined : idIn(id),
      await readResource(ctx, limit),
      query(ctx),
    );
  }

  async function postBinary(exchange: Exchange, ctx: Context): Promise<Answer> {
    if (isFhirJson(ctx)) return create(exchange, ctx, 'Binary', limit);
    return apply(exchange, { kind: 'create', type: 'Binary', resource: await readContent(ctx, limit) });
  }

  async function putBinary(exchange: Exchange, ctx: Context): Promise<Answer> {
    const id = idIn(ctx['params'].id);
    if (isFhirJson(ctx)) return update(exchange, ctx, 'Binary', id, limit);
    return apply(exchange, {
      kind: 'update',
      type: 'Binary',
      target: { id },
      resource: await readContent(ctx, limit, id),
    });
  }

  async function getBinary(ctx: Context, written: string, version?: string): Promise<void> {
    const exchange = exchangeOf(world, ctx);
    const id = idIn(written);
    if (wantsResource(ctx)) {
      const representation = negotiate(ctx);
      const asked =
        version === undefined
          ? read(exchange, 'Binary', id, query(ctx), conditions(ctx))
          : vread(exchange, 'Binary', id, version, conditions(ctx));
      return send(ctx, world, representation, await asked);
    }
    const record =
      version === undefined
        ? await readRecord(world, exchange.principal, 'Binary', id, readOptions(exchange))
        : await versionOf(exchange, 'Binary', id, version);
    send(ctx, world, { type: '', pretty: false }, content(ctx, record, conditions(ctx)));
  }

  /** The URL's parameters and those of the form: both count (FHIR search.html#Introduction). */
  async function form(ctx: Context): Promise<[string, string][]> {
    const [range] = mediaRanges(ctx.get('Content-Type'));
    const bytes = await readBytes(ctx, limit);
    if (bytes.length === 0) return query(ctx);
    if (range?.type !== 'application/x-www-form-urlencoded')
      throw new Problem('media-type', 'The search must be application/x-www-form-urlencoded');
    return [...query(ctx), ...parseQueryString(decodeText(bytes))];
  }
}

const query = (ctx: Context): [string, string][] => parseQueryString(ctx.querystring);

function conditions(ctx: Context): { ifNoneMatch?: string; ifModifiedSince?: string } {
  const [ifNoneMatch, ifModifiedSince] = [ctx.get('If-None-Match'), ctx.get('If-Modified-Since')];
  return { ...(ifNoneMatch !== '' && { ifNoneMatch }), ...(ifModifiedSince !== '' && { ifModifiedSince }) };
}

/** 405 with the methods that the address has, else 404. */
function nothingHere(router: Router, ctx: Context): void {
  const path = `/${ctx['params'].path ?? ''}`;
  const allowed = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) =>
    router
      .match(path, method)
      .pathAndMethod.some((layer) => layer.path !== '/{*path}' && layer.methods.length > 0 && layer.methods.length < 6),
  );
  if (allowed.length === 0) throw new Problem('not-found', 'The server has no such address');
  methodNotAllowed(ctx, allowed);
}

function methodNotAllowed(ctx: Context, allowed: readonly string[]): void {
  ctx.set('Allow', allowed.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', '));
  ctx.status = 405;
  ctx.set('Content-Type', 'application/fhir+json; charset=utf-8');
  const issue = {
    severity: 'error' as const,
    code: 'not-supported' as const,
    diagnostics: 'The address does not have this method; see Allow',
  };
  ctx.body = JSON.stringify(outcomeOf([issue]));
}
