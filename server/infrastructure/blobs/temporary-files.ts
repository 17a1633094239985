import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const day = 24 * 3_600_000;
const minute = 60_000;
const owned = /^([0-9a-f]{12})-([0-9]+)-([0-9a-f]{8})-/;

/** Process ids mean something on this machine, and in this container, only. */
const place = createHash('sha256').update(`${hostname()} ${processNamespace()}`).digest('hex').slice(0, 12);
/** A number may come again for another process; this does not. */
const life = randomBytes(4).toString('hex');

/** A name that tells whose file it is, so that others know whether it is still wanted. */
export function temporaryName(): string {
  return `${place}-${process.pid}-${life}-${randomUUID()}`;
}

/**
 * Removes temporary files of processes that ended without removing them (`kill -9`, power). Several processes may share
 * the folder: what may belong to a living one stays, for a day if that cannot be known.
 */
export async function removeLeftFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (isMine(name)) continue;
    const path = join(folder, name);
    if (ownerHasEnded(name) || (await isOlder(path, day))) await rm(path, { force: true });
  }
}

/**
 * Puts blobs back that a sweep had moved aside when its process ended: whether nobody wants them was not yet known.
 *
 * @param pathOf where the blob of a digest belongs
 */
export async function putBackSwept(folder: string, pathOf: (digest: string) => string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [digest = ''] = name.split('.');
    const path = join(folder, name);
    if (!/^[0-9a-f]{64}$/.test(digest) || !(await isOlder(path, minute))) continue;
    const stands = await stat(pathOf(digest)).then(() => true, () => false); // prettier-ignore
    if (stands) await rm(path, { force: true });
    else await rename(path, pathOf(digest)).catch(() => undefined);
  }
}

function isMine(name: string): boolean {
  return name.startsWith(`${place}-${process.pid}-${life}-`);
}

function ownerHasEnded(name: string): boolean {
  const [, where, id] = owned.exec(name) ?? [];
  if (where !== place) return false;
  if (Number(id) === process.pid) return true;
  try {
    process.kill(Number(id), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** By the change of its entry, which a rename is too. */
async function isOlder(path: string, ms: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - Math.max(found.ctimeMs, found.mtimeMs) > ms;
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // not Linux
  }
}
