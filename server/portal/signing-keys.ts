import Router from '@koa/router';
import type { State } from '../http/state.ts';

/**
 * The public halves of the keys that sign records, as a JSON Web Key Set (RFC 7517): whoever was given a signed record
 * checks it without asking us. All that ever signed are in it.
 */
export function signingKeysRoute(publicKeys: () => { keys: object[] }): Router<State> {
  const router = new Router<State>();
  router.get('/.well-known/csss-signing-keys.json', (ctx) => {
    ctx.set('Cache-Control', 'public, max-age=300');
    ctx.set('Access-Control-Allow-Origin', '*');
    ctx.type = 'application/jwk-set+json';
    ctx.body = JSON.stringify(publicKeys());
  });
  return router;
}
