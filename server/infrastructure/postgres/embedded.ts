import { createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findBinaries, usableFolder, type Binaries } from './embedded/binaries.ts';
import {
  findRunning,
  isMade,
  makeCluster,
  passwordFile,
  startServer,
  stopPid,
  urlOf,
  type RunningCluster,
} from './embedded/cluster.ts';

export interface EmbeddedPostgres {
  /** Connection URL of the database `csss`; it stays the same when the server is started again. */
  url: string;
  /** Stops the server the fast way (SIGINT) if no other process of ours uses it: what was committed is on disk. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  settings?: Record<string, string>;
  onProgress?: (step: string) => void;
  /** The server was lost, is tried again, or is there again. */
  onChange?: (change: { state: 'lost' | 'not started' | 'started again'; err?: unknown }) => void;
}

/** Whoever uses the cluster holds this lock in shared mode: the connection that holds it is also how its death is seen. */
const inUse = 5_017_001;
const longestPauseMs = 5_000;

/**
 * Starts the PostgreSQL that npm brought along, in `dataDir`, on a loopback port, and keeps it running: one that dies
 * is started again, in pauses that grow to five seconds.
 *
 * A server that runs already is used: it outlived a killed process of ours, or belongs to one that runs beside this
 * one. The last of them stops it. PostgreSQL itself counts its users, by a lock that ends with its holder's
 * connection: a file with process numbers would outlive them.
 *
 * @throws Error with a sentence for a person when there are no binaries for this platform or it does not start.
 */
export async function startEmbeddedPostgres(dataDir: string, options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const folder = await usableFolder(resolve(dataDir), binaries.user);
  const cluster = join(folder, 'cluster');
  if (!isMade(cluster)) {
    options.onProgress?.('creating the database cluster');
    await makeCluster(binaries, cluster);
  }
  const password = (await readFile(passwordFile(cluster), 'utf8')).trim();
  const keeper = new Keeper(binaries, cluster, password, options);
  await keeper.start();
  return { url: urlOf(keeper.port!, password, 'csss'), stop: () => keeper.stop() };
}

/** Holds the cluster in use from `start` to `stop`. */
class Keeper {
  port: number | undefined;
  readonly #binaries: Binaries;
  readonly #cluster: string;
  readonly #password: string;
  readonly #options: EmbeddedOptions;
  #hold: { pid: number; client: pg.Client } | undefined;
  #healing: Promise<void> | undefined;
  readonly #stopped = new AbortController();

  constructor(binaries: Binaries, cluster: string, password: string, options: EmbeddedOptions) {
    this.#binaries = binaries;
    this.#cluster = cluster;
    this.#password = password;
    this.#options = options;
  }

  async start(): Promise<void> {
    // A few tries: another process may start or stop the same cluster at this moment.
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#take();
      } catch (error) {
        if (attempt === 4) throw error;
        await sleep(250 * attempt);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#healing;
    const hold = this.#hold;
    this.#hold = undefined;
    if (!hold) return;
    try {
      await hold.client.query('select pg_advisory_unlock_shared($1)', [inUse]);
      const { rows } = await hold.client.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [inUse]);
      // The lock is still held while the server stops: who comes now waits for it and then starts a server of its own.
      if (rows[0]!.alone) await stopPid(hold.pid);
    } catch {
      // It is lost already.
    } finally {
      await hold.client.end().catch(() => undefined);
    }
  }

  async #take(): Promise<void> {
    const running = await this.#findOrStart();
    const client = new pg.Client({
      connectionString: urlOf(running.port, this.#password, 'csss'),
      application_name: 'csss-keeper',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    client.on('error', () => undefined); // `end` follows
    await client.connect();
    try {
      await client.query('select pg_advisory_lock_shared($1)', [inUse]);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.port = running.port;
    this.#hold = { pid: running.pid, client };
    client.once('end', () => this.#lost(client));
  }

  async #findOrStart(): Promise<RunningCluster> {
    const running = await findRunning(this.#cluster, this.#password);
    // The address is known to everybody: a server elsewhere would be of no use.
    if (running && (this.port === undefined || running.port === this.port)) return running;
    const port = this.port ?? (await freePort());
    const settings = this.#options.settings ?? {};
    return startServer(this.#binaries, this.#cluster, { port, password: this.#password, settings });
  }

  #lost(client: pg.Client): void {
    if (this.#hold?.client !== client) return;
    this.#hold = undefined;
    if (this.#stopped.signal.aborted) return;
    this.#options.onChange?.({ state: 'lost' });
    this.#healing = this.#heal();
  }

  async #heal(): Promise<void> {
    for (let pause = 100; !this.#stopped.signal.aborted; pause = Math.min(pause * 2, longestPauseMs)) {
      try {
        await this.#take();
        return this.#options.onChange?.({ state: 'started again' });
      } catch (err) {
        this.#options.onChange?.({ state: 'not started', err });
        await sleep(pause, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      }
    }
  }
}

async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer().once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}
