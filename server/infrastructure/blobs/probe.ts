import { randomUUID } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultReserve } from './disk.ts';

const content = Buffer.alloc(4096, 'csss');

/** Bytes of the disk that images lie on, free for us and in all. @throws what the operating system says. */
export async function spaceOf(folder: string): Promise<{ free: number; total: number; reserve: number }> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, total: blocks * bsize, reserve: defaultReserve };
}

/**
 * Stores, reads and removes a small file as an image would be: a full disk, a lost mount, a volume that became
 * read-only and a process without descriptors show here.
 *
 * @returns what is wrong in words, or undefined. Throws what the operating system says otherwise.
 */
export async function probeBlobs(folder: string, reserve = defaultReserve): Promise<string | undefined> {
  const path = join(folder, 'incoming', `probe-${randomUUID()}`);
  try {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < reserve) return `less than ${Math.ceil(reserve / 2 ** 20)} MiB are free`;
    const file = await open(path, 'wx+', 0o600);
    try {
      await file.write(content);
      await file.datasync();
      const { buffer } = await file.read(Buffer.alloc(content.length), 0, content.length, 0);
      if (!buffer.equals(content)) return 'what is written is not what is read';
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EIO'].includes(code ?? ''))
      return `its folder cannot be read and written (${code})`;
    throw error;
  }
}
