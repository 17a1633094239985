import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import mount from 'koa-mount';
import { createApp } from './app.ts';
import { readinessOf } from './checks.ts';
import { readBackendClients, type Config } from './config.ts';
import type { AuthorizationStore } from './core/accounts/authorizations.ts';
import type { PasswordHasher } from './core/accounts/password.ts';
import { followRegistry } from './core/analysis/follow-registry.ts';
import { keepServing } from './core/analysis/keep-serving.ts';
import { digestsOf } from './core/analysis/registered-model.ts';
import { clinicalRules, studyFollowers } from './core/clinical-rules.ts';
import { registerFound } from './core/analysis/register-models.ts';
import type { ClassifierLoad } from './core/analysis/classifier.ts';
import type { Settings } from './core/settings.ts';
import type { World } from './core/world.ts';
import { wakeAnalyses } from './core/workflow/wake-analyses.ts';
import { Problem } from './core/problem.ts';
import { demoSignIns } from './demo/people.ts';
import { dicomwebFace } from './dicomweb/routes.ts';
import { errors } from './fhir/errors.ts';
import { fhirFace } from './fhir/face.ts';
import { bearer } from './http/bearer.ts';
import type { Readiness } from './http/health.ts';
import { places } from './http/places.ts';
import { currentRequest } from './http/request-id.ts';
import { selfRequests, watchSelf } from './http/self-request.ts';
import type { State } from './http/state.ts';
import { argon2Passwords } from './infrastructure/argon2.ts';
import { diskBlobs } from './infrastructure/blobs/disk.ts';
import { threadedPixels } from './infrastructure/codecs/pixel-decoder.ts';
import { dicomReader } from './infrastructure/dicom-reader/threaded-reader.ts';
import { startMailSink } from './infrastructure/mail/mail-sink.ts';
import { smtpMailer } from './infrastructure/mail/smtp-mailer.ts';
import { createMetrics, type Metrics } from './infrastructure/metrics.ts';
import { serveMetrics } from './infrastructure/metrics-server.ts';
import { modelFiles } from './infrastructure/onnx/model-files.ts';
import { startPrinter } from './infrastructure/pdf/printer.ts';
import { keepAuditPartitions } from './infrastructure/postgres/audit-partitions.ts';
import { trimChanges } from './infrastructure/postgres/change-feed.ts';
import { databaseClock } from './infrastructure/postgres/clock.ts';
import { connect, poolOf, poolSql, type Sql } from './infrastructure/postgres/connection.ts';
import { startEmbeddedPostgres } from './infrastructure/postgres/embedded.ts';
import { jobBacklog } from './infrastructure/postgres/job-backlog.ts';
import { startJobs, type JobRunner } from './infrastructure/postgres/jobs.ts';
import { alone, migrate } from './infrastructure/postgres/migrate.ts';
import { postgresModels } from './infrastructure/postgres/models.ts';
import { postgresAuthorizations } from './infrastructure/postgres/oidc-store.ts';
import { indexDays } from './infrastructure/postgres/site-days.ts';
import { postgresAttempts } from './infrastructure/postgres/sign-in-attempts.ts';
import { postgresUnits } from './infrastructure/postgres/units-of-work.ts';
import { recordChecker } from './infrastructure/threads/record-checker.ts';
import { unlessBusy } from './infrastructure/postgres/unless-busy.ts';
import type { Logger } from './log.ts';
import { findPatients } from './portal/find-patients.ts';
import { modelRoutes } from './portal/models.ts';
import { portalFace, type PortalStatus } from './portal/routes.ts';
import { seedClients } from './smart/clients.ts';
import { smartFace } from './smart/face.ts';
import { smartKeys } from './smart/keys.ts';

export interface System {
  world: World;
  /** The pool, for what has no port: operators' queries and tests. */
  sql: Sql;
  app: Koa<State>;
  jobs: JobRunner;
  authorizations: AuthorizationStore;
  passwords: PasswordHasher;
  readiness(): Promise<Readiness>;
  status(): PortalStatus;
  metrics: Metrics;
  /** Does something that only one process on this database may do at a time. */
  alone<T>(what: 'demo data', work: () => Promise<T>): Promise<T>;
  /** Goes by if another process does the same at this moment. */
  unlessBusy<T>(what: string, work: () => Promise<T>): Promise<T | undefined>;
  /** House-keeping of the tables that grow with every access; each gives how much it changed. */
  growing: { keepAudit(): Promise<number>; trimChanges(): Promise<number> };
  /** What `stop` ends, last first; add what is started later. */
  closing: (() => Promise<unknown>)[];
  /** `/readyz` answers 503 from now on, so that load balancers send nothing new. */
  drain(): void;
  /** Ends workers, browser and database connections, in the reverse order of their start. */
  stop(): Promise<void>;
}

/**
 * Builds the whole server from a configuration: the only place that sees every part.
 *
 * @param publicUrl without a trailing slash; issuer, audience and every address in answers start with it.
 * @param onProgress called with what takes a while ("creating the database cluster").
 * @param onDead called when the server has not answered itself for so long that only another process helps.
 */
export async function compose(
  config: Config,
  publicUrl: string,
  log: Logger,
  onProgress: (step: string) => void,
  onDead: () => void = () => undefined,
): Promise<System> {
  const closing: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    for (const close of closing.splice(0).reverse())
      await close().catch((err: unknown) => log.warn({ err }, 'part did not stop cleanly'));
  };
  try {
    return await build(config, publicUrl, log, onProgress, onDead, closing, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function build(
  config: Config,
  publicUrl: string,
  log: Logger,
  onProgress: (step: string) => void,
  onDead: () => void,
  closing: (() => Promise<unknown>)[],
  closeAll: () => Promise<void>,
): Promise<System> {
  const settings = settingsFrom(config, publicUrl);
  await mkdir(config.dataDir, { recursive: true });

  let databaseUrl = config.databaseUrl;
  if (!databaseUrl) {
    const embedded = await startEmbeddedPostgres(join(config.dataDir, 'postgres'), {
      onProgress,
      onChange: (change) => log.warn(change, 'embedded database'),
    });
    closing.push(embedded.stop);
    databaseUrl = embedded.url;
  }
  // The job queue makes its own tables when it starts.
  const url = databaseUrl;
  const jobs = await alone(
    url,
    'migrate',
    async () => {
      await migrate(url, onProgress);
      const onError = (err: Error) => log.warn({ err }, 'job queue');
      return startJobs(url, { supervise: true, onError, context: currentRequest });
    },
    () => onProgress('waiting for another process that migrates the database'),
  );
  closing.push(jobs.stop);
  const dataSource = await connect(url, {
    poolSize: config.databasePool,
    onLost: (err) => log.warn({ err }, 'database connection lost'),
  });
  closing.push(() => dataSource.destroy());
  await indexDays(dataSource, settings.timeZone, onProgress);

  const blobs = await diskBlobs(join(config.dataDir, 'blobs'));
  const reader = dicomReader();
  const pixels = threadedPixels(blobs);
  const site = { baseUrl: settings.fhirBaseUrl, timeZone: settings.timeZone };
  const checker = recordChecker(site);
  closing.push(reader.close, pixels.close, checker.close);
  const sql = poolSql(dataSource);
  const models = modelFiles({
    shippedFolder: config.modelDir,
    candidateFolders: config.modelCandidates,
    modelsFolder: config.modelsDir,
    providers: config.executionProviders,
    batch: config.analysisBatch,
    ...(config.analysisWorkers === undefined ? {} : { workers: config.analysisWorkers }),
    onFault: (err) => log.warn({ err }, 'model files'),
  });
  closing.push(models.files.close);
  const known = await postgresModels(sql).all();
  // A database starts in milliseconds, a browser in seconds: these come up together.
  const [pdf, sink] = await Promise.all([
    startPrinter({
      cacheFolder: join(config.dataDir, 'browser'),
      ...(config.chromiumPath === undefined ? {} : { chromiumPath: config.chromiumPath }),
    }),
    config.smtpUrl === undefined ? startMailSink() : undefined,
    models.files.scan(digestsOf(known)),
  ]);
  closing.push(pdf.close);
  if (sink) closing.push(sink.close);
  const mailer = smtpMailer({
    url: config.smtpUrl ?? sink!.url,
    from: config.mailFrom,
    requireTls: sink === undefined,
  });
  closing.push(async () => mailer.close());

  const onSkew = (ms: number) => log.warn({ ms }, "this machine's clock differs from the database's");
  const clock = await databaseClock(sql, { everyMs: 60_000, onSkew });
  closing.push(async () => clock.close());
  const pool = poolOf(dataSource);
  const metrics = createMetrics({
    connections: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    threads: { reader: reader.load, pixels: pixels.load },
    classifier: () => loadOf(models.classifier.state()),
    backlog: () => jobBacklog(sql),
    clockAheadMs: clock.aheadMs,
  });
  const world: World = metrics.timed({
    settings,
    blobs,
    reader,
    pixels,
    checker,
    classifier: models.classifier,
    shadow: models.shadow,
    modelFiles: models.files,
    pdf,
    mailer,
    rules: clinicalRules,
    studyFollowers,
    modelServes: () => wakeAnalyses(world),
    ...postgresUnits(dataSource, { ...site, checker, queue: jobs.queue }),
    now: clock.now,
  });
  await registerFound(world);
  const revision = await world.read(({ models }) => models.revision());
  await followRegistry(world);
  const onFault = (err: unknown) => log.warn({ err }, 'model registry');
  closing.push(keepServing(world, revision, { everyMs: 2_000, onFault }));

  const authorizations = postgresAuthorizations(sql);
  const passwords = argon2Passwords();
  const keys = await smartKeys(authorizations);
  await seedClients(authorizations, { publicUrl, backends: readBackendClients(config) });
  const demo = config.mode === 'demo';
  const fault = (err: unknown, requestId: string) => log.error({ err, requestId }, 'unexpected fault');
  const smart = smartFace({
    world,
    authorizations,
    attempts: postgresAttempts(sql),
    passwords,
    keys,
    findPatients: findPatients(world),
    demoAccounts: demo ? demoSignIns : [],
  });
  const identify = bearer(smart.verify);
  const takePlace = places(config.budget);
  const guard: Middleware<State> = (ctx, next) => identify(ctx, () => takePlace(ctx, next) as Promise<unknown>);
  const fhir = fhirFace({
    world,
    bearer: guard as Middleware,
    smart: {
      authorizeUrl: smart.endpoints.authorize,
      tokenUrl: smart.endpoints.token,
      introspectUrl: smart.endpoints.introspect,
      revokeUrl: smart.endpoints.revoke,
      manageUrl: smart.endpoints.manage,
    },
    limit: config.maxFhirBytes,
    pageKey: Buffer.from(
      await authorizations.secret('page-key', async () =>
        Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
      ),
      'base64',
    ),
    fault,
  });

  const dicomweb = dicomwebFace({
    world,
    bearer: guard,
    instanceLimit: config.maxInstanceBytes,
    budget: config.budget,
  });

  let draining = false;
  const status = (): PortalStatus => portalStatus(config, world.classifier.state());
  const app: Koa<State> = createApp({
    publicUrl,
    trustedProxies: config.trustedProxies,
    log,
    metrics,
    readiness: () => readiness(),
    beyondHelp: () => watch.beyondHelp(),
    cookieKeys: keys.cookies,
    isAllowedOrigin: async (origin) =>
      config.corsOrigins.includes(origin) || (await authorizations.clientOrigins()).includes(origin),
    faces: [
      smart.routes().routes() as Middleware<State>,
      smart.oidc,
      mount('/dicomweb', dicomweb.routes() as Middleware) as Middleware<State>,
      mount('/fhir', fhir.routes() as Middleware) as Middleware<State>,
      portalFace({ status, ...(sink && { mailbox: sink }) }).routes() as Middleware<State>,
      modelRoutes({ world, bearer: guard, errors: errors() }).routes() as Middleware<State>,
    ],
    webFolder: join(import.meta.dirname, '..', 'viewer', 'dist'),
  });
  const askSelf = askingSelf(app, publicUrl);
  const watch = watchSelf(askSelf, { everyMs: 10_000, patienceMs: 30_000, onDead });
  closing.push(async () => watch.stop());
  const readiness = readinessOf(
    { sql, dataDir: config.dataDir, jobs, reader, pixels, classifier: world.classifier, pdf, mailer, metrics, askSelf },
    () => draining,
  );
  if (config.metricsPort !== undefined)
    closing.push((await serveMetrics(metrics, { host: config.host, port: config.metricsPort })).close);
  return {
    world,
    sql,
    app,
    jobs,
    authorizations,
    passwords,
    readiness,
    status,
    metrics,
    alone: (what, work) => alone(url, what, work),
    unlessBusy: (what, work) => unlessBusy(url, what, work),
    growing: {
      keepAudit: () => keepAuditPartitions(dataSource, config.auditRetentionMonths),
      trimChanges: () => trimChanges(sql, config.changeRetentionDays),
    },
    closing,
    drain: () => (draining = true),
    stop: closeAll,
  };
}

function settingsFrom(config: Config, publicUrl: string): Settings {
  return {
    publicUrl,
    fhirBaseUrl: `${publicUrl}/fhir`,
    dicomwebBaseUrl: `${publicUrl}/dicomweb`,
    confidenceThreshold: config.confidenceThreshold,
    analyzeOnArrival: config.analyzeOnArrival,
    aiOrdersWorkList: config.aiOrdersWorkList,
    timeZone: config.timeZone,
    organizationName: config.siteName,
    fourEyes: config.fourEyes,
    demo: config.mode === 'demo',
  };
}

/** What needs nothing but the HTTP stack: a public document, and the refusal of a request without a token. */
function askingSelf(app: Koa<State>, publicUrl: string): () => Promise<void> {
  const ask = selfRequests(app, new URL(publicUrl).host);
  const expected: [path: string, status: number, content: string][] = [
    ['/fhir/metadata', 200, '"CapabilityStatement"'],
    ['/dicomweb/studies', 401, '"login"'],
  ];
  return async () => {
    for (const [path, status, content] of expected) {
      const answer = await ask(path);
      if (answer.status !== status || !answer.body.includes(content))
        throw new Problem('exception', `${path} answers ${answer.status} instead of ${status}`);
    }
  };
}

function loadOf(state: ReturnType<World['classifier']['state']>): ClassifierLoad | undefined {
  return state.ready ? state.load : undefined;
}

function portalStatus(config: Config, state: ReturnType<World['classifier']['state']>): PortalStatus {
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
      provider: state.ready ? state.provider : 'none',
    },
    demoAccounts: config.mode === 'demo' ? demoSignIns.map(({ email, label }) => ({ email, role: label })) : [],
  };
}
