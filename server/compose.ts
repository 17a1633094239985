import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import mount from 'koa-mount';
import { createApp } from './app.ts';
import { readBackendClients, type Config } from './config.ts';
import type { AuthorizationStore } from './core/accounts/authorizations.ts';
import type { PasswordHasher } from './core/accounts/password.ts';
import { followRegistry } from './core/analysis/follow-registry.ts';
import { keepServing } from './core/analysis/keep-serving.ts';
import { digestsOf } from './core/analysis/registered-model.ts';
import { registerFound } from './core/analysis/register-models.ts';
import type { Settings, Stores, World } from './core/ports.ts';
import { demoSignIns } from './demo/people.ts';
import { dicomwebFace } from './dicomweb/routes.ts';
import { errors } from './fhir/errors.ts';
import { fhirFace } from './fhir/face.ts';
import { bearer } from './http/bearer.ts';
import type { Readiness } from './http/health.ts';
import type { State } from './http/state.ts';
import { argon2Passwords } from './infrastructure/argon2.ts';
import { diskBlobs } from './infrastructure/blobs/disk.ts';
import { threadedPixels } from './infrastructure/codecs/pixel-decoder.ts';
import { dicomReader } from './infrastructure/dicom-reader/pool.ts';
import { startMailSink } from './infrastructure/mail/mail-sink.ts';
import { smtpMailer } from './infrastructure/mail/smtp-mailer.ts';
import { modelFiles } from './infrastructure/onnx/model-files.ts';
import { startPrinter, type PrinterState } from './infrastructure/pdf/printer.ts';
import { postgresAccounts } from './infrastructure/postgres/accounts.ts';
import { postgresAnalyses } from './infrastructure/postgres/analyses.ts';
import { postgresAudit, sharedAudit } from './infrastructure/postgres/audit.ts';
import { connect, poolSql, type Sql } from './infrastructure/postgres/connection.ts';
import { startEmbeddedPostgres } from './infrastructure/postgres/embedded.ts';
import { startJobs, type JobRunner } from './infrastructure/postgres/jobs.ts';
import { postgresModels } from './infrastructure/postgres/models.ts';
import { postgresAuthorizations } from './infrastructure/postgres/oidc-store.ts';
import { postgresRecords } from './infrastructure/postgres/records.ts';
import { postgresReportNumbers } from './infrastructure/postgres/report-numbers.ts';
import { indexDays } from './infrastructure/postgres/site-days.ts';
import { postgresAttempts } from './infrastructure/postgres/sign-in-attempts.ts';
import { postgresStudyWriting } from './infrastructure/postgres/studies.ts';
import { postgresStudySearch } from './infrastructure/postgres/study-search.ts';
import { inTransaction } from './infrastructure/postgres/transaction.ts';
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
 */
export async function compose(
  config: Config,
  publicUrl: string,
  log: Logger,
  onProgress: (step: string) => void,
): Promise<System> {
  const closing: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    for (const close of closing.splice(0).reverse())
      await close().catch((err: unknown) => log.warn({ err }, 'part did not stop cleanly'));
  };
  try {
    return await build(config, publicUrl, log, onProgress, closing, closeAll);
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
  closing: (() => Promise<unknown>)[],
  closeAll: () => Promise<void>,
): Promise<System> {
  const settings = settingsFrom(config, publicUrl);
  await mkdir(config.dataDir, { recursive: true });

  let databaseUrl = config.databaseUrl;
  if (!databaseUrl) {
    const embedded = await startEmbeddedPostgres(join(config.dataDir, 'postgres'), { onProgress });
    closing.push(embedded.stop);
    databaseUrl = embedded.url;
  }
  const dataSource = await connect(databaseUrl, {
    poolSize: config.databasePool,
    onLost: (err) => log.warn({ err }, 'database connection lost'),
  });
  closing.push(() => dataSource.destroy());
  const pending = await dataSource.showMigrations();
  if (pending) onProgress('migrating the database');
  await dataSource.runMigrations();
  await indexDays(dataSource, settings.timeZone, onProgress);
  const jobs = await startJobs(databaseUrl, { supervise: true, onError: (err) => log.warn({ err }, 'job queue') });
  closing.push(jobs.stop);

  const blobFolder = join(config.dataDir, 'blobs');
  const blobs = await diskBlobs(blobFolder);
  const reader = dicomReader();
  const pixels = threadedPixels(blobs);
  closing.push(reader.close, pixels.close);
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

  const site = { baseUrl: settings.fhirBaseUrl, timeZone: settings.timeZone };
  const storesOn = (sql: Sql, audit = postgresAudit(sql)): Stores => ({
    records: postgresRecords(sql, site),
    studies: { ...postgresStudyWriting(sql), ...postgresStudySearch(sql, site) },
    accounts: postgresAccounts(sql),
    reportNumbers: postgresReportNumbers(sql),
    models: postgresModels(sql),
    analyses: postgresAnalyses(sql),
    jobs: jobs.queue(sql),
    audit,
  });
  const world: World = {
    ...storesOn(sql, sharedAudit(sql)),
    settings,
    blobs,
    reader,
    pixels,
    classifier: models.classifier,
    shadow: models.shadow,
    modelFiles: models.files,
    pdf,
    mailer,
    transaction: (work) => inTransaction(dataSource, storesOn, work),
    now: () => new Date(),
  };
  await registerFound(world);
  const revision = await world.models.revision();
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
    onFault: (err) => log.error({ err }, 'authorization server fault'),
  });
  const guard = bearer(smart.verify);
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

  const dicomweb = dicomwebFace({ world, bearer: guard, instanceLimit: config.maxInstanceBytes });

  let draining = false;
  const status = (): PortalStatus => portalStatus(config, world.classifier.state());
  const readiness = async (): Promise<Readiness> => {
    const components: Record<string, string> = {
      database: await sql.query('select 1').then(() => 'up', () => 'not reachable'),
      'blob store': await access(blobFolder, constants.R_OK | constants.W_OK | constants.X_OK).then(() => 'up', () => 'its folder cannot be read and written'),
      model: modelLine(world.classifier.state()),
      browser: browserLine(pdf.state()),
    }; // prettier-ignore
    const model = world.classifier.state();
    // A model that is switched off on purpose must not take the whole server out of service.
    const classifies = model.ready || model.switchedOff === true;
    const ready = !draining && components.database === 'up' && components['blob store'] === 'up' && classifies;
    return {
      ready,
      components: draining ? { ...components, server: 'stopping' } : components,
      ...(model.ready && { load: model.load }),
    };
  };
  const app = createApp({
    publicUrl,
    trustedProxies: config.trustedProxies,
    log,
    readiness,
    cookieKeys: keys.cookies,
    isAllowedOrigin: async (origin) =>
      config.corsOrigins.includes(origin) || (await authorizations.clientOrigins()).includes(origin),
    faces: [
      smart.routes().routes() as Middleware<State>,
      smart.oidc,
      mount('/dicomweb', dicomweb.routes() as Middleware) as Middleware<State>,
      mount('/fhir', fhir.routes() as Middleware) as Middleware<State>,
      portalFace({ status, ...(sink && { mailbox: sink }) }).routes() as Middleware<State>,
      modelRoutes({ world, bearer: guard, errors: errors(fault) }).routes() as Middleware<State>,
    ],
    webFolder: join(import.meta.dirname, '..', 'viewer', 'dist'),
  });
  return {
    world,
    sql,
    app,
    jobs,
    authorizations,
    passwords,
    readiness,
    status,
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

function modelLine(state: ReturnType<World['classifier']['state']>): string {
  if (!state.ready) return state.switchedOff ? 'switched off by an administrator' : state.reason; // public: no names here
  const lost = state.lost ? `, since ${state.lost.join(' and ')}` : '';
  return `up (${state.model.name} ${state.model.version} on ${state.provider}${lost})`;
}

function browserLine(state: PrinterState): string {
  return state.ready ? `up (${state.browser}, found by ${state.origin})` : state.reason;
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
