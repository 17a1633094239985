import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chainState } from '../../core/access/audit-chain.ts';
import type { AuthorizationStore } from '../../core/accounts/authorizations.ts';
import {
  judgeAudit,
  judgeBrowser,
  judgeClock,
  judgeDatabase,
  judgeDisk,
  judgeImages,
  judgeKeys,
  judgeLive,
  judgeModel,
  judgeProcesses,
  judgeQueue,
  judgeRelay,
  judgeSchema,
  judgeWorkers,
  unknown,
  type PartName,
  type SystemPart,
} from '../../core/site/system-parts.ts';
import type { World } from '../../core/world.ts';
import { spaceOf } from '../../infrastructure/blobs/probe.ts';
import type { Sql } from '../../infrastructure/postgres/connection.ts';
import { queueState } from '../../infrastructure/postgres/jobs/queue-state.ts';
import type { KnownProcess } from '../../infrastructure/postgres/process-states.ts';
import { appliedMigrations, schemaState } from '../../infrastructure/postgres/schema-state.ts';
import type { SystemState } from '../../portal/system.ts';
import { keyTurns } from '../../smart/keys.ts';
import type { RecordSigner } from '../keys.ts';
import { releaseVersion } from '../release-version.ts';
import type { ProcessReports } from './process-reports.ts';

export interface SystemSources {
  sql: Sql;
  dataDir: string;
  world: World;
  authorizations: Pick<AuthorizationStore, 'secret'>;
  signer: Pick<RecordSigner, 'publicKeys'>;
  processes: ProcessReports;
}

/** A part that does not answer must not keep the page from the others. */
const patienceMs = 4_000;
/** However many pages ask, all of it is measured once in so long. */
const restMs = 1_000;

/** How the whole installation is at this moment, for an administrator's page: names of no machine, no paths, no secrets. */
export function systemState(sources: SystemSources): () => Promise<SystemState> {
  let begunAt = -Infinity;
  let next: Promise<SystemState> | undefined;
  async function begin(): Promise<SystemState> {
    await sleep(Math.max(0, begunAt + restMs - performance.now()));
    // A page asks because something changed: who asks from here on hears of a later moment than this one.
    next = undefined;
    begunAt = performance.now();
    return measure(sources);
  }
  return () => (next ??= begin());
}

async function measure(sources: SystemSources): Promise<SystemState> {
  const { world, processes } = sources;
  await inTime(processes.report()).catch(() => undefined);
  const all = await processes.all();
  const now = world.now();
  const parts = await Promise.all(
    Object.entries(judges(sources, all, now)).map(async ([name, judge]): Promise<SystemPart> => {
      const judged = await inTime(Promise.resolve().then(judge)).catch(() => unknown);
      return { name: name as PartName, ...judged };
    }),
  );
  return {
    at: now.toISOString(),
    version: releaseVersion(),
    parts,
    processes: all.map((one) => shown(one, processes.id)),
  };
}

function judges(
  { sql, dataDir, world, authorizations, signer }: SystemSources,
  processes: readonly KnownProcess[],
  now: Date,
): Record<PartName, () => Omit<SystemPart, 'name'> | Promise<Omit<SystemPart, 'name'>>> {
  return {
    processes: () => judgeProcesses(processes, releaseVersion()),
    database: async () => judgeDatabase(processes, await databaseFacts(sql)),
    disk: async () => judgeDisk(await spaceOf(join(dataDir, 'blobs'))),
    images: () => judgeImages(processes),
    workers: () => judgeWorkers(processes),
    queue: async () => judgeQueue(await queueState(sql)),
    model: async () => judgeModel(processes, await activeModel(world)),
    browser: () => judgeBrowser(processes),
    relay: async () => judgeRelay(await world.read(({ relay }) => relay.state())),
    audit: async () => judgeAudit(await chainState(world), now),
    keys: async () => judgeKeys(await keyTurns(authorizations, now), signer.publicKeys().keys.length, now),
    schema: async () => judgeSchema(await schemaState(sql), await appliedMigrations(sql)),
    live: () => judgeLive(processes),
    clock: () => judgeClock(processes),
  };
}

async function databaseFacts(sql: Sql): Promise<{ bytes: number; connections: number; most: number }> {
  const [row] = await sql.query<{ bytes: number; connections: number; most: number }>(
    `select pg_database_size(current_database()) as bytes, current_setting('max_connections')::int as most,
            (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections`,
  );
  return row!;
}

async function activeModel(world: World): Promise<{ name: string; version: string } | undefined> {
  const models = await world.read((stores) => stores.models.all());
  return models.find(({ state }) => state === 'active')?.description;
}

function shown(
  { id, role, version, startedAt, seenAt, silent, parts, figures }: KnownProcess,
  own: string,
): SystemState['processes'][number] {
  return {
    id,
    role,
    version,
    startedAt: startedAt.toISOString(),
    seenAt: seenAt.toISOString(),
    silent,
    own: id === own,
    down: Object.entries(parts).flatMap(([name, works]) => (works ? [] : [name])),
    memory: figures.memory,
    ...(figures.channels !== undefined && { channels: figures.channels }),
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new Error('no answer')), patienceMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
