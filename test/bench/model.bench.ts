import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import pg from 'pg';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { multipart, newUID } from './ct-instances.ts';
import { at, expectStatus, median, report } from './measure.ts';
import { bareLoop } from './bare-session.ts';
import { modelSteps } from './model-steps.ts';
import { startServer, type BenchServer } from './server.ts';

const shipped = join(import.meta.dirname, '../../models/chest-mobilenet-v2');
const rounded = `${shipped}-int8`;
const backlog = Number(process.env['BENCH_BACKLOG'] ?? 500);

/**
 * The model by itself, the steps of an analysis, a whole analysis, and a backlog of Tasks against a bare loop
 * of onnxruntime in the same run.
 */
export async function modelBench(): Promise<void> {
  await sessions('fp32', shipped);
  await sessions('int8', rounded);
  await modelSteps(shipped);
  await wholeAnalyses();
}

async function sessions(name: string, folder: string): Promise<void> {
  for (const [count, threads] of [[1, 1], [2, 1], [1, 2]] as const) {
    const { times, seconds } = await bareLoop(folder, count, threads, 200);
    const what = `${name}, ${count} session(s) x ${threads} thread(s), batch 1`;
    report(what, `${(times.length / seconds).toFixed(0)}/s`, `p50 ${at(times, 0.5).toFixed(1)} ms`, `p95 ${at(times, 0.95).toFixed(1)}`);
  }
} // prettier-ignore

export async function wholeAnalyses(): Promise<void> {
  const server = await startServer({
    ANALYZE_ON_ARRIVAL: 'true',
    STUDY_QUIET_SECONDS: '1',
    EXECUTION_PROVIDERS: 'cpu',
  });
  const database = new pg.Client({ connectionString: server.databaseUrl() });
  await database.connect();
  try {
    await store(server, 12);
    await finished(database, 12);
    const times: number[] = [];
    for (let i = 0; i < 40; i++) times.push(await oneAnalysis(server, database));
    times.sort((a, b) => a - b);
    report(
      'whole analysis, one at a time, ms',
      `p50 ${at(times, 0.5).toFixed(0)}`,
      `p95 ${at(times, 0.95).toFixed(0)}`,
      at(times, 0.95) < 250 ? '< 250' : 'over 250',
    );
    await drainBacklog(server, database);
  } finally {
    await database.end();
    await server.stop();
  }
}

/** From the answer of the STOW-RS request, which owes the analysis, to the commit of its result. */
async function oneAnalysis(server: BenchServer, database: pg.Client): Promise<number> {
  const before = await countFinished(database);
  await store(server, 1);
  const start = performance.now();
  for (;;) {
    if ((await countFinished(database)) > before) return performance.now() - start;
    await sleep(2);
  }
}

/** Jobs are held back while the studies are stored, then all fall due at once. */
async function drainBacklog(server: BenchServer, database: pg.Client): Promise<void> {
  const before = await countFinished(database);
  await database.query(
    `create function hold() returns trigger language plpgsql as $$ begin new.start_after := 'infinity'; return new; end $$;
     create trigger hold before insert on job.job for each row when (new.name = 'analyze') execute function hold();`,
  );
  for (let stored = 0; stored < backlog; stored += 25) await store(server, Math.min(25, backlog - stored));
  await database.query('drop trigger hold on job.job');
  const bare = [await bareLoop(shipped, 2, 1, backlog)];
  await database.query(`update job.job set start_after = now() where name = 'analyze' and start_after = 'infinity'`);
  while ((await countFinished(database)) === before) await sleep(2);
  const [start, used] = [performance.now(), server.processorSeconds()];
  await finished(database, before + backlog);
  const seconds = (performance.now() - start) / 1000;
  report(
    'processor time of the server for each of them, ms',
    (((server.processorSeconds() - used) / backlog) * 1000).toFixed(0),
    '',
    '',
  );
  bare.push(await bareLoop(shipped, 2, 1, backlog));
  const bound = median(bare.map((one) => one.seconds));
  report(
    `backlog of ${backlog} Tasks, results/s, bare loop on 2 sessions`,
    (backlog / seconds).toFixed(1),
    (backlog / bound).toFixed(1),
    `${(seconds / bound).toFixed(2)}x time`,
  );
}

export async function store(server: BenchServer, count: number): Promise<void> {
  const files = await Promise.all(
    Array.from(
      { length: count },
      async () =>
      chestFilm('film-1.jpg', {
        patientId: 'BENCH1', patientName: 'Bench^One', birthDate: '19700101', sex: 'M', studyUID: newUID(), accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
      }), // prettier-ignore
    ),
  );
  const { body, contentType } = multipart(files.map((file) => Buffer.from(file)));
  const answer = await fetch(`${server.url}/studies`, {
    method: 'POST',
    headers: {
      'Content-Type': contentType,
      Accept: 'application/dicom+json',
      Authorization: await server.authorization(),
    },
    body: new Uint8Array(body),
  });
  await expectStatus(answer, 200);
}

export async function countFinished(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ count: string }>(`select count(*) from record where type = 'Observation'`);
  return Number(rows[0]!.count);
}

export async function finished(database: pg.Client, count: number): Promise<void> {
  for (const end = Date.now() + 600_000; (await countFinished(database)) < count; await sleep(20)) {
    if (Date.now() > end) throw new Error('the analyses did not end');
  }
}
