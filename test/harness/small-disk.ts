import { execFile } from 'node:child_process';
import { chmod, mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Only root on Linux can mount a file system; elsewhere the tests that need one are skipped by name. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0;

export interface SmallDisk {
  path: string;
  /** Leaves so many bytes free, by a file of its own. */
  fill(leave: number): Promise<void>;
  free(): Promise<void>;
  remove(): Promise<void>;
}

/** A file system of its own that can be filled without harm to the machine. */
export async function smallDisk(mebibytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'csss-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=755`, 'tmpfs', path]);
  await chmod(path, 0o755);
  const filler = join(path, 'filler');
  return {
    path,
    async fill(leave) {
      const { bavail, bsize } = await statfs(path);
      const file = await open(filler, 'a');
      const chunk = Buffer.alloc(64 << 10);
      try {
        for (let rest = bavail * bsize - leave; rest > 0; rest -= chunk.length)
          await file.write(chunk.subarray(0, Math.min(rest, chunk.length)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        await file.close();
      }
    },
    free: () => rm(filler, { force: true }),
    async remove() {
      await run('umount', ['-l', path]);
      await rm(path, { recursive: true, force: true });
    },
  };
}
