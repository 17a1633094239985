import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Router from '@koa/router';
import type { Middleware, ParameterizedContext } from 'koa';
import type { AttemptStore, AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { PasswordHasher } from '../core/accounts/password.ts';
import type { World } from '../core/world.ts';
import type { Principal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import { bearer } from '../http/bearer.ts';
import { statusOf } from '../http/problem-status.ts';
import type { State } from '../http/state.ts';
import { accessTokens } from './access-token.ts';
import { authorizationServer } from './authorization/authorization-server.ts';
import { connectedAppsRoutes } from './connected-apps.ts';
import { smartConfiguration, smartEndpoints, smartStyle, type SmartEndpoints } from './discovery.ts';
import { prepareLaunch, readLaunchOrder } from './ehr-launch.ts';
import type { FindPatients } from './interactions/interaction-step.ts';
import { interactionRoutes } from './interactions/interactions.ts';
import { introspect } from './introspection.ts';
import type { SmartKeys } from './keys.ts';
import type { DemoAccount } from './pages/sign-in-page.ts';
import { createProvider } from './authorization/provider.ts';

export type { DemoAccount } from './pages/sign-in-page.ts';
export type { PatientChoice } from './pages/patient-page.ts';
export type { FindPatients } from './interactions/interaction-step.ts';

export interface SmartFaceParts {
  world: World;
  authorizations: AuthorizationStore;
  attempts: AttemptStore;
  passwords: PasswordHasher;
  /** From `smartKeys`. */
  keys: SmartKeys;
  findPatients: FindPatients;
  /** Shown on the sign-in page; empty outside demo mode. */
  demoAccounts?: readonly DemoAccount[];
  /** Further true capabilities for the SMART configuration, such as those of SMART Imaging Access. */
  capabilities?: readonly string[];
}

export interface SmartFace {
  /** Mount before the other faces; it takes /oidc and leaves everything else alone. */
  oidc: Middleware<State>;
  /** Sign-in pages, discovery, introspection, connected apps, EHR launch. */
  routes(): Router<State>;
  /** Token to principal, for `bearer`. */
  verify(token: string): Promise<Principal>;
  endpoints: SmartEndpoints;
  /** Throws cached token checks away, after an account or client was changed in this process. */
  forgetChecks(): void;
}

/** The SMART on FHIR face: who is asking, and what they allowed which app to do. */
export function smartFace(parts: SmartFaceParts): SmartFace {
  const { world, authorizations, keys } = parts;
  const { publicUrl, fhirBaseUrl } = world.settings;
  const endpoints = smartEndpoints(publicUrl);
  const tokens = accessTokens({
    issuer: endpoints.issuer,
    audience: fhirBaseUrl,
    signing: keys.signing,
    authorizations,
  });
  const provider = createProvider({
    publicUrl,
    fhirBaseUrl,
    keys,
    authorizations,
    accountById: (id) => world.read(({ accounts }) => accounts.byId(id)),
    onGrantEnded: tokens.forget,
  });
  provider.on('server_error', (ctx, error) => {
    (ctx as unknown as { state: Partial<State> }).state.fault = error;
  });
  provider.on('grant.revoked', () => tokens.forget());
  const cookieKey = keys.cookies[0]!;

  return {
    oidc: authorizationServer({
      publicUrl,
      provider,
      authorizations,
      tokens,
      audit: { append: (row) => world.read(({ audit }) => audit.append(row)) },
    }),
    routes() {
      const router = new Router<State>();
      interactionRoutes(router, { ...parts, provider, cookieKey, demoAccounts: parts.demoAccounts ?? [] });
      connectedAppsRoutes(router, { world, provider, authorizations, tokens, cookieKey });
      publicDocuments(router, smartConfiguration(publicUrl, parts.capabilities));
      const guard = bearer(tokens.verify);
      // In front of oidc-provider, which cannot introspect its own JWTs; the router therefore goes first.
      router.post('/oidc/token/introspection', plainErrors, guard, (ctx) =>
        introspect({ ...endpoints, fhirBaseUrl, tokens, authorizations }, ctx),
      );
      router.post('/smart/launch', plainErrors, guard, async (ctx) => {
        ctx.status = 201;
        ctx.body = await prepareLaunch(parts, ctx.state.principal, await readLaunchOrder(ctx));
      });
      return router;
    },
    verify: tokens.verify,
    endpoints,
    forgetChecks: tokens.forget,
  };
}

function publicDocuments(router: Router<State>, configuration: Record<string, unknown>): void {
  // JSON whatever Accept says, for any origin (SMART 2.2 "Using well-known").
  const publish = (body: unknown) => (ctx: ParameterizedContext<State>) => {
    ctx.set({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=300' });
    ctx.type = 'application/json';
    ctx.body = JSON.stringify(body);
  };
  router.get('/.well-known/smart-configuration', publish(configuration));
  router.get('/fhir/.well-known/smart-configuration', publish(configuration));
  router.get('/smart/style.json', publish(smartStyle));
  for (const [name, type] of [
    ['page.css', 'text/css; charset=utf-8'],
    ['page.js', 'text/javascript; charset=utf-8'],
  ] as const) {
    const content = readFileSync(join(import.meta.dirname, 'pages', name));
    router.get(`/smart/${name}`, (ctx) => {
      ctx.set('Cache-Control', 'public, max-age=300');
      ctx.type = type;
      ctx.body = content;
    });
  }
}

/** Problems of the JSON routes in OAuth's own form (RFC 6749 5.2). */
const plainErrors: Middleware<State> = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    ctx.status = statusOf[error.code];
    ctx.set('Cache-Control', 'no-store');
    if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter));
    ctx.body = { error: nameOf(ctx.status), error_description: error.message };
  }
};

function nameOf(status: number): string {
  if (status === 401) return 'invalid_token';
  if (status === 403) return 'insufficient_scope';
  return status >= 500 ? 'temporarily_unavailable' : 'invalid_request';
}
