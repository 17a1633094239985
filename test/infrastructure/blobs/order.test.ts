import { createHash } from 'node:crypto';
import type * as FileSystemModule from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Blobs } from '../../../server/core/studies/blobs.ts';
import { diskBlobs } from '../../../server/infrastructure/blobs/disk.ts';

type FileSystem = typeof FileSystemModule;

// What the file system is asked to do, in order: a power cut at any moment must leave no name without its bytes, and
// nothing that `keep` has answered for may be gone after it.
const done: string[] = [];
let failSync = false;
let slowWrite: Promise<void> | undefined;

vi.mock('node:fs/promises', async (original) => {
  const real = await original<FileSystem>();
  const watched = (handle: FileHandle, path: string): FileHandle => {
    const noted = (name: 'sync' | 'datasync') => {
      const work = handle[name].bind(handle);
      handle[name] = async () => {
        if (failSync) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
        await work();
        done.push(`sync ${path}`);
      };
    };
    noted('sync');
    noted('datasync');
    const write = handle.write.bind(handle) as (...given: unknown[]) => Promise<{ bytesWritten: number }>;
    handle.write = (async (...given: unknown[]) => {
      await slowWrite;
      const result = await write(...given);
      done.push(`write ${path}`);
      return result;
    }) as typeof handle.write;
    return handle;
  };
  return {
    ...real,
    open: async (...given: Parameters<typeof real.open>) => watched(await real.open(...given), String(given[0])),
    rename: async (from: string, to: string) => {
      await real.rename(from, to);
      done.push(`rename ${from} ${to}`);
    },
    mkdir: async (path: string, options: object) => {
      const made = await real.mkdir(path, options);
      if (made !== undefined) done.push(`mkdir ${path}`);
      return made;
    },
  };
});

let folder: string;
let blobs: Blobs;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-order-'));
  blobs = await diskBlobs(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  done.length = 0;
  failSync = false;
  slowWrite = undefined;
});

async function* stream(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
const at = (event: string) => done.indexOf(event);
const content = (n: number) => Buffer.alloc(200_000, `content ${n} ${Math.random()}`);

test('bytes are synced before they get their name, and every new folder entry before keep answers', async () => {
  const received = await Promise.all(Array.from({ length: 8 }, (_, n) => blobs.receive(stream(content(n)))));
  await blobs.keep(received);
  const ended = done.length;
  for (const { path, digest } of received) {
    const target = blobs.pathOf(digest);
    const renamed = at(`rename ${path} ${target}`);
    expect(done.lastIndexOf(`write ${path}`)).toBeLessThan(at(`sync ${path}`));
    expect(at(`sync ${path}`)).toBeLessThan(renamed);
    const [leaf, above] = [dirname(target), dirname(dirname(target))];
    for (const changed of [leaf, above, folder]) {
      const synced = done.lastIndexOf(`sync ${changed}`);
      expect(synced, relative(folder, changed)).toBeGreaterThan(Math.max(renamed, at(`mkdir ${leaf}`)));
      expect(synced).toBeLessThan(ended);
    }
  }
});

test('a second sender does not rely on a folder that the first has made and not yet synced', async () => {
  const one = await blobs.receive(stream(content(1)));
  const leaf = dirname(blobs.pathOf(one.digest));
  // Made by another process, say, that lost power before it synced: it is there, and nothing says for how long.
  const { mkdir } = await vi.importActual<FileSystem>('node:fs/promises');
  await mkdir(leaf, { recursive: true });
  await blobs.keep([one]);
  expect(at(`sync ${dirname(leaf)}`)).toBeGreaterThan(-1);
  expect(at(`sync ${folder}`)).toBeGreaterThan(-1);
});

test('the next one is taken in while the last is being written, and is not kept before it is on disk', async () => {
  let finish = () => {};
  slowWrite = new Promise((end) => (finish = end));
  const bytes = content(2);
  const received = await blobs.receive(stream(bytes));
  expect(received.digest).toBe(createHash('sha256').update(bytes).digest('hex'));
  const kept = blobs.keep([received]);
  await new Promise((soon) => setTimeout(soon, 50));
  expect(done).toEqual([]);
  finish();
  await kept;
  expect(await blobs.size(received.digest)).toBe(bytes.length);
});

test('no more is taken in than may wait for the disk', async () => {
  let finish = () => {};
  slowWrite = new Promise((end) => (finish = end));
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (; given < 64 << 20; given += 1 << 20) yield Buffer.alloc(1 << 20, given >> 20);
  }
  const receiving = blobs.receive(endless());
  await new Promise((soon) => setTimeout(soon, 200));
  expect(given).toBeLessThan(20 << 20);
  finish();
  const received = await receiving;
  expect(received.size).toBe(64 << 20);
  await blobs.discard(received);
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
});

test('bytes that do not reach the disk are not kept, and leave nothing', async () => {
  failSync = true;
  const received = await blobs.receive(stream(content(3)));
  await expect(blobs.keep([received])).rejects.toMatchObject({ code: 'transient' });
  expect(await blobs.size(received.digest)).toBeUndefined();
  await blobs.discard(received);
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
});
