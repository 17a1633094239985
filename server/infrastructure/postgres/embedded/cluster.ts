/** One cluster on disk: making it, starting its server, finding the one that runs, stopping it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { exe, libraryPath, type Binaries } from './binaries.ts';

export interface RunningCluster {
  pid: number;
  port: number;
}

export function urlOf(port: number, password: string, database: string): string {
  return `postgres://csss:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * Makes the cluster beside its place and moves it there whole: a process that is killed over it leaves nothing half
 * made, and of two that begin at the same moment one is first and both use what it made.
 */
export async function makeCluster(binaries: Binaries, cluster: string): Promise<void> {
  const made = `${cluster}.${randomUUID()}`;
  try {
    await initialise(binaries, made, await passwordFor(binaries, cluster));
    await rename(made, cluster).catch(async (error: NodeJS.ErrnoException) => {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code ?? '')) throw error;
      if (isMade(cluster)) return;
      await rm(cluster, { recursive: true, force: true }); // an earlier release, killed half-way
      await rename(made, cluster);
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

export function isMade(cluster: string): boolean {
  return existsSync(join(cluster, 'PG_VERSION'));
}

export function passwordFile(cluster: string): string {
  return join(dirname(cluster), 'password');
}

/** The file with the one password that all who make this cluster use; appears whole. */
async function passwordFor(binaries: Binaries, cluster: string): Promise<string> {
  const file = passwordFile(cluster);
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (binaries.user) await chown(own, binaries.user.uid, binaries.user.gid);
  await link(own, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(own);
  return file;
}

async function initialise(binaries: Binaries, cluster: string, pwfile: string): Promise<void> {
  const args = [
    `--pgdata=${cluster}`, '--username=csss', `--pwfile=${pwfile}`, '--auth=scram-sha-256',
    '--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8', '--data-checksums',
  ]; // prettier-ignore
  const child = spawn(join(binaries.folder, 'bin', `initdb${exe}`), args, {
    ...binaries.user,
    cwd: dirname(cluster),
    env: libraryPath(binaries),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const complaint = collect(child);
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  if (code !== 0) throw new Error(`The database cluster could not be created: ${complaint()}`);
}

function launch(binaries: Binaries, cluster: string, port: number, settings: Record<string, string>): ChildProcess {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '100',
    ...settings,
  };
  const child = spawn(
    join(binaries.folder, 'bin', `postgres${exe}`),
    ['-D', cluster, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      ...binaries.user,
      cwd: cluster,
      env: libraryPath(binaries),
      stdio: ['ignore', 'ignore', 'pipe'],
      // Its own process group: Ctrl-C in the terminal reaches us alone, and we stop it after the last request.
      detached: true,
    },
  );
  child.on('error', () => {}); // reported by startServer
  return child;
}

/** The server of this cluster, started on `port`; it goes on when this process ends. @throws Error when it does not come up. */
export async function startServer(
  binaries: Binaries,
  cluster: string,
  options: { port: number; password: string; settings: Record<string, string> },
): Promise<RunningCluster> {
  const { port, password } = options;
  const child = launch(binaries, cluster, port, options.settings);
  const complaint = collect(child);
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  for (let attempt = 0; attempt < 400; attempt++) {
    if (failure) throw new Error('PostgreSQL could not be started', { cause: failure });
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended while starting: ${complaint()}`);
    if ((await openDatabase(port, password)) === 'open') {
      child.stderr?.removeAllListeners('data').resume();
      (child.stderr as unknown as { unref?: () => void })?.unref?.();
      child.unref();
      return { pid: child.pid!, port };
    }
    await sleep(25);
  }
  throw new Error('PostgreSQL did not become ready in 10 s.');
}

/** The server of this cluster, if one runs: postmaster.pid holds pid, data folder, start time and port, a line each. */
export async function findRunning(cluster: string, password: string): Promise<RunningCluster | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  const port = Number(lines[3]);
  if (!Number.isInteger(port) || port < 1) return undefined; // still being written
  for (let attempt = 0; attempt < 200; attempt++) {
    // Nobody there: a stale file, which postgres removes by itself. Another password: somebody else's server by now.
    const found = await openDatabase(port, password).catch(() => 'away' as const);
    if (found === 'open') return { pid: Number(lines[0]), port };
    if (found === 'away') return undefined;
    await sleep(50); // starting up, shutting down or recovering
  }
  return undefined;
}

/** Makes sure that the database `csss` is there, if the server answers. */
async function openDatabase(port: number, password: string): Promise<'open' | 'away' | 'busy'> {
  const client = new pg.Client({
    connectionString: urlOf(port, password, 'postgres'),
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined); // told by the call that fails
  try {
    await client.connect();
    const { rowCount } = await client.query(`select from pg_database where datname = 'csss'`);
    if (rowCount === 0) await client.query(`create database csss`);
    return 'open';
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ECONNREFUSED') return 'away';
    // 57P03: starting or stopping. The rest: another process makes the database, or the server was lost meanwhile.
    if (['57P03', '42P04', '23505', '57P01', '57P02', 'ECONNRESET'].includes(code ?? '')) return 'busy';
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export async function stopPid(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGINT');
    for (let waited = 0; waited < 15_000; waited += 20) {
      process.kill(pid, 0);
      await sleep(20);
    }
    process.kill(pid, 'SIGQUIT');
  } catch {
    // gone
  }
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-2000)));
  return () => text.trim();
}
