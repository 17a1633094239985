import type Router from '@koa/router';
import type { State } from '../../http/state.ts';
import { documentRoutes } from './api-docs.ts';
import { apiRouter, type ApiDeclaration, type ApiParts, type ApiRoute } from './api-route.ts';
import { describedRoutes } from './described-routes.ts';
import type { AboutApi } from './openapi.ts';

/**
 * The one place where the routes of all nouns come together, so that what is answered is what the OpenAPI document says.
 *
 * @param nouns the routes of each noun (`deliveryRoutes(...)`, `modelRoutes(...)` ...).
 */
export function portalApi(
  parts: ApiParts & { about: AboutApi },
  nouns: readonly (readonly ApiRoute[])[],
): Router<State> {
  const declarations: ApiDeclaration[] = [];
  const own = [...nouns.flat(), ...documentRoutes(parts.about, () => declarations)];
  declarations.push(...own, ...describedRoutes);
  return apiRouter(parts, own);
}
