import { createHash } from 'node:crypto';
import { close, fstatSync, open, read, type BigIntStats } from 'node:fs';
import { Problem } from '../../core/problem.ts';
import type { Buffers } from './buffers.ts';

/** Files whose content is remembered to be whole; the one checked longest ago goes first. */
const mostChecked = 20_000;
const checkedFor = 24 * 3600_000;

/** Reads files into buffers that are used again: a piece is good until the next one is asked for, or the end. */
export class LentPieces {
  readonly #buffers: Buffers;
  /** By the path: the file's identity when its content was found to match its digest, and until when that counts. */
  readonly #checked = new Map<string, { file: string; until: number }>();

  constructor(buffers: Buffers) {
    this.#buffers = buffers;
  }

  /**
   * All of a file, of which the last piece is given only when the content matches its digest, or the bytes
   * of a range. A file that was found whole is hashed again after a day, or when it is another one.
   *
   * @throws Problem `exception` for damaged content; what the file system says.
   */
  async *of(path: string, digest: string, range?: { offset: number; length: number }): AsyncGenerator<Uint8Array> {
    const file = await opened(path);
    const buffer = this.#buffers.take();
    try {
      const stats = fstatSync(file, { bigint: true });
      const size = Number(stats.size);
      const { offset: start, length: wanted } = range ?? { offset: 0, length: size };
      const isWhole = start === 0 && wanted === size;
      const hash = !isWhole || this.#isChecked(path, stats) ? undefined : createHash('sha256');
      let offset = start;
      let left = wanted;
      do {
        const length = Math.min(left, buffer.length);
        await fill(file, buffer, length, offset);
        const piece = buffer.subarray(0, length);
        hash?.update(piece);
        offset += length;
        left -= length;
        if (left === 0 && hash) this.#expect(path, stats, hash.digest('hex') === digest);
        yield piece;
      } while (left > 0);
    } finally {
      this.#buffers.giveBack(buffer);
      close(file, () => undefined);
    }
  }

  #isChecked(path: string, stats: BigIntStats): boolean {
    const known = this.#checked.get(path);
    return known !== undefined && known.file === identityOf(stats) && known.until > performance.now();
  }

  #expect(path: string, stats: BigIntStats, matches: boolean): void {
    if (!matches) throw damaged();
    this.#checked.delete(path);
    if (this.#checked.size >= mostChecked) this.#checked.delete(this.#checked.keys().next().value!);
    this.#checked.set(path, { file: identityOf(stats), until: performance.now() + checkedFor });
  }
}

function identityOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function opened(path: string): Promise<number> {
  return new Promise((done, fail) => open(path, 'r', (error, file) => (error ? fail(error) : done(file))));
}

async function fill(file: number, buffer: Buffer, length: number, offset: number): Promise<void> {
  for (let done = 0; done < length;) {
    const count = await new Promise<number>((resolve, reject) =>
      read(file, buffer, done, length - done, offset + done, (error, bytes) =>
        error ? reject(error) : resolve(bytes),
      ),
    );
    if (count === 0) throw damaged();
    done += count;
  }
}

export function damaged(): Problem {
  return new Problem('exception', 'The stored content is damaged: it does not match its checksum');
}
