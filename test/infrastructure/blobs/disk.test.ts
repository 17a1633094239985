import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Blobs } from '../../../server/core/studies/blobs.ts';
import { sweepBlobs } from '../../../server/core/studies/sweep-blobs.ts';
import { diskBlobs } from '../../../server/infrastructure/blobs/disk.ts';
import { canMount, smallDisk } from '../../harness/small-disk.ts';

let folder: string;
let blobs: Blobs;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-blobs-'));
  blobs = await diskBlobs(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* stream(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

async function keep(...chunks: (string | Uint8Array)[]): Promise<string> {
  const received = await blobs.receive(stream(...chunks));
  await blobs.keep([received]);
  return received.digest;
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return Buffer.concat(found);
}

const temporary = () => readdir(join(folder, 'incoming'));
const old = new Date(Date.now() - 2 * 24 * 3_600_000);

describe('blobs on disk', () => {
  it('are named by their content and read back whole or in part', async () => {
    const bytes = Buffer.alloc(3_000_000, 'abcdefg');
    const digest = await keep(bytes.subarray(0, 5), bytes.subarray(5, 2_000_000), bytes.subarray(2_000_000));
    expect(digest).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(blobs.pathOf(digest)).toBe(join(folder, digest.slice(0, 2), digest.slice(2, 4), digest));
    expect(await blobs.size(digest)).toBe(bytes.length);
    expect(Buffer.from(await blobs.read(digest))).toEqual(bytes);
    expect(await all(blobs.open(digest))).toEqual(bytes);
    expect(Buffer.from(await blobs.read(digest, { offset: 100, length: 7 }))).toEqual(bytes.subarray(100, 107));
    expect(await all(blobs.open(digest, { offset: 1_999_990, length: 500_000 }))).toEqual(
      bytes.subarray(1_999_990, 2_499_990),
    );
    expect(await temporary()).toEqual([]);
  });

  it('are not visible before they are kept, and leave nothing when discarded', async () => {
    const received = await blobs.receive(stream('x'));
    expect(await blobs.size(received.digest)).toBeUndefined();
    await blobs.discard(received);
    expect(await temporary()).toEqual([]);
  });

  it('are kept many at a time, the same one twice too', async () => {
    const received = await Promise.all(Array.from({ length: 60 }, (_, i) => blobs.receive(stream(`blob ${i % 50}`))));
    await blobs.keep(received);
    for (const { digest } of received) expect(await blobs.size(digest)).toBeGreaterThan(0);
    expect(await temporary()).toEqual([]);
  });

  it('leave no temporary file when the sender stops, sends too much, or fails', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(2_000_000);
      throw new Error('connection lost');
    }
    await expect(blobs.receive(broken())).rejects.toThrow('connection lost');
    await expect(blobs.receive(stream('123456'), 5)).rejects.toMatchObject({ code: 'too-long' });
    expect(await temporary()).toEqual([]);
  });

  it('are refused while the disk is nearly full', async () => {
    const full = await diskBlobs(folder, { reserve: Number.MAX_SAFE_INTEGER });
    await expect(full.receive(stream('x'))).rejects.toMatchObject({ code: 'no-store' });
    expect(await temporary()).toEqual([]);
  });

  it('are never served when a bit has changed, and are healed by sending them again', async () => {
    const bytes = Buffer.alloc(600_000, 7);
    const digest = await keep(bytes);
    const damaged = await readFile(blobs.pathOf(digest));
    damaged[300_000]! ^= 1;
    await writeFile(blobs.pathOf(digest), damaged);
    await expect(blobs.read(digest)).rejects.toMatchObject({ code: 'exception' });
    const arrived: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of blobs.open(digest)) arrived.push(chunk);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'exception' });
    expect(Buffer.concat(arrived).length).toBeLessThan(bytes.length);
    await keep(bytes);
    expect(Buffer.from(await blobs.read(digest))).toEqual(bytes);
  });

  it('say so when they are missing, or shorter than asked', async () => {
    const digest = await keep('abc');
    await expect(blobs.read(digest, { offset: 1, length: 5 })).rejects.toMatchObject({ code: 'exception' });
    await rm(blobs.pathOf(digest));
    await expect(blobs.read(digest)).rejects.toMatchObject({ code: 'not-found' });
    expect(() => blobs.pathOf('../../etc/passwd')).toThrow(expect.objectContaining({ code: 'not-found' }));
  });
});

describe('the sweep', () => {
  const sweep = (used: string[]) =>
    sweepBlobs({
      blobs,
      read: (work) =>
        work({
          studies: {
            blobsInUse: (digests: string[]) => Promise.resolve(new Set(digests.filter((one) => used.includes(one)))),
          } as never,
        }),
      now: () => new Date(),
    });

  it('removes old blobs that no row names', async () => {
    const [used, unused, young] = [await keep('used'), await keep('unused'), await keep('young')];
    for (const path of [blobs.pathOf(used), blobs.pathOf(unused)]) await utimes(path, old, old);
    expect(await sweep([used])).toBe(1);
    expect(await blobs.size(used)).toBe(4);
    expect(await blobs.size(young)).toBe(5);
    expect(await blobs.size(unused)).toBeUndefined();
    expect(await readdir(join(folder, 'swept'))).toEqual([]);
  });

  it('removes the files of processes that have ended, at the start and later, and no others', async () => {
    const [mine, theirs, other] = [1, 2, 3].map(() => blobs.receive(stream('x')));
    const name = (await mine!).path;
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    const named = (pid: number, place?: string) =>
      name.replace(new RegExp(`/([0-9a-f]+)-${process.pid}-`), (_, here) => `/${place ?? here}-${pid}-`);
    const [left, living, elsewhere] = [named(ended), named(process.ppid), named(ended, '0123456789ab')];
    await rename((await theirs!).path, living);
    await rename((await other!).path, elsewhere);
    for (const again of [() => diskBlobs(folder), () => sweep([])]) {
      await writeFile(left, 'left');
      await again();
      expect(new Set(await temporary())).toEqual(new Set([name, living, elsewhere].map((path) => basename(path))));
    }
  });

  it('puts back what was aside when its process ended', async () => {
    const digest = await keep('aside');
    const aside = join(folder, 'swept', `${digest}.x`);
    await rename(blobs.pathOf(digest), aside);
    await diskBlobs(folder);
    expect(await readdir(join(folder, 'swept'))).toEqual([`${digest}.x`]); // a sweep of this moment
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 100_000);
    await diskBlobs(folder);
    now.mockRestore();
    expect(await blobs.size(digest)).toBe(5);
    expect(await readdir(join(folder, 'swept'))).toEqual([]);
  });

  it('leaves a blob alone that was sent again after it was found', async () => {
    const digest = await keep('again');
    await utimes(blobs.pathOf(digest), old, old);
    const found = await all((async function* () { for await (const name of blobs.list(new Date(Date.now() - 3_600_000))) yield Buffer.from(name); })()); // prettier-ignore
    expect(found.toString()).toBe(digest);
    await keep('again');
    await blobs.remove(digest, new Date(Date.now() - 3_600_000));
    expect(await blobs.size(digest)).toBe(5);
  });
});

describe('a store whose folder is gone', () => {
  it('is not available, which is another thing than content that is missing, and right again when it is back', async () => {
    const digest = await keep('there');
    const missing = 'f'.repeat(64);
    await expect(blobs.read(missing)).rejects.toMatchObject({ code: 'not-found' });
    const away = `${folder}-away`;
    await rename(folder, away);
    const gone = { code: 'transient', retryAfter: 10 };
    await expect(blobs.read(digest)).rejects.toMatchObject(gone);
    await expect(all(blobs.open(digest))).rejects.toMatchObject(gone);
    await expect(keep('new')).rejects.toMatchObject(gone);
    await mkdir(folder); // the empty mount point
    await expect(blobs.read(digest)).rejects.toMatchObject(gone);
    await expect(keep('new')).rejects.toMatchObject(gone);
    await rm(folder, { recursive: true });
    await rename(away, folder);
    expect(Buffer.from(await blobs.read(digest)).toString()).toBe('there');
    await keep('new');
  });
});

it.skipIf(!canMount)(
  'a long file that was begun while there was room is refused before it takes what is kept free',
  async () => {
    const disk = await smallDisk(120);
    try {
      const store = await diskBlobs(disk.path, { reserve: 64 << 20 });
      const long = Array<Uint8Array>(100).fill(new Uint8Array(1 << 20));
      await expect(store.receive(stream(...long))).rejects.toMatchObject({ code: 'no-store' });
      expect(await readdir(join(disk.path, 'incoming'))).toEqual([]);
      const short = await store.receive(stream(...long.slice(0, 20)));
      expect(short.size).toBe(20 << 20);
    } finally {
      await disk.remove();
    }
  },
);
