import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { postgresModels } from '../../server/infrastructure/postgres/models/models.ts';
import { makeModel } from '../harness/models.ts';
import { at, report } from './measure.ts';
import { countFinished, finished, store } from './model.bench.ts';
import { startServer, type BenchServer } from './server.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 8);
const backlog = 600;

/**
 * What a backlog of shadow runs costs the analyses that doctors wait for: the same analyses with and without it, in turns
 * on one server. One at a time, and four at once.
 */
export async function shadowBench(): Promise<void> {
  const models = await mkdtemp(join(tmpdir(), 'csss-bench-shadow-'));
  const { digest } = await makeModel(models, { version: '2.0.0', temperature: 3 });
  const server = await startServer({
    ANALYZE_ON_ARRIVAL: 'true',
    STUDY_QUIET_SECONDS: '1',
    EXECUTION_PROVIDERS: 'cpu',
    MODELS_DIR: models,
  });
  const database = new pg.Client({ connectionString: server.databaseUrl() });
  await database.connect();
  try {
    await runInShadow(database, digest);
    await hold(database);
    for (let stored = 0; stored < backlog; stored += 25) await store(server, 25);
    await finished(database, backlog);
    for (const together of [1, 4]) await compare(server, database, together);
  } finally {
    await database.end();
    await server.stop();
    await rm(models, { recursive: true, force: true });
  }
}

async function compare(server: BenchServer, database: pg.Client, together: number): Promise<void> {
  const [without, beside]: [number[], number[]] = [[], []];
  let runs = 0;
  for (let round = 0; round < rounds; round++) {
    without.push(...(await analyses(server, database, together)));
    await database.query(`update job.job set start_after = now() where name = 'shadow' and state < 'active'`);
    const before = await shadowRuns(database);
    await sleep(200); // the first of them are under way
    beside.push(...(await analyses(server, database, together)));
    const left = await owed(database);
    if (left === 0) throw new Error('the backlog of shadow runs ended before the analyses did');
    runs += (await shadowRuns(database)) - before;
    await database.query(`update job.job set start_after = 'infinity' where name = 'shadow' and state < 'active'`);
    await sleep(500);
  }
  for (const times of [without, beside]) times.sort((a, b) => a - b);
  for (const [name, share] of [['p50', 0.5], ['p95', 0.95]] as const) {
    const [plain, loaded] = [at(without, share), at(beside, share)];
    report(
      `analysis, ${together} at once, ${name} of ${without.length}, ms; bound: no shadow backlog`,
      `${loaded.toFixed(0)}`,
      plain.toFixed(0),
      `${(loaded / plain).toFixed(2)}x`,
    );
  } // prettier-ignore
  report('shadow runs made beside them', String(runs), '', '');
}

/** Milliseconds from the answer of the STOW-RS request to the commit of each result, at changing distances in time. */
async function analyses(server: BenchServer, database: pg.Client, together: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < 16 / together; i++) {
    await sleep(100 + ((i * 37) % 120)); // at each a shadow run is somewhere else on its way
    const before = await countFinished(database);
    await store(server, together);
    const start = performance.now();
    for (let done = 0; done < together; await sleep(2)) {
      const now = (await countFinished(database)) - before;
      for (; done < now; done++) times.push(performance.now() - start);
    }
  }
  return times;
}

async function runInShadow(database: pg.Client, digest: string): Promise<void> {
  const query = async <Row>(text: string, values: readonly unknown[] = []) =>
    (await database.query(text, [...values])).rows as Row[];
  const by = { subject: 'bench', name: 'Bench' };
  await postgresModels({ query, prepared: query }).change({
    digest,
    act: 'shadow',
    from: 'candidate',
    to: 'shadow',
    by,
    reason: 'bench',
  });
  await sleep(6_000); // the server follows the registry and starts it
}

/** Shadow jobs are owed and not due, until they are let go. */
async function hold(database: pg.Client): Promise<void> {
  await database.query(
    `create function hold() returns trigger language plpgsql as $$ begin new.start_after := 'infinity'; return new; end $$;
     create trigger hold before insert on job.job for each row when (new.name = 'shadow') execute function hold();`,
  );
}

async function owed(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `select count(*) from job.job where name = 'shadow' and state < 'completed' and start_after < 'infinity'`,
  );
  return Number(rows[0]!.count);
}

async function shadowRuns(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ count: string }>('select count(*) from shadow_analysis');
  return Number(rows[0]!.count);
}
