import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Router from '@koa/router';
import type { Middleware, ParameterizedContext } from 'koa';
import type { AttemptStore, AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { Passkeys } from '../core/accounts/factors/passkeys.ts';
import type { KeySets } from '../core/accounts/clients/key-sets.ts';
import type { PasswordHasher } from '../core/accounts/sign-in/password.ts';
import type { World } from '../core/world.ts';
import type { Principal } from '../core/principal.ts';
import { bearer } from '../http/bearer.ts';
import { notModified, tagOfContent } from '../http/answer/conditional.ts';
import type { State } from '../http/state.ts';
import { forgottenPasswordPages } from './account/forgotten-password.ts';
import { registrationPages } from './account/registration.ts';
import { languageChoice } from './language-choice.ts';
import { accessTokens } from './access-token.ts';
import { confirmAddressRoutes } from './account/confirm-address.ts';
import { oauthProblems } from './answer-problem.ts';
import { linkPages } from './account/link-pages.ts';
import { authorizationServer } from './authorization/authorization-server.ts';
import { refreshAgain } from './authorization/refresh-again.ts';
import { brandBundle } from './brands.ts';
import { connectedAppsRoutes } from './connected-apps.ts';
import { smartConfiguration, smartEndpoints, smartStyle, type SmartEndpoints } from './discovery.ts';
import { prepareLaunch, readLaunchOrder } from './ehr-launch.ts';
import type { FindPatients } from './interactions/interaction-step.ts';
import { interactionRoutes } from './interactions/interactions.ts';
import { introspect } from './introspection.ts';
import type { SmartKeys } from './keys.ts';
import type { DemoAccount } from './pages/sign-in-page.ts';
import { sharedRoutes, type SharedParts } from './shared/shared-routes.ts';
import { createProvider } from './authorization/provider.ts';
import { registrationRoutes } from './registration.ts';

export type { DemoAccount } from './pages/sign-in-page.ts';
export type { PatientChoice } from './pages/patient-page.ts';
export type { FindPatients } from './interactions/interaction-step.ts';

export interface SmartFaceParts {
  world: World;
  authorizations: AuthorizationStore;
  attempts: AttemptStore;
  passwords: PasswordHasher;
  passkeys: Passkeys;
  /** From `smartKeys`. */
  keys: SmartKeys;
  /** Those that systems publish. */
  clientKeys: KeySets;
  findPatients: FindPatients;
  /** Typeface of our own pages: rules, and the files that they name below `/smart/fonts`. */
  fonts: { css: string; files: ReadonlyMap<string, Buffer> };
  /** Shown on the sign-in page; empty outside demo mode. */
  demoAccounts?: readonly DemoAccount[];
  /** What the pages behind shared links take of other faces; without it there are none. */
  shared?: Pick<SharedParts, 'studyFiles' | 'takePlace'>;
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
  const { world, authorizations, keys, clientKeys } = parts;
  const { publicUrl, fhirBaseUrl } = world.settings;
  const endpoints = smartEndpoints(publicUrl);
  const tokens = accessTokens({
    issuer: endpoints.issuer,
    audience: fhirBaseUrl,
    signing: keys.signing,
    authorizations,
    mailCodes: world.settings.mailCodes,
  });
  const again = refreshAgain(authorizations, world.secrets);
  const provider = createProvider({
    publicUrl,
    fhirBaseUrl,
    settings: world.settings,
    keys,
    clientKeys,
    again,
    authorizations,
    accountById: (id) => world.read(({ accounts }) => accounts.byId(id)),
    onGrantEnded: tokens.forget,
  });
  provider.on('server_error', (ctx, error) => {
    (ctx as unknown as { state: Partial<State> }).state.fault = error;
  });
  provider.on('grant.revoked', () => tokens.forget());
  const cookieKey = keys.proofs;

  return {
    oidc: authorizationServer({
      languages: () => world.settings.languages,
      publicUrl,
      provider,
      authorizations,
      again,
      tokens,
      audit: { append: (row) => world.read(({ audit }) => audit.append(row)) },
      sessions: {
        seen: (session) => world.read(({ sessions }) => sessions.seen(session)),
        renewed: (id, address) => world.read(({ sessions }) => sessions.renewed(id, address)),
      },
    }),
    routes() {
      const router = new Router<State>();
      languageChoice(router, world.settings);
      interactionRoutes(router, { ...parts, provider, cookieKey, demoAccounts: parts.demoAccounts ?? [] });
      const ofAccounts = { ...parts, cookieKey, forgetChecks: tokens.forget };
      registrationPages(router, ofAccounts);
      forgottenPasswordPages(router, ofAccounts);
      linkPages(router, { ...parts, cookieKey, endSessions: tokens.forget });
      confirmAddressRoutes(router, { world, cookieKey });
      if (parts.shared) sharedRoutes(router, { world, cookieKey, ...parts.shared });
      connectedAppsRoutes(router, { world, provider, authorizations, tokens, cookieKey });
      publicDocuments(router, smartConfiguration(publicUrl, parts.capabilities));
      fonts(router, parts.fonts);
      router.get('/smart/brands.json', brands(parts));
      registrationRoutes(router, { world, clientKeys, forget: tokens.forget });
      const guard = bearer(tokens.verify);
      // In front of oidc-provider, which cannot introspect its own JWTs; the router therefore goes first.
      router.post('/oidc/token/introspection', oauthProblems, guard, (ctx) =>
        introspect({ ...endpoints, fhirBaseUrl, tokens, authorizations }, ctx),
      );
      router.post('/smart/launch', oauthProblems, guard, async (ctx) => {
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
  const publish = (document: unknown) => {
    const give = unchanging(Buffer.from(JSON.stringify(document)), 'application/json');
    return (ctx: ParameterizedContext<State>) => {
      ctx.set('Access-Control-Allow-Origin', '*');
      give(ctx);
    };
  };
  router.get('/.well-known/smart-configuration', publish(configuration));
  router.get('/fhir/.well-known/smart-configuration', publish(configuration));
  router.get('/smart/style.json', publish(smartStyle));
  for (const [name, type] of [
    ['page.css', 'text/css; charset=utf-8'],
    ['page.js', 'text/javascript; charset=utf-8'],
  ] as const) {
    router.get(`/smart/${name}`, unchanging(readFileSync(join(import.meta.dirname, 'pages', name)), type));
  }
}

/** Of our own pages: given out by us, because nothing on them may come from elsewhere. */
function fonts(router: Router<State>, { css, files }: SmartFaceParts['fonts']): void {
  router.get('/smart/fonts.css', unchanging(Buffer.from(css), 'text/css; charset=utf-8'));
  for (const [name, content] of files) router.get(`/smart/fonts/${name}`, unchanging(content, 'font/woff2'));
}

/** The site may change its name while the server runs; when this content was first given out is remembered by its digest. */
function brands({ world, authorizations }: SmartFaceParts) {
  const published = new Map<string, string>();
  return async (ctx: ParameterizedContext<State>): Promise<void> => {
    const { publicUrl, fhirBaseUrl, organizationName: name } = world.settings;
    const digest = tagOfContent(Buffer.from(JSON.stringify(brandBundle({ publicUrl, fhirBaseUrl, name }, ''))));
    if (published.size > 100) published.clear();
    if (!published.has(digest))
      published.set(
        digest,
        await authorizations.secret(`brand ${digest}`, () => Promise.resolve(world.now().toISOString())),
      );
    const bundle = brandBundle({ publicUrl, fhirBaseUrl, name }, published.get(digest)!);
    ctx.set('Access-Control-Allow-Origin', '*');
    unchanging(Buffer.from(JSON.stringify(bundle)), 'application/fhir+json')(ctx);
  };
}

/** Files that change with the program only. */
function unchanging(content: Buffer, type: string) {
  const etag = tagOfContent(content);
  return (ctx: ParameterizedContext<State>): void => {
    ctx.set('Cache-Control', 'public, max-age=300');
    if (notModified(ctx, { etag })) return;
    ctx.type = type;
    ctx.body = content;
  };
}
