import { PgBoss, type SendOptions, type WorkOptions } from 'pg-boss';
import type { Job, JobQueue, LackingJob, TakenJob } from '../../../core/jobs.ts';
import { Problem } from '../../../core/problem.ts';
import type { Sql } from '../connection.ts';

export interface JobRunner {
  /** A queue whose jobs exist exactly if the transaction that `sql` belongs to commits. */
  queue(sql: Sql): JobQueue;
  /** Runs up to `concurrency` jobs of a kind at a time in this process; a handler that throws is tried again. */
  work(kind: Job['kind'], concurrency: number, handler: (job: TakenJob) => Promise<void>): Promise<void>;
  /** Asks the queue's own connections. @throws what the database says. */
  ping(): Promise<void>;
  /** Takes no new jobs and waits for those under way. */
  stop(): Promise<void>;
}

interface Payload {
  key: string;
  data: Job['data'];
  priority: number;
  requestId?: string;
}

/** Which request the running code works for (an AsyncLocalStorage). */
export interface RequestContext {
  getStore(): string | undefined;
  run<T>(requestId: string, work: () => T): T;
}

/**
 * Tries and pauses. A report waits for a browser, a shadow run until no
 * doctor waits for an analysis; a process that died over it stops its heartbeat, which is seen long before.
 */
const queues: Record<
  Job['kind'],
  { retryLimit: number; retryDelay: number; retryDelayMax: number; expireInSeconds: number }
> = {
  // All images of a study: see `leaseOf` in work/analyze.ts, and the limit of AI_MOST_IMAGES.
  analyze: { retryLimit: 3, retryDelay: 1, retryDelayMax: 30, expireInSeconds: 1800 },
  shadow: { retryLimit: 2, retryDelay: 5, retryDelayMax: 60, expireInSeconds: 12 * 3600 },
  'complete-study': { retryLimit: 5, retryDelay: 1, retryDelayMax: 30, expireInSeconds: 60 },
  'issue-report': { retryLimit: 5, retryDelay: 2, retryDelayMax: 60, expireInSeconds: 120 },
  // Their deliveries say when they are tried again, for days (core/deliveries/retry-policy.ts).
  'send-report': { retryLimit: 0, retryDelay: 5, retryDelayMax: 60, expireInSeconds: 240 },
  'send-withdrawal': { retryLimit: 0, retryDelay: 5, retryDelayMax: 60, expireInSeconds: 240 },
  // A push service that is away for an hour is tried again; the news itself is under the bell.
  push: { retryLimit: 8, retryDelay: 5, retryDelayMax: 1200, expireInSeconds: 60 },
  'send-mail': { retryLimit: 0, retryDelay: 5, retryDelayMax: 60, expireInSeconds: 240 },
};

/**
 * The job queue on pg-boss. A job wakes a worker by NOTIFY when its transaction commits; a worker that dies
 * stops its heartbeat, and the supervisor gives the job to another. Delivery is at least once: what a job
 * writes carries a unique key of its own.
 *
 * @param options.supervise this process looks for lost jobs (every process that works should).
 * @param options.install makes the queue's tables, or brings them to this release (default); else they must be so.
 * @throws Problem `conflict` when the tables are missing, by half or of another release.
 */
export async function startJobs(
  url: string,
  options: { supervise: boolean; install?: boolean; onError?: (error: Error) => void; context?: RequestContext },
): Promise<JobRunner> {
  const { install: installs = true } = options;
  const boss = new PgBoss({
    connectionString: url,
    max: 4,
    application_name: 'csss-jobs',
    schema: 'job',
    useListenNotify: true,
    schedule: false,
    migrate: installs,
    supervise: options.supervise,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
  boss.on('error', (error: unknown) => options.onError?.(asError(error)));
  try {
    if (installs) await install(boss);
    else await open(boss);
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => undefined);
    throw error;
  }
  return {
    queue: (sql) => ({
      async enqueue(job) {
        const requestId = options.context?.getStore();
        const payload: Payload = {
          key: job.key,
          data: job.data,
          priority: job.priority ?? 0,
          ...(requestId !== undefined && { requestId }),
        };
        await boss.send(job.kind, payload, {
          singletonKey: job.key,
          priority: payload.priority,
          db: adapt(sql),
          ...(job.afterSeconds !== undefined && { startAfter: Math.ceil(job.afterSeconds) }),
        });
      },
      lacking: (kind, keys) =>
        keys.length === 0
          ? Promise.resolve([])
          : sql.query<{ one: LackingJob }>(lackingStatement, [kind, keys]).then((rows) => rows.map(({ one }) => one)),
    }),
    async work(kind, concurrency, handler) {
      for (let i = 0; i < concurrency; i++) await takeTurns(boss, kind, handler, options.context);
    },
    async ping() {
      if (!(await boss.isInstalled())) throw new Problem('exception', 'The job queue is not installed');
    },
    stop: () => boss.stop({ graceful: true, timeout: 20_000 }),
  };
}

async function install(boss: PgBoss): Promise<void> {
  await boss.start();
  for (const [kind, limits] of Object.entries(queues)) {
    const options = { notify: true, retryBackoff: true, heartbeatSeconds: 10, ...limits };
    await boss.createQueue(kind, { policy: 'exclusive', ...options });
    await boss.updateQueue(kind, options); // an earlier release may have made it with other limits
  }
}

async function open(boss: PgBoss): Promise<void> {
  const other = new Problem('conflict', 'The tables of the job queue are not those of this release.');
  await boss.start().catch((error: Error & { code?: string }) => {
    throw error.code === undefined ? other : error; // what has no code is the queue's own check of its version
  });
  const made = new Set((await boss.getQueues()).map(({ name }) => name));
  if (Object.keys(queues).some((kind) => !made.has(kind))) throw other;
}

/**
 * One loop that takes job after job. After each it looks for the next at once: pg-boss's own "burst" does nothing for
 * batches of one, and a backlog would go at one job in each polling interval. Loops are not pg-boss's
 * `localConcurrency`, because only a loop that has an id of its own can be woken.
 */
async function takeTurns(
  boss: PgBoss,
  kind: Job['kind'],
  handler: (job: TakenJob) => Promise<void>,
  context: RequestContext | undefined,
): Promise<void> {
  const loop = await boss.work<Payload, void, WorkOptions & { includeMetadata: true }>(
    kind,
    // NOTIFY wakes a loop; polling finds retries that fell due and what a lost connection missed.
    { includeMetadata: true, batchSize: 1, pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 2 },
    async ([job]) => {
      const { key, data, priority, requestId } = job!.data;
      try {
        const attempt = job!.retryCount + 1;
        const taken = { kind, key, data, priority, requestId, attempt, final: job!.retryCount >= job!.retryLimit };
        await (context && requestId !== undefined ? context.run(requestId, () => handler(taken)) : handler(taken));
      } finally {
        boss.notifyWorker(loop);
      }
    },
  );
}

/** What waits or runs is found through the index that keeps it single; the ended are read once, and only if some lack. */
const lackingStatement = `
  with lacking as materialized (
    select key from unnest($2::text[]) as wanted (key)
     where not exists (select from job.job where name = $1 and coalesce(singleton_key, '') = key
                          and state <= 'active' and policy = 'exclusive')
  ), ended as (
    select distinct on (singleton_key) singleton_key as key, state from job.job
     where name = $1 and state > 'active' and singleton_key in (select key from lacking)
     order by singleton_key, created_on desc
  )
  select jsonb_build_object('key', key) ||
         case when state is null then '{}' else
           jsonb_build_object('last', case state when 'completed' then 'completed' else 'failed' end) end as one
    from lacking left join ended using (key)`;

function adapt(sql: Sql): NonNullable<SendOptions['db']> {
  return { executeSql: async (text: string, values?: unknown[]) => ({ rows: await sql.query(text, values) }) };
}

/** pg-boss reports some errors as plain objects that hold the error's code. */
function asError(reported: unknown): Error {
  if (reported instanceof Error) return reported;
  const { message, code } = (reported ?? {}) as { message?: unknown; code?: unknown };
  const error = new Error(typeof message === 'string' ? message : 'no reason given');
  return typeof code === 'string' ? Object.assign(error, { code }) : error;
}
