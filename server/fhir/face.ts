/** The FHIR R4 REST API (FHIR http.html): every address of it on one page. Mounted at /fhir. */
import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { CapabilityStatement } from '@medplum/fhirtypes';
import type { Context, Middleware } from 'koa';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import type { RefusalLog } from '../core/access/refusal-log.ts';
import { auditRefusals } from '../http/audit-refusals.ts';
import { conditionsOf } from '../http/answer/conditional.ts';
import { pageTokens } from '../http/answer/page-token.ts';
import { preferred, send } from './answer.ts';
import { createBinary, readBinary, updateBinary, vreadBinary } from './binary.ts';
import { readResource, readSearch } from './body.ts';
import { applyBundle } from './bundle.ts';
import { capabilityStatement, type SmartAddresses } from './capability.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { errors } from './errors.ts';
import { everything } from './everything.ts';
import { exchangeOf, idOf, pathPart, preferencesOf, queryOf, typeOf, type Exchange, type Handler } from './exchange.ts';
import { history } from './history.ts';
import { representationOf } from './negotiation.ts';
import { askedOf, type Operation } from './operations/operation.ts';
import { operations } from './operations/operations.ts';
import { traceOf } from '../core/trace.ts';
import { outcomeOf } from './outcome.ts';
import { patch } from './patch.ts';
import { read, vread } from './read.ts';
import { searchCompartment, searchSystem, searchType } from './search.ts';
import { update } from './update.ts';
import { validateOperation } from './validate-operation.ts';

const fhirJson = 'application/fhir+json; charset=utf-8';

export interface FhirFace {
  world: World;
  /** Sets `ctx.state.principal`, or throws Problem `login` or `expired`. */
  bearer: Middleware;
  smart: SmartAddresses;
  /** Bytes of a request body. */
  limit?: number;
  /** 32 bytes that seal the addresses of further pages; the same in all processes. Without it, pages end with the process. */
  pageKey?: Uint8Array;
  /** Writes down what is refused. */
  refusals?: RefusalLog;
  /** Receives what is our own fault in an entry of a batch, for the log. */
  fault?: (error: unknown, requestId: string) => void;
}

export function fhirFace(face: FhirFace): Router {
  const { world, bearer, limit = 10 * 1024 ** 2 } = face;
  const parts = { world, pages: pageTokens(face.pageKey ?? randomBytes(32)), bodyLimit: limit };
  const router = new Router();

  /** Negotiates first, so that no change is made whose answer cannot be given. */
  const answer =
    (handler: Handler): Middleware =>
    async (ctx) => {
      const representation = representationOf(ctx);
      await send(ctx, world, representation, await handler(exchangeOf(ctx, parts), ctx));
    };
  /** A change answers as the Prefer header asks. */
  const changed = (handler: Handler): Middleware =>
    answer(async (exchange, ctx) => preferred(await handler(exchange, ctx), preferencesOf(ctx)));
  /** What is found decides what is offered. */
  const found =
    (handler: Handler): Middleware =>
    async (ctx) => {
      const answered = await handler(exchangeOf(ctx, parts), ctx);
      await send(ctx, world, answered.representation ?? { type: fhirJson, pretty: false }, answered);
    };

  router.use(errors());
  if (face.refusals) router.use(auditRefusals('fhir', face.refusals) as Middleware);
  router.get('/metadata', answer(capability(face)));
  router.use(bearer);
  router.all('/metadata', (ctx) => methodNotAllowed(ctx, ['GET']));

  systemRoutes(router, answer, face);
  router.post(
    '/Binary',
    changed((exchange, ctx) => createBinary(exchange, ctx)),
  );
  router.put(
    '/Binary/:id',
    changed((exchange, ctx) => updateBinary(exchange, ctx, idOf(ctx))),
  );
  router.get(
    '/Binary/:id',
    found((exchange, ctx) => readBinary(exchange, ctx, idOf(ctx))),
  );
  router.get(
    '/Binary/:id/_history/:version',
    found((exchange, ctx) => vreadBinary(exchange, ctx, idOf(ctx), versionIn(ctx))),
  );
  for (const operation of operations) router.post(addressOf(operation), answer(operated(operation)));
  typeRoutes(router, answer, changed);
  instanceRoutes(router, answer, changed);
  compartmentRoutes(router, answer);

  router.all('/{*path}', (ctx) => nothingHere(router, ctx));
  return router;
}

type Answering = (handler: Handler) => Middleware;

const versionIn = (ctx: Context): string => pathPart(ctx, 'version') ?? '';
const isStrict = (ctx: Context): boolean => preferencesOf(ctx).strict;
const posted = (exchange: Exchange, ctx: Context) => readSearch(ctx, exchange.bodyLimit);

/** The same for everybody until the site has another name, so it is made once. */
function capability({ world, smart }: FhirFace): Handler {
  let statement: CapabilityStatement | undefined;
  return () => {
    if (statement?.implementation?.description !== world.settings.organizationName)
      statement = capabilityStatement(world.settings, smart, world.now());
    return { status: 200, resource: statement };
  };
}

const validate: Handler = async (exchange, ctx) => {
  const type = pathPart(ctx, 'type') === undefined ? undefined : typeOf(ctx);
  const id = pathPart(ctx, 'id') === undefined ? undefined : idOf(ctx);
  return validateOperation(exchange, type, id, await readResource(ctx, exchange.bodyLimit), queryOf(ctx));
};

const addressOf = ({ type, name, level }: Operation): string =>
  level === 'instance' ? `/${type}/:id/$${name}` : `/${type}/$${name}`;

const operated =
  ({ run, level }: Operation): Handler =>
  async (exchange, ctx) => {
    const id = level === 'instance' ? idOf(ctx) : '';
    return run(exchange, await askedOf(exchange, await readResource(ctx, exchange.bodyLimit)), id);
  };

/** An entry of a batch that was refused, while others were not. */
const entryRow = ({ principal, ...trace }: Exchange) =>
  ({ action: 'E', event: 'fhir:batch-entry', principal, ...traceOf(trace) }) as const;

function systemRoutes(router: Router, answer: Answering, { fault = () => undefined, refusals }: FhirFace): void {
  router.post('/', answer(async (exchange, ctx) => {
    const bundle = await readResource(ctx, exchange.bodyLimit);
    const rows: Promise<void>[] = [];
    const answered = await applyBundle(exchange, bundle, preferencesOf(ctx), (error, status) => {
      if (status === 500) fault(error, exchange.requestId);
      else if (refusals) rows.push(refusals.note(error, entryRow(exchange)));
    });
    await Promise.all(rows);
    return answered;
  })); // prettier-ignore
  router.get(
    '/',
    answer((exchange, ctx) => searchSystem(exchange, queryOf(ctx), isStrict(ctx))),
  );
  router.post('/_search', answer(async (exchange, ctx) => searchSystem(exchange, await posted(exchange, ctx), isStrict(ctx)))); // prettier-ignore
  router.get(
    '/_history',
    answer((exchange, ctx) => history(exchange, {}, queryOf(ctx))),
  );
  router.post('/$validate', answer(validate));
}

function typeRoutes(router: Router, answer: Answering, changed: Answering): void {
  router.get(
    '/:type',
    answer((exchange, ctx) => searchType(exchange, typeOf(ctx), queryOf(ctx), isStrict(ctx))),
  );
  router.post('/:type/_search', answer(async (exchange, ctx) => searchType(exchange, typeOf(ctx), await posted(exchange, ctx), isStrict(ctx)))); // prettier-ignore
  router.post(
    '/:type',
    changed((exchange, ctx) => create(exchange, ctx, typeOf(ctx))),
  );
  router.put(
    '/:type',
    changed((exchange, ctx) => update(exchange, ctx, typeOf(ctx), undefined)),
  );
  router.patch(
    '/:type',
    changed((exchange, ctx) => patch(exchange, ctx, typeOf(ctx), undefined)),
  );
  router.delete(
    '/:type',
    changed((exchange, ctx) => remove(exchange, ctx, typeOf(ctx), undefined)),
  );
  router.get(
    '/:type/_history',
    answer((exchange, ctx) => history(exchange, { type: typeOf(ctx) }, queryOf(ctx))),
  );
  router.post('/:type/$validate', answer(validate));
}

function instanceRoutes(router: Router, answer: Answering, changed: Answering): void {
  const one = '/:type/:id';
  router.get(
    one,
    answer((exchange, ctx) => read(exchange, typeOf(ctx), idOf(ctx), queryOf(ctx), conditionsOf(ctx))),
  );
  router.put(
    one,
    changed((exchange, ctx) => update(exchange, ctx, typeOf(ctx), idOf(ctx))),
  );
  router.patch(
    one,
    changed((exchange, ctx) => patch(exchange, ctx, typeOf(ctx), idOf(ctx))),
  );
  router.delete(
    one,
    changed((exchange, ctx) => remove(exchange, ctx, typeOf(ctx), idOf(ctx))),
  );
  router.get(`${one}/_history`, answer((exchange, ctx) => history(exchange, { type: typeOf(ctx), id: idOf(ctx) }, queryOf(ctx)))); // prettier-ignore
  router.get(`${one}/_history/:version`, answer((exchange, ctx) => vread(exchange, typeOf(ctx), idOf(ctx), versionIn(ctx), conditionsOf(ctx)))); // prettier-ignore
  router.post(`${one}/$validate`, answer(validate));
}

function compartmentRoutes(router: Router, answer: Answering): void {
  router.get(
    '/Patient/:id/$everything',
    answer((exchange, ctx) => everything(exchange, idOf(ctx), queryOf(ctx))),
  );
  router.get('/Patient/:id/:type', answer((exchange, ctx) => searchCompartment(exchange, idOf(ctx), pathPart(ctx, 'type'), queryOf(ctx), isStrict(ctx)))); // prettier-ignore
  router.post('/Patient/:id/:type/_search', answer(async (exchange, ctx) => searchCompartment(exchange, idOf(ctx), pathPart(ctx, 'type'), await posted(exchange, ctx), isStrict(ctx)))); // prettier-ignore
}

/** 405 with the methods that the address has, else 404. */
function nothingHere(router: Router, ctx: Context): void {
  const path = `/${ctx['params'].path ?? ''}`;
  const allowed = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) =>
    router.match(path, method).pathAndMethod.some((layer) => layer.methods.length > 0 && layer.path !== '/{*path}'),
  );
  if (allowed.length === 0) throw new Problem('not-found', 'The server has no such address');
  methodNotAllowed(ctx, allowed);
}

function methodNotAllowed(ctx: Context, allowed: readonly string[]): void {
  ctx.set('Allow', allowed.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', '));
  ctx.status = 405;
  ctx.set('Content-Type', fhirJson);
  const diagnostics = 'The address does not have this method; see Allow';
  ctx.body = JSON.stringify(outcomeOf([{ severity: 'error', code: 'not-supported', diagnostics }]));
}
