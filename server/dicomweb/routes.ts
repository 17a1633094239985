import Router from '@koa/router';
import type { Middleware } from 'koa';
import type { World } from '../core/world.ts';
import type { Budget } from '../http/budget.ts';
import { Problem } from '../core/problem.ts';
import type { State } from '../http/state.ts';
import { answerProblems } from './answer-problem.ts';
import { bulkParts } from './bulk-parts.ts';
import { bulkdata } from './bulkdata.ts';
import { frames } from './frames.ts';
import { metadata } from './metadata.ts';
import { remove } from './remove.ts';
import { rendered, thumbnail } from './rendered.ts';
import { retrieve } from './retrieve.ts';
import { search } from './search.ts';
import { storeRoutes } from './store.ts';

const study = '/studies/:study';
const series = `${study}/series/:series`;
const instance = `${series}/instances/:instance`;

/**
 * The DICOMweb studies service (PS3.18 chapter 10), to be mounted at its base address. GET routes answer HEAD
 * too; all of them need an access token.
 *
 * @param parts.bearer sets `ctx.state.principal` from the access token or throws Problem `login`
 * @param parts.refusals leaves rows in the audit trail for what is refused
 * @param parts.instanceLimit bytes of one stored instance
 * @param parts.budget of one store request
 */
export function dicomwebFace(parts: {
  world: World;
  bearer: Middleware<State>;
  refusals?: Middleware<State>;
  instanceLimit?: number;
  budget?: Pick<Budget, 'storeBytes' | 'parts'>;
}): Router<State> {
  const { world, bearer, refusals } = parts;
  const router = new Router<State>();
  router.use(answerProblems(), ...(refusals ? [refusals] : []), knownAddress(router), bearer);

  // STOW-RS (10.5)
  router.use(storeRoutes(parts).routes());

  // QIDO-RS (10.6)
  router.get('/studies', search(world, 'study'));
  router.get('/series', search(world, 'series'));
  router.get('/instances', search(world, 'instance'));
  router.get(`${study}/series`, search(world, 'series'));
  router.get(`${study}/instances`, search(world, 'instance'));
  router.get(`${series}/instances`, search(world, 'instance'));

  // WADO-RS (10.4)
  for (const level of [study, series, instance]) {
    router.get(level, retrieve(world));
    router.delete(level, remove(world));
    router.get(`${level}/metadata`, metadata(world));
    router.get(`${level}/bulkdata`, bulkParts(world, 'bulkdata'));
    router.get(`${level}/pixeldata`, bulkParts(world, 'pixeldata'));
    router.get(`${level}/rendered`, rendered(world));
    router.get(`${level}/thumbnail`, thumbnail(world));
  }
  router.get(`${instance}/frames/:list`, frames(world));
  router.get(`${instance}/frames/:list/rendered`, rendered(world));
  router.get(`${instance}/frames/:list/thumbnail`, thumbnail(world));
  router.get(`${instance}/bulkdata/*path`, bulkdata(world));
  router.all(elsewhere, () => undefined); // so that what stands in front runs for every address
  return router;
}

const elsewhere = '/{*path}';

/** 404 for an address that this service does not have; 405 with Allow for a method that the address does not have. */
function knownAddress(router: Router<State>): Middleware<State> {
  return async (ctx, next) => {
    const has = (method: string) =>
      router
        .match(ctx.path, method)
        .pathAndMethod.some(({ path, methods }) => methods.length > 0 && path !== elsewhere);
    if (has(ctx.method)) return next();
    const allowed = ['GET', 'HEAD', 'POST', 'DELETE'].filter(has);
    if (allowed.length === 0) throw new Problem('not-found', 'The service has no such address (PS3.18 10)');
    ctx.status = 405;
    ctx.set('Allow', allowed.join(', '));
    ctx.body = { code: 'not-supported', message: 'The address does not have this method; see Allow' };
  };
}
