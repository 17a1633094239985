import type { Middleware } from 'koa';
import mount from 'koa-mount';
import { readBackendClients } from '../config.ts';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { PasswordHasher } from '../core/accounts/password.ts';
import { RefusalLog } from '../core/access/refusal-log.ts';
import type { World } from '../core/world.ts';
import { demoSignIns } from '../demo/people.ts';
import { dicomwebFace } from '../dicomweb/routes.ts';
import { errors } from '../fhir/errors.ts';
import { fhirFace } from '../fhir/face.ts';
import { auditRefusals } from '../http/audit-refusals.ts';
import { bearer } from '../http/bearer.ts';
import { places } from '../http/places.ts';
import type { State } from '../http/state.ts';
import type { MailSink } from '../infrastructure/mail/mail-sink.ts';
import type { Sql } from '../infrastructure/postgres/connection.ts';
import { postgresAttempts } from '../infrastructure/postgres/accounts/sign-in-attempts.ts';
import { apiRouter } from '../portal/api-route.ts';
import { auditRoutes } from '../portal/audit.ts';
import { findPatients } from '../portal/find-patients.ts';
import { modelRoutes } from '../portal/models.ts';
import { portalFace, type PortalStatus } from '../portal/routes.ts';
import { seedClients } from '../smart/clients.ts';
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
  await seedClients(authorizations, { publicUrl: settings.publicUrl, backends: readBackendClients(config) });
  const smart = smartOf(start, parts, keys);
  const identify = bearer(smart.verify);
  const takePlace = places(config.budget);
  const guard: Middleware<State> = (ctx, next) => identify(ctx, () => takePlace(ctx, next) as Promise<unknown>);
  const refusals = refusalLog(start, world);
  const fhir = await fhirOf(start, parts, guard, smart, refusals);
  const portal = { world, bearer: guard, errors: errors(), refusals: auditRefusals('portal', refusals) };
  const onFault = (err: unknown) => start.log.error({ err }, 'verification of the audit trail failed');
  const dicomweb = dicomwebFace({
    world,
    bearer: guard,
    refusals: auditRefusals('dicomweb', refusals),
    instanceLimit: config.maxInstanceBytes,
    budget: config.budget,
  });
  const status = () => portalStatus(start, world);
  return {
    faces: [
      smart.routes().routes() as Middleware<State>,
      smart.oidc,
      mount('/dicomweb', dicomweb.routes() as Middleware) as Middleware<State>,
      mount('/fhir', fhir.routes() as Middleware) as Middleware<State>,
      portalFace({ status, ...(sink && { mailbox: sink }) }).routes() as Middleware<State>,
      modelRoutes(portal).routes() as Middleware<State>,
      apiRouter(portal, auditRoutes(world, onFault)).routes() as Middleware<State>,
    ],
    cookieKeys: keys.cookies,
    isAllowedOrigin: async (origin) =>
      config.corsOrigins.includes(origin) || (await authorizations.clientOrigins()).includes(origin),
  };
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
  refusals: RefusalLog,
) {
  const newKey = () => Promise.resolve(Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'));
  return fhirFace({
    world,
    bearer: guard as Middleware,
    refusals,
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

/** Sums up every minute, and at the end. */
function refusalLog({ closing, log }: Start, world: World): RefusalLog {
  const refusals = new RefusalLog(world, world.now);
  const sumUp = (all?: boolean) =>
    refusals.sumUp(all).catch((err: unknown) => log.warn({ err }, 'refusals could not be summed up'));
  const timer = setInterval(() => void sumUp(), 60_000).unref();
  closing.push(async () => {
    clearInterval(timer);
    await sumUp(true);
  });
  return refusals;
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
