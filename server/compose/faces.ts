import type { Middleware } from 'koa';
import mount from 'koa-mount';
import { readBackendClients } from '../config.ts';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import { keySets, type KeySets } from '../core/accounts/key-sets.ts';
import type { PasswordHasher } from '../core/accounts/password.ts';
import type { World } from '../core/world.ts';
import { demoSignIns } from '../demo/people.ts';
import { dicomwebFace } from '../dicomweb/routes.ts';
import { errors } from '../fhir/errors.ts';
import { fhirFace } from '../fhir/face.ts';
import { bearer } from '../http/bearer.ts';
import { places } from '../http/places.ts';
import type { State } from '../http/state.ts';
import { keyFetcher } from '../infrastructure/key-fetcher.ts';
import type { MailSink } from '../infrastructure/mail/mail-sink.ts';
import type { Sql } from '../infrastructure/postgres/connection.ts';
import { postgresAttempts } from '../infrastructure/postgres/accounts/sign-in-attempts.ts';
import { apiRouter } from '../portal/api-route.ts';
import { clientRoutes } from '../portal/clients.ts';
import { findPatients } from '../portal/find-patients.ts';
import { launchableApps } from '../portal/launchable-apps.ts';
import { modelRoutes } from '../portal/models.ts';
import { portalFace, type PortalStatus } from '../portal/routes.ts';
import { demoApp, seedClients } from '../smart/clients.ts';
import { smartFace, type SmartFace } from '../smart/face.ts';
import { smartKeys, type SmartKeys } from '../smart/keys.ts';
import type { Start } from './start.ts';

export interface Faces {
  /** In the order in which they are asked. */
  faces: Middleware<State>[];
  cookieKeys: string[];
  isAllowedOrigin(origin: string): Promise<boolean>;
}

export interface FacesParts {
  world: World;
  authorizations: AuthorizationStore;
  passwords: PasswordHasher;
  sql: Sql;
  /** The demo's own mailbox, if this process has it. */
  sink: MailSink | undefined;
}

/** All protocols of an `api` process, over one world. */
export async function openFaces(start: Start, parts: FacesParts): Promise<Faces> {
  const { config, settings } = start;
  const { world, authorizations, sink } = parts;
  const keys = await smartKeys(authorizations);
  const apps = config.mode === 'demo' ? [demoApp] : [];
  await seedClients(authorizations, { publicUrl: settings.publicUrl, apps, backends: readBackendClients(config) });
  const clientKeys = keySets(keyFetcher({ hosts: config.jwksHosts, loopback: settings.demo }));
  const smart = smartOf(start, parts, keys, clientKeys);
  const identify = bearer(smart.verify);
  const takePlace = places(config.budget);
  const guard: Middleware<State> = (ctx, next) => identify(ctx, () => takePlace(ctx, next) as Promise<unknown>);
  const fhir = await fhirOf(start, parts, guard, smart);
  const dicomweb = dicomwebFace({
    world,
    bearer: guard,
    instanceLimit: config.maxInstanceBytes,
    budget: config.budget,
  });
  const status = () => portalStatus(start, world);
  const ours = [...clientRoutes({ world, clientKeys, forget: smart.forgetChecks }), ...launchableApps(world)];
  return {
    faces: [
      smart.routes().routes() as Middleware<State>,
      smart.oidc,
      mount('/dicomweb', dicomweb.routes() as Middleware) as Middleware<State>,
      mount('/fhir', fhir.routes() as Middleware) as Middleware<State>,
      portalFace({ status, ...(sink && { mailbox: sink }) }).routes() as Middleware<State>,
      modelRoutes({ world, bearer: guard, errors: errors() }).routes() as Middleware<State>,
      apiRouter({ world, bearer: guard, errors: errors() }, ours).routes() as Middleware<State>,
    ],
    cookieKeys: keys.cookies,
    isAllowedOrigin: async (origin) =>
      config.corsOrigins.includes(origin) || (await authorizations.clientOrigins()).includes(origin),
  };
}

function smartOf(
  { config }: Start,
  { world, authorizations, passwords, sql }: FacesParts,
  keys: SmartKeys,
  clientKeys: KeySets,
): SmartFace {
  return smartFace({
    world,
    authorizations,
    attempts: postgresAttempts(sql),
    passwords,
    keys,
    clientKeys,
    findPatients: findPatients(world),
    demoAccounts: config.mode === 'demo' ? demoSignIns : [],
  });
}

async function fhirOf(
  { config, log }: Start,
  { world, authorizations }: FacesParts,
  guard: Middleware<State>,
  { endpoints }: SmartFace,
) {
  const newKey = () => Promise.resolve(Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'));
  return fhirFace({
    world,
    bearer: guard as Middleware,
    smart: {
      authorizeUrl: endpoints.authorize,
      tokenUrl: endpoints.token,
      introspectUrl: endpoints.introspect,
      revokeUrl: endpoints.revoke,
      manageUrl: endpoints.manage,
    },
    limit: config.maxFhirBytes,
    pageKey: Buffer.from(await authorizations.secret('page-key', newKey), 'base64'),
    fault: (err, requestId) => log.error({ err, requestId }, 'unexpected fault'),
  });
}

function portalStatus({ config }: Start, { classifier }: World): PortalStatus {
  const state = classifier.state();
  const { model } = state;
  return {
    mode: config.mode,
    siteName: config.siteName,
    timeZone: config.timeZone,
    confidenceThreshold: config.confidenceThreshold,
    model: model && {
      name: model.name,
      version: model.version,
      trained: model.trained,
      provider: state.ready ? state.provider : state.elsewhere ? undefined : 'none',
    },
    demoAccounts: config.mode === 'demo' ? demoSignIns.map(({ email, label }) => ({ email, role: label })) : [],
  };
}
