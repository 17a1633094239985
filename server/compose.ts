import { mkdir } from 'node:fs/promises';
import type Koa from 'koa';
import type { DataSource } from 'typeorm';
import { openClock, openDatabase, type Database } from './compose/database.ts';
import { openDefinitions } from './compose/definitions.ts';
import { openFaces } from './compose/faces.ts';
import { openSigner } from './compose/keys.ts';
import { openImages, type Images } from './compose/images.ts';
import { openMeasures, serveMeasures } from './compose/measures.ts';
import { openModels, serveModels } from './compose/models.ts';
import { openNews, type NewsParts } from './compose/news.ts';
import { openPusher } from './compose/push.ts';
import { openReports, type Reports } from './compose/reports.ts';
import { openSecrets } from './compose/secrets.ts';
import { openSite } from './compose/site.ts';
import { processReports } from './compose/system/process-reports.ts';
import { settingsFrom, type Start } from './compose/start.ts';
import { openWebServer } from './compose/web-server.ts';
import type { Config } from './config.ts';
import type { AuthorizationStore } from './core/accounts/authorizations.ts';
import type { PasswordHasher } from './core/accounts/sign-in/password.ts';
import {
  askWhose,
  clinicalRules,
  followWrites,
  removalGuards,
  studyFollowers,
  studyMoveFollowers,
} from './core/clinical-rules.ts';
import { wakeAnalyses } from './core/workflow/wake-analyses.ts';
import type { Pusher } from './core/notices/pusher.ts';
import type { SecretBox } from './core/secret-box.ts';
import type { Signer } from './core/signer.ts';
import type { World } from './core/world.ts';
import type { Readiness } from './http/health.ts';
import type { Upgrades } from './http/http-server.ts';
import type { State } from './http/state.ts';
import { argon2Passwords } from './infrastructure/argon2.ts';
import type { Metrics } from './infrastructure/metrics.ts';
import type { WorkRowUnits } from './core/workflow/work/remake-work-rows.ts';
import { workRowUnits } from './compose/work-rows.ts';
import { keepAudit } from './compose/audit.ts';
import { auditAnchorFile } from './infrastructure/audit-anchor-file.ts';
import { trimChanges } from './infrastructure/postgres/records/change-feed.ts';
import { unlessBusy } from './infrastructure/postgres/jobs/unless-busy.ts';
import type { ServedModels } from './infrastructure/onnx/model-files.ts';
import type { Clock } from './infrastructure/postgres/clock.ts';
import type { Sql } from './infrastructure/postgres/connection.ts';
import type { JobRunner } from './infrastructure/postgres/jobs/jobs.ts';
import { alone } from './infrastructure/postgres/migrate.ts';
import { postgresAuthorizations } from './infrastructure/postgres/accounts/oidc-store.ts';
import { postgresUnits } from './infrastructure/postgres/units-of-work.ts';
import type { Logger } from './log.ts';

export interface System {
  world: World;
  /** The pool, for what has no port: operators' queries and tests. */
  sql: Sql;
  dataSource: DataSource;
  /** All faces, or in a worker `/healthz` and `/readyz` only. */
  app: Koa<State>;
  /** Takes connections over for open pages; undefined in a worker. */
  upgrades: Upgrades | undefined;
  jobs: JobRunner;
  authorizations: AuthorizationStore;
  passwords: PasswordHasher;
  readiness(): Promise<Readiness>;
  metrics: Metrics;
  /** Does something that only one process on this database may do at a time. */
  alone<T>(what: 'demo data', work: () => Promise<T>): Promise<T>;
  /** Goes by if another process does the same at this moment. */
  unlessBusy<T>(what: string, work: () => Promise<T>): Promise<T | undefined>;
  /** House-keeping of the tables that grow with every access; each gives how much it changed. */
  growing: { keepAudit(): Promise<number>; trimChanges(): Promise<number> };
  /** The read model of the lists of work, to be made anew. */
  workRows: WorkRowUnits;
  /** What `stop` ends, last first; add what is started later. */
  closing: (() => Promise<unknown>)[];
  /** `/readyz` answers 503 from now on, so that load balancers send nothing new. */
  drain(): void;
  /** Ends workers, browser and database connections, in the reverse order of their start. */
  stop(): Promise<void>;
}

/**
 * Builds the server, or what this process does of it by its role, from a configuration: the only place that sees
 * every part.
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
  const stop = async () => {
    for (const close of closing.splice(0).reverse())
      await inTime(close).catch((err: unknown) => log.error({ err }, 'part did not stop cleanly'));
  };
  try {
    return { ...(await build({ config, log, onProgress, closing }, publicUrl, onDead)), closing, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Longer than any part takes that is well: jobs and the browser have limits of their own. */
const partPatienceMs = 40_000;

/** One part that hangs keeps no other from stopping, nor the process from ending. */
async function inTime(close: () => Promise<unknown>): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, refuse) => {
    late = setTimeout(() => refuse(new Error(`still at it: ${String(close).slice(0, 200)}`)), partPatienceMs);
  });
  await Promise.race([close(), tooLate]).finally(() => clearTimeout(late));
}

async function build(
  begun: Omit<Start, 'settings'>,
  publicUrl: string,
  onDead: () => void,
): Promise<Omit<System, 'closing' | 'stop'>> {
  const { config } = begun;
  await mkdir(config.dataDir, { recursive: true });
  const database = await openDatabase(begun);
  const site = await openSite(begun, database);
  const start: Start = { ...begun, settings: settingsFrom(config, publicUrl, site) };
  const images = await openImages(start);
  // A database starts in milliseconds, a browser in seconds: these come up together.
  const [models, reports] = await Promise.all([openModels(start, database), openReports(start)]);
  const clock = await openClock(start, database);
  const metrics = openMeasures(database, images, models, clock);
  const { url, sql, jobs } = database;
  const news = await openNews(start, database);
  const secrets = await openSecrets(start, sql);
  const authorizations = postgresAuthorizations(sql, secrets);
  const signer = await openSigner(start, authorizations);
  const push = await openPusher(start, authorizations);
  const world = worldOf(start, { database, images, models, reports, clock, metrics, signer, secrets, news, push });
  await serveModels(start, world);
  if (config.roles.api) await openDefinitions(start, world);

  const passwords = argon2Passwords();
  const { sink, working } = reports;
  const { feed } = news;
  const processes = processReports(start, { sql, clock, told: news.committed });
  const faces = feed
    ? await openFaces(start, { world, authorizations, passwords, sql, signer, site, sink, feed, metrics, processes })
    : undefined;
  const { reader, pixels } = images;
  const ofWorker = working && { ...working, classifier: world.classifier };
  const checked = { sql, dataDir: config.dataDir, jobs, reader, pixels, metrics, ...ofWorker };
  const web = openWebServer(start, faces, checked, onDead);
  await serveMeasures(start, metrics);
  if (config.roles.api || config.roles.worker || config.roles.dimse)
    processes.begin({ look: web.look, ...(faces && { channels: () => faces.live.state().channels }) });
  return {
    world,
    sql,
    dataSource: database.dataSource,
    jobs,
    authorizations,
    passwords,
    metrics,
    ...web,
    upgrades: faces?.live,
    drain() {
      web.drain();
      faces?.live.drain();
    },
    alone: (what, work) => alone(url, what, work),
    unlessBusy: (what, work) => unlessBusy(url, what, work),
    growing: growing(start, database, world),
    workRows: workRowUnits(database.dataSource, { publicUrl }),
  };
}

function growing({ config, log }: Start, { dataSource, sql }: Database, world: World): System['growing'] {
  return {
    keepAudit: () => keepAudit({ config, log }, dataSource, world),
    trimChanges: () => trimChanges(sql, config.changeRetentionDays),
  };
}

interface Parts {
  database: Database;
  images: Images;
  models: ServedModels;
  reports: Reports;
  clock: Clock;
  metrics: Metrics;
  signer: Signer;
  secrets: SecretBox;
  news: NewsParts;
  push: Pusher;
}

function worldOf(
  { config, settings, log, closing }: Start,
  { database, images, models, reports, clock, metrics, signer, secrets, news, push }: Parts,
): World {
  const { fhirBaseUrl: baseUrl, timeZone } = settings;
  const { checker } = images;
  const { flushAudit, ...units } = postgresUnits(database.dataSource, {
    baseUrl,
    timeZone,
    checker,
    stamp: { keys: secrets, now: clock.now },
    queue: database.jobs.queue,
    committed: news.committed,
    followWrites,
  });
  closing.push(flushAudit);
  const world: World = metrics.timed({
    settings,
    blobs: images.blobs,
    reader: images.reader,
    pixels: images.pixels,
    checker,
    classifier: models.classifier,
    shadow: models.shadow,
    modelFiles: models.files,
    pdf: reports.pdf,
    mailer: reports.mailer,
    push,
    signer,
    secrets,
    auditAnchors: auditAnchorFile(config.dataDir, ({ number, digest, rows }) =>
      log.info({ key: String(number), digest, count: rows }, 'audit checkpoint'),
    ),
    rules: clinicalRules,
    studyFollowers,
    askWhose,
    removalGuards,
    studyMoveFollowers,
    modelServes: () => wakeAnalyses(world),
    ...units,
    now: clock.now,
  });
  return world;
}
