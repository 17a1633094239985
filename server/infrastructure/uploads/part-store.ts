import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileStore } from '@tus/file-store';
import { Problem } from '../../core/problem.ts';
import type { UploadedFile, UploadedParts, UploadShelf } from '../../core/studies/uploads/upload-ports.ts';
import { defaultReserve, spaceAlong } from '../blobs/disk.ts';
import { throwDiskProblem } from '../blobs/disk-problem.ts';

/** Whose it is, how many bytes it will have, and what makes it the only one: nothing of this is about a person or a file's name. */
const idForm = /^([0-9a-f]{24})-([0-9a-z]{1,11})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const idStart = /^[0-9a-f]{24}-[0-9a-z]{1,11}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** An account in the name of a file: the disk tells nobody who brought something. */
const mark = (account: string): string => createHash('sha256').update(`upload ${account}`).digest('hex').slice(0, 24);

export interface PartStoreOptions {
  keepMs: number;
  /** Bytes that stay free on the volume. */
  reserve?: number;
}

/** What one account has under way. */
export interface UnderWay {
  files: number;
  bytes: number;
}

/**
 * Parts of uploads as files, one for each upload, for the tus protocol and for who stores them. A part counts when it is on the disk: what
 * a process had not written when it was killed is sent again.
 */
export class PartStore extends FileStore implements UploadShelf {
  readonly #reserve: number;

  constructor(folder: string, { keepMs, reserve = defaultReserve }: PartStoreOptions) {
    super({ directory: folder, expirationPeriodInMilliseconds: keepMs });
    // Without a length nobody can say beforehand whether there is room.
    this.extensions = ['creation', 'creation-with-upload', 'termination', 'expiration'];
    this.#reserve = reserve;
  }

  /** @throws Problem `no-store` when the disk is full; `structure` when the sender stopped: what came is kept. */
  override async write(part: Readable, id: string, offset: number): Promise<number> {
    let end = offset;
    const expectSpace = spaceAlong(this.directory, this.#reserve);
    const counted = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        expectSpace(chunk.length).then(() => {
          end += chunk.length;
          done(null, chunk);
        }, done);
      },
    });
    const file = createWriteStream(this.#pathOf(id), { flags: 'r+', start: offset, flush: true });
    await this.mustHaveRoom(0);
    await pipeline(part, counted, file).catch(throwDiskProblem);
    return end;
  }

  /** @throws Problem `no-store` if so many bytes more would leave too little. */
  async mustHaveRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.directory).catch(throwDiskProblem);
    if (bavail * bsize - bytes < this.#reserve)
      throw new Problem('no-store', 'There is no room for the file now. Nothing was stored; try again later.');
  }

  /** The id of a new upload. */
  newId(account: string, length: number): string {
    return `${mark(account)}-${length.toString(36)}-${randomUUID()}`;
  }

  async underWay(account: string): Promise<UnderWay> {
    const own = mark(account);
    const lengths = (await readdir(this.directory)).flatMap((name) => {
      const [, whose, length] = idForm.exec(name) ?? [];
      return whose === own ? [Number.parseInt(length!, 36)] : [];
    });
    return { files: lengths.length, bytes: lengths.reduce((sum, length) => sum + length, 0) };
  }

  /** Bytes that an upload of this account will have; undefined for what is none of its. */
  lengthOf(id: string, account: string): number | undefined {
    const [, whose, length] = idForm.exec(id) ?? [];
    return whose === mark(account) ? Number.parseInt(length!, 36) : undefined;
  }

  of(account: string): UploadedParts {
    const own = <T>(id: string, work: () => Promise<T>): Promise<T | undefined> =>
      this.lengthOf(id, account) === undefined ? Promise.resolve(undefined) : work();
    return {
      find: (id) => own(id, () => this.#find(id)),
      answer: (id) => own(id, () => readFile(this.#pathOf(id, 'answer'), 'utf8').catch(unlessMissing)),
      attempt: async (id) => void (await own(id, () => writeFile(this.#pathOf(id, 'tried'), ''))),
      settle: async (id, answer) => void (await own(id, () => this.#settle(id, answer))),
      workFolder: (id) => mkdtemp(`${this.#pathOf(id, 'work')}-`).catch(throwDiskProblem),
      tidy: (path) => rm(path, { recursive: true, force: true }),
      beginning,
      bytes: (path) => createReadStream(path, { highWaterMark: 256 << 10 }),
    };
  }

  async sweep(olderThan: Date): Promise<number> {
    const uploads = Map.groupBy(await readdir(this.directory), (name) => idStart.exec(name)?.[0]);
    let count = 0;
    for (const [id, names] of uploads) {
      if (id === undefined) continue; // not ours
      const paths = names.map((name) => join(this.directory, name));
      const found = await Promise.all(paths.map((path) => stat(path).catch(unlessMissing)));
      if (found.some((one) => one && one.mtime >= olderThan)) continue;
      for (const path of paths) await rm(path, { recursive: true, force: true });
      count++;
    }
    return count;
  }

  async #find(id: string): Promise<UploadedFile | undefined> {
    const path = this.#pathOf(id);
    const [found, announced, tried] = await Promise.all(
      [path, this.#pathOf(id, 'json'), this.#pathOf(id, 'tried')].map((one) => stat(one).catch(unlessMissing)),
    );
    const length = Number.parseInt(idForm.exec(id)![2]!, 36);
    if (!found || found.size !== length) return undefined;
    return { path, size: length, begunAt: (announced ?? found).mtime, tried: tried !== undefined };
  }

  /** The answer is on disk, under its name, before the bytes that it is about are gone. */
  async #settle(id: string, answer: string | undefined): Promise<void> {
    if (answer === undefined) return rm(this.#pathOf(id, 'tried'), { force: true });
    const draft = `${this.#pathOf(id, 'work')}-${randomUUID()}`;
    await writeFile(draft, answer, { flush: true });
    await rename(draft, this.#pathOf(id, 'answer'));
    for (const part of ['tried', 'json', undefined]) await rm(this.#pathOf(id, part), { force: true });
  }

  /** Of an id that was looked at already. */
  #pathOf(id: string, part?: string): string {
    if (!idForm.test(id)) throw new Problem('not-found', 'There is no such upload.');
    return join(this.directory, part === undefined ? id : `${id}.${part}`);
  }
}

async function beginning(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
