/** The FHIR R4 REST API (FHIR http.html): every address of it on one page. Mounted at /fhir. */
import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import { send } from './answer.ts';
import { wantsResource } from './binary.ts';
import type { SmartAddresses } from './capability.ts';
import { errors } from './errors.ts';
import { exchangeOf } from './exchange.ts';
import { handlers, type Handler } from './handlers.ts';
import { negotiate } from './negotiation.ts';
import { outcomeOf } from './outcome.ts';

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
  /** Receives what is our own fault in an entry of a batch, for the log. */
  fault?: (error: unknown, requestId: string) => void;
}

export function fhirFace(face: FhirFace): Router {
  const { world, bearer } = face;
  const fault = face.fault ?? (() => undefined);
  const on = handlers({ limit: 10 * 1024 ** 2, pageKey: randomBytes(32), ...face, fault });
  const router = new Router();

  /** Negotiates first, so that no change is made whose answer cannot be given. */
  const answer =
    (handler: Handler): Middleware =>
    async (ctx) => {
      const representation = negotiate(ctx);
      await send(ctx, world, representation, await handler(exchangeOf(world, ctx), ctx));
    };
  /** A Binary is given out as what it is, so only the resource itself is negotiated as FHIR. */
  const raw =
    (handler: Handler): Middleware =>
    async (ctx) => {
      const representation = wantsResource(ctx) ? negotiate(ctx) : { type: fhirJson, pretty: false };
      await send(ctx, world, representation, await handler(exchangeOf(world, ctx), ctx));
    };

  router.use(errors());
  router.get('/metadata', answer(on.capability));
  router.use(bearer);
  router.all('/metadata', (ctx) => methodNotAllowed(ctx, ['GET']));

  router.post('/', answer(on.bundle));
  router.get('/', answer(on.systemSearch));
  router.post('/_search', answer(on.systemSearchForm));
  router.get('/_history', answer(on.systemHistory));
  router.post('/$validate', answer(on.validate));

  router.post('/Binary', answer(on.createBinary));
  router.put('/Binary/:id', answer(on.updateBinary));
  router.get('/Binary/:id', raw(on.readBinary));
  router.get('/Binary/:id/_history/:version', raw(on.vreadBinary));

  router.get('/:type', answer(on.typeSearch));
  router.post('/:type/_search', answer(on.typeSearchForm));
  router.post('/:type', answer(on.create));
  router.put('/:type', answer(on.updateMatch));
  router.patch('/:type', answer(on.patchMatch));
  router.delete('/:type', answer(on.removeMatch));
  router.get('/:type/_history', answer(on.typeHistory));
  router.post('/:type/$validate', answer(on.validate));

  router.get('/:type/:id', answer(on.read));
  router.put('/:type/:id', answer(on.update));
  router.patch('/:type/:id', answer(on.patch));
  router.delete('/:type/:id', answer(on.remove));
  router.get('/:type/:id/_history', answer(on.history));
  router.get('/:type/:id/_history/:version', answer(on.vread));
  router.post('/:type/:id/$validate', answer(on.validate));

  router.get('/Patient/:id/$everything', answer(on.everything));
  router.get('/Patient/:id/:type', answer(on.compartmentSearch));
  router.post('/Patient/:id/:type/_search', answer(on.compartmentSearchForm));

  router.all('/{*path}', (ctx) => nothingHere(router, ctx));
  return router;
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
