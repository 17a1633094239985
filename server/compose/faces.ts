import type { Middleware } from 'koa';
import mount from 'koa-mount';
import { readBackendClients } from '../config.ts';
import type { AttemptStore, AuthorizationStore } from '../core/accounts/authorizations.ts';
import type { Passkeys } from '../core/accounts/factors/passkeys.ts';
import { mustBeFresh } from '../core/accounts/sign-in/fresh-factor.ts';
import { keySets } from '../core/accounts/clients/key-sets.ts';
import type { PasswordHasher } from '../core/accounts/sign-in/password.ts';
import { RefusalLog } from '../core/access/refusal-log.ts';
import type { ModelEvaluation } from '../core/analysis/registry/model-evaluation.ts';
import type { Principal } from '../core/principal.ts';
import type { World } from '../core/world.ts';
import { demoSignIns } from '../demo/people.ts';
import { storedFiles } from '../dicomweb/stored-files.ts';
import { dicomwebFace } from '../dicomweb/routes.ts';
import { wadoAtRoot } from '../dicomweb/wado-uri.ts';
import { errors } from '../fhir/errors.ts';
import type { NewsFeed } from '../core/news/news-feed.ts';
import { trustedProxies } from '../http/request/client-address.ts';
import type { Metrics } from '../infrastructure/metrics.ts';
import { liveFace, type LiveFace } from '../live/face.ts';
import { fhirFace } from '../fhir/face.ts';
import { auditRefusals } from '../http/audit-refusals.ts';
import { bearer } from '../http/bearer.ts';
import { places } from '../http/places.ts';
import type { State } from '../http/state.ts';
import { keyFetcher } from '../infrastructure/key-fetcher.ts';
import type { MailSink } from '../infrastructure/mail/mail-sink.ts';
import type { Sql } from '../infrastructure/postgres/connection.ts';
import { pageFonts } from '../infrastructure/page-fonts.ts';
import { webAuthn } from '../infrastructure/webauthn.ts';
import { postgresAttempts } from '../infrastructure/postgres/accounts/sign-in-attempts.ts';
import { assistantRoutes } from '../portal/assistant.ts';
import { auditRoutes } from '../portal/audit/audit.ts';
import type { ApiRoute } from '../portal/api/api-route.ts';
import { clientRoutes } from '../portal/clients/clients.ts';
import { emergencyAccessRoutes } from '../portal/emergency-access.ts';
import { factorRoutes } from '../portal/factors.ts';
import { findPatients } from '../portal/find-patients.ts';
import { launchableApps } from '../portal/clients/launchable-apps.ts';
import { remoteAeRoutes } from '../portal/clients/remote-aes.ts';
import { modelRoutes } from '../portal/models.ts';
import { deliveryRoutes } from '../portal/deliveries.ts';
import { draftRoutes } from '../portal/people/drafts.ts';
import { noticeRoutes, pushRoutes } from '../portal/people/notices.ts';
import { releaseRoutes } from '../portal/release.ts';
import { myRoutes } from '../portal/people/me.ts';
import { consentRoutes } from '../portal/patient/consents.ts';
import { scanRoutes } from '../portal/patient/scans.ts';
import { shareRoutes } from '../portal/patient/shares.ts';
import { mySessionRoutes } from '../portal/people/my-sessions.ts';
import { preferenceRoutes } from '../portal/people/preferences.ts';
import { registrationRoutes } from '../portal/people/registrations.ts';
import { userRoutes } from '../portal/people/users.ts';
import { portalApi } from '../portal/api/portal-api.ts';
import { statusRoutes, type PortalStatus } from '../portal/routes.ts';
import { medicationCheckRoute } from '../portal/pharmacy/medication-check.ts';
import { medicationTableRoutes } from '../portal/pharmacy/medication-table.ts';
import { templateRoutes } from '../portal/pharmacy/templates.ts';
import { setupRoutes } from '../portal/setup.ts';
import { systemRoutes } from '../portal/system.ts';
import { waitingRoutes } from '../portal/waiting.ts';
import type { ProcessReports } from './system/process-reports.ts';
import { systemState } from './system/system-state.ts';
import { workRoutes } from '../portal/work/work.ts';
import { pageTokens } from '../http/answer/page-token.ts';
import { demoApp, seedClients } from '../smart/clients.ts';
import { smartFace, type SmartFace, type SmartFaceParts } from '../smart/face.ts';
import { signingKeysRoute } from '../portal/signing-keys.ts';
import { echoFrom } from './dimse-echo.ts';
import { renewedSmart, type RecordSigner } from './keys.ts';
import { releaseVersion } from './release-version.ts';
import type { LiveSite, Start } from './start.ts';
import { openUploads } from './uploads.ts';

export interface Faces {
  /** In the order in which they are asked. */
  faces: Middleware<State>[];
  /** Pages that hear of changes. */
  live: LiveFace;
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
  feed: NewsFeed;
  metrics: Pick<Metrics, 'live'>;
  processes: ProcessReports;
}

/** All protocols of an `api` process, over one world. */
export async function openFaces(start: Start, parts: FacesParts): Promise<Faces> {
  const { config, settings } = start;
  const { world, authorizations, sink } = parts;
  const apps = config.mode === 'demo' ? [demoApp] : [];
  await seedClients(authorizations, { publicUrl: settings.publicUrl, apps, backends: readBackendClients(config) });
  // What must outlive a change of the server's keys is made out here.
  const attempts = postgresAttempts(parts.sql);
  const passkeys = webAuthn(settings);
  const clientKeys = keySets(keyFetcher({ hosts: config.jwksHosts, loopback: settings.demo }));
  const takePlace = places(config.budget);
  const shared = { studyFiles: storedFiles(world), takePlace };
  const smart = await renewedSmart(
    start,
    authorizations,
    () => world.now(),
    (keys) => smartOf(start, parts, { keys, attempts, passkeys, clientKeys, shared }),
  );
  const identify = bearer((token) => smart.face().verify(token));
  const guard: Middleware<State> = (ctx, next) => identify(ctx, () => takePlace(ctx, next) as Promise<unknown>);
  const refusals = refusalLog(start, world);
  const live = openLive(start, parts, (token) => smart.face().verify(token), refusals);
  const pageKey = await pageKeyOf(authorizations);
  const fhir = await fhirOf(start, parts, guard, smart.face(), refusals, pageKey);
  const dicomweb = dicomwebFace({
    world,
    bearer: guard,
    refusals: auditRefusals('dicomweb', refusals),
    instanceLimit: config.maxInstanceBytes,
    budget: config.budget,
  });
  const { siteName, timeZone } = config;
  const fixed = { ...(siteName !== undefined && { name: siteName }), ...(timeZone !== undefined && { timeZone }) };
  const forgetChecks = () => smart.face().forgetChecks();
  const checkFresh = (who: Principal) => mustBeFresh(who, settings, world.now());
  const about = { title: 'CSSS', version: releaseVersion(), publicUrl: settings.publicUrl };
  const onFault = (err: unknown) => start.log.error({ err }, 'verification of the audit trail failed');
  const outside = { errors: errors(), refusals: auditRefusals('portal', refusals) };
  const system = systemState({ ...parts, dataDir: config.dataDir });
  const api = portalApi({ world, bearer: guard, ...outside, checkFresh, about }, [
    statusRoutes({ status: () => portalStatus(start, parts), ...(sink && { mailbox: sink }) }),
    modelRoutes({ world }),
    workRoutes({ world, pages: pageTokens(pageKey) }),
    deliveryRoutes({ world }),
    releaseRoutes({ world }),
    systemRoutes(system),
    waitingRoutes({ world, system }),
    peopleRoutes(parts, attempts, passkeys, forgetChecks),
    setupRoutes({ world, fixed, changed: parts.site.reload }),
    [...templateRoutes({ world }), ...medicationTableRoutes({ world }), medicationCheckRoute({ world })],
    clientRoutes({ world, clientKeys, forget: forgetChecks }),
    remoteAeRoutes({ world, echo: await echoFrom(config) }),
    launchableApps(world),
    emergencyAccessRoutes({ world, attempts, forgetChecks }),
    auditRoutes(world, onFault),
    assistantRoutes({ world, phone: () => parts.site.kept().phone }),
    await openUploads(start, world),
    scanRoutes({ world }),
    shareRoutes({ world }),
    consentRoutes({ world }),
  ]);
  return {
    faces: [
      smart.routes,
      smart.oidc,
      wadoAtRoot('/dicomweb'),
      mount('/dicomweb', dicomweb.routes() as Middleware) as Middleware<State>,
      mount('/fhir', fhir.routes() as Middleware) as Middleware<State>,
      signingKeysRoute(parts.signer.publicKeys).routes() as Middleware<State>,
      api.routes() as Middleware<State>,
    ],
    live,
    cookieKeys: smart.cookieKeys,
    isAllowedOrigin: async (origin) =>
      config.corsOrigins.includes(origin) || (await authorizations.clientOrigins()).includes(origin),
  };
}

/** Accounts: for administrators, for staff who know their patients, and for everybody the own. */
function peopleRoutes(
  { world, authorizations, passwords }: FacesParts,
  attempts: AttemptStore,
  passkeys: Passkeys,
  forgetChecks: () => void,
): ApiRoute[] {
  const parts = { world, authorizations, passwords, attempts, forgetChecks };
  return [
    ...userRoutes(parts),
    ...registrationRoutes(parts),
    ...myRoutes(parts),
    ...mySessionRoutes(parts),
    ...preferenceRoutes(parts),
    ...draftRoutes(world),
    ...noticeRoutes(world),
    ...pushRoutes(world),
    ...factorRoutes({ world, authorizations, passkeys, onChange: forgetChecks }),
  ];
}

/** Of the connections that a process takes half may be open pages: requests find room always. */
function openLive(
  { config, settings, closing }: Start,
  { world, feed, metrics }: FacesParts,
  verify: (token: string) => Promise<Principal>,
  refusals: RefusalLog,
): LiveFace {
  const live = liveFace({
    world,
    feed,
    verify,
    refusals,
    publicUrl: settings.publicUrl,
    trusted: trustedProxies(config.trustedProxies),
    most: Math.floor(config.budget.connections / 2),
    measures: metrics.live,
  });
  closing.push(async () => live.close());
  return live;
}

function smartOf(
  { config }: Start,
  { world, authorizations, passwords }: FacesParts,
  made: Pick<SmartFaceParts, 'keys' | 'attempts' | 'passkeys' | 'clientKeys' | 'shared'>,
): SmartFace {
  return smartFace({
    world,
    authorizations,
    passwords,
    ...made,
    fonts: pageFonts('/smart/fonts'),
    findPatients: findPatients(world),
    demoAccounts: config.mode === 'demo' ? demoSignIns : [],
  });
}

/** Seals the places in lists; the same in all processes, so that any of them gives the next page. */
async function pageKeyOf(authorizations: AuthorizationStore): Promise<Uint8Array> {
  const newKey = () => Promise.resolve(Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'));
  return Buffer.from(await authorizations.secret('page-key', newKey), 'base64');
}

async function fhirOf(
  { config, log }: Start,
  { world }: FacesParts,
  guard: Middleware<State>,
  { endpoints }: SmartFace,
  refusals: RefusalLog,
  pageKey: Uint8Array,
) {
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
    pageKey,
    fault: (err, requestId) => log.error({ err, requestId }, 'unexpected fault'),
  });
}

/** Sums up every minute, and at the end. */
export function refusalLog({ closing, log }: Pick<Start, 'closing' | 'log'>, world: World): RefusalLog {
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

async function portalStatus({ config, settings }: Start, { world, site }: FacesParts): Promise<PortalStatus> {
  const state = world.classifier.state();
  const { model } = state;
  const evaluation = model && (await evaluationOf(world, model.model.sha256));
  return {
    mode: config.mode,
    siteName: settings.organizationName,
    logo: site.kept().logo,
    languages: site.kept().languages,
    timeZone: settings.timeZone,
    confidenceThreshold: config.confidenceThreshold,
    idleMinutes: config.idleLockMinutes,
    model: model && {
      name: model.name,
      version: model.version,
      trained: model.trained,
      provider: state.ready ? state.provider : state.elsewhere ? undefined : 'none',
      accuracy: evaluation?.accuracy,
      testImages: evaluation && Object.values(evaluation.testImages).reduce((sum, count) => sum + count, 0),
    },
    demoAccounts: config.mode === 'demo' ? await standing(world.read) : [],
  };
}

/** Of that very model, measured before it came here: no figure of another one is shown with its name. */
async function evaluationOf({ read }: World, digest: string): Promise<ModelEvaluation | undefined> {
  const registered = await read(({ models }) => models.all());
  return registered.find((one) => one.digest === digest && one.description.trained)?.evaluation ?? undefined;
}

/** The published accounts that this database has: it may have been started without the demo's data. */
async function standing(read: World['read']): Promise<PortalStatus['demoAccounts']> {
  const found = await read(({ accounts }) => Promise.all(demoSignIns.map(({ email }) => accounts.byEmail(email))));
  return demoSignIns
    .filter((_one, i) => found[i] && !found[i].disabled)
    .map(({ email, label }) => ({ email, role: label }));
}
