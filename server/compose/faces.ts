import type { Middleware } from 'koa';
import mount from 'koa-mount';
import { readBackendClients } from '../config.ts';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { PasswordHasher } from '../core/accounts/password.ts';
import type { World } from '../core/world.ts';
import { demoSignIns } from '../demo/people.ts';
import { dicomwebFace } from '../dicomweb/routes.ts';
import { errors } from '../fhir/errors.ts';
import { fhirFace } from '../fhir/face.ts';
import { bearer } from '../http/bearer.ts';
import { places } from '../http/places.ts';
import type { State } from '../http/state.ts';
import type { MailSink } from '../infrastructure/mail/mail-sink.ts';
import type { Sql } from '../infrastructure/postgres/connection.ts';
import { postgresAttempts } from '../infrastructure/postgres/accounts/sign-in-attempts.ts';
import { apiRouter, type ApiRoute } from '../portal/api-route.ts';
import { emergencyAccessRoutes } from '../portal/emergency-access.ts';
import { findPatients } from '../portal/find-patients.ts';
import { modelRoutes } from '../portal/models.ts';
import { myRoutes } from '../portal/people/me.ts';
import { mySessionRoutes } from '../portal/people/my-sessions.ts';
import { registrationRoutes } from '../portal/people/registrations.ts';
import { userRoutes } from '../portal/people/users.ts';
import { portalFace, type PortalStatus } from '../portal/routes.ts';
import { setupRoutes } from '../portal/setup.ts';
import { seedClients } from '../smart/clients.ts';
import { smartFace, type SmartFace } from '../smart/face.ts';
import type { SmartKeys } from '../smart/keys.ts';
import { signingKeysRoute } from '../portal/signing-keys.ts';
import { renewedSmart, type RecordSigner } from './keys.ts';
import type { LiveSite } from './site.ts';
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
  signer: RecordSigner;
  site: LiveSite;
  /** The demo's own mailbox, if this process has it. */
  sink: MailSink | undefined;
}

/** All protocols of an `api` process, over one world. */
export async function openFaces(start: Start, parts: FacesParts): Promise<Faces> {
  const { config, settings } = start;
  const { world, authorizations, sink } = parts;
  await seedClients(authorizations, { publicUrl: settings.publicUrl, backends: readBackendClients(config) });
  const smart = await renewedSmart(
    start,
    authorizations,
    () => world.now(),
    (keys) => smartOf(start, parts, keys),
  );
  const identify = bearer((token) => smart.face().verify(token));
  const takePlace = places(config.budget);
  const guard: Middleware<State> = (ctx, next) => identify(ctx, () => takePlace(ctx, next) as Promise<unknown>);
  const fhir = await fhirOf(start, parts, guard, smart.face());
  const dicomweb = dicomwebFace({
    world,
    bearer: guard,
    instanceLimit: config.maxInstanceBytes,
    budget: config.budget,
  });
  const attempts = postgresAttempts(parts.sql);
  const status = () => portalStatus(start, parts);
  const { siteName, timeZone } = config;
  const fixed = { ...(siteName !== undefined && { name: siteName }), ...(timeZone !== undefined && { timeZone }) };
  const own = [
    ...peopleRoutes(parts, () => smart.face().forgetChecks()),
    ...setupRoutes({ world, fixed, changed: parts.site.reload }),
    ...emergencyAccessRoutes({ world, attempts, forgetChecks: () => smart.face().forgetChecks() }),
  ];
  return {
    faces: [
      smart.routes,
      smart.oidc,
      mount('/dicomweb', dicomweb.routes() as Middleware) as Middleware<State>,
      mount('/fhir', fhir.routes() as Middleware) as Middleware<State>,
      signingKeysRoute(parts.signer.publicKeys).routes() as Middleware<State>,
      portalFace({ status, ...(sink && { mailbox: sink }) }).routes() as Middleware<State>,
      apiRouter({ world, bearer: guard, errors: errors() as Middleware }, own).routes() as Middleware<State>,
      modelRoutes({ world, bearer: guard, errors: errors() }).routes() as Middleware<State>,
    ],
    cookieKeys: smart.cookieKeys,
    isAllowedOrigin: async (origin) =>
      config.corsOrigins.includes(origin) || (await authorizations.clientOrigins()).includes(origin),
  };
}

/** Accounts: for administrators, for staff who know their patients, and for everybody the own. */
function peopleRoutes({ world, authorizations, passwords, sql }: FacesParts, forgetChecks: () => void): ApiRoute[] {
  const parts = { world, authorizations, passwords, attempts: postgresAttempts(sql), forgetChecks };
  return [...userRoutes(parts), ...registrationRoutes(parts), ...myRoutes(parts), ...mySessionRoutes(parts)];
}

function smartOf({ config }: Start, { world, authorizations, passwords, sql }: FacesParts, keys: SmartKeys): SmartFace {
  return smartFace({
    world,
    authorizations,
    attempts: postgresAttempts(sql),
    passwords,
    keys,
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

function portalStatus({ config, settings }: Start, { world, site }: FacesParts): PortalStatus {
  const state = world.classifier.state();
  const { model } = state;
  return {
    mode: config.mode,
    siteName: settings.organizationName,
    logo: site.kept().logo,
    languages: site.kept().languages,
    timeZone: settings.timeZone,
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
