import type { Middleware } from 'koa';
import type { ClassifierLoad } from '../core/analysis/classifier.ts';

export interface Readiness {
  ready: boolean;
  /** Component -> `up`, or what is wrong in words for an operator. No secrets, no health data: it is public. */
  components: Record<string, string>;
  /** Components that are down while everything else works: somebody must look, but traffic may come. */
  degraded: string[];
  /** How busy the classifier is: images waiting and running, mean wait in milliseconds, mean images in a run. */
  load?: ClassifierLoad;
}

/**
 * `/healthz`: the process answers and can be helped by waiting (restart it if not). `/readyz`: it can do its work
 * (send it traffic if so); 503 with the reason otherwise, and from the moment it is told to stop.
 *
 * @param beyondHelp why only a restart helps, if that is so.
 */
export function health(readiness: () => Promise<Readiness>, beyondHelp: () => string | undefined): Middleware {
  return async (ctx, next) => {
    if (ctx.path === '/healthz') {
      const reason = beyondHelp();
      ctx.status = reason === undefined ? 200 : 503;
      ctx.set('Cache-Control', 'no-store');
      ctx.body = reason === undefined ? { status: 'up' } : { status: 'down', reason };
    } else if (ctx.path === '/readyz') {
      const state = await readiness();
      ctx.status = state.ready ? 200 : 503;
      ctx.set('Cache-Control', 'no-store');
      ctx.body = state;
    } else {
      await next();
    }
  };
}
