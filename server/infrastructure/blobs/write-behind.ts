import type { FileHandle } from 'node:fs/promises';
import type { Buffers } from './buffers.ts';

/** Bytes that may be on their way to the disk, over all files. */
export interface Room {
  take(length: number): Promise<void>;
  giveBack(length: number): void;
}

export function room(limit: number): Room {
  let taken = 0;
  let waiting: (() => void)[] = [];
  return {
    async take(length) {
      while (taken > 0 && taken + length > limit) await new Promise<void>((done) => waiting.push(done));
      taken += length;
    },
    giveBack(length) {
      taken -= length;
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
  };
}

/** What a file costs at least until it is closed: so there are never too many open. */
const leastCost = 256 << 10;
/** What is less than this is copied once more, so that a short file does not hold a long buffer until it is on disk. */
const short = 64 << 10;

/**
 * A file that is written while further bytes come in: they are copied, and who appends waits for room only, not for the disk.
 */
export class WriteBehind {
  readonly #opening: Promise<FileHandle>;
  readonly #room: Room;
  readonly #buffers: Buffers;
  /** What is to be written next. */
  #buffer: Buffer | undefined;
  #filled = 0;
  /** The writes so far, one after another. */
  #writing: Promise<void>;
  #fault: { error: unknown } | undefined;

  constructor(opening: Promise<FileHandle>, shared: Room, buffers: Buffers) {
    this.#opening = opening;
    this.#room = shared;
    this.#buffers = buffers;
    this.#writing = this.#noted(opening.then(() => undefined));
  }

  /**
   * @param full told before bytes of that length are written.
   * @throws what opening the file did, or writing it so far, or `full`.
   */
  async append(chunk: Uint8Array, full: (length: number) => Promise<void>): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const buffer = (this.#buffer ??= this.#buffers.take());
      const length = Math.min(chunk.length - at, buffer.length - this.#filled);
      buffer.set(chunk.subarray(at, at + length), this.#filled);
      this.#filled += length;
      at += length;
      if (this.#filled < buffer.length) continue;
      await full(buffer.length);
      await this.#room.take(buffer.length);
      this.#buffer = undefined;
      this.#filled = 0;
      this.#writing = this.#noted(this.#write(buffer, buffer).finally(() => this.#room.giveBack(buffer.length)));
      if (this.#fault) throw this.#fault.error;
    }
  }

  /**
   * Resolves when the file is open and there was room for the last bytes.
   * @returns resolves when all bytes are on disk (fsync) and the file is closed.
   */
  async finish(): Promise<{ written: Promise<void> }> {
    const cost = Math.max(this.#filled, leastCost);
    const file = await this.#opening;
    await this.#room.take(cost);
    const written = this.#write(...this.#last())
      .then(() => file.datasync())
      .finally(() => file.close())
      .finally(() => this.#room.giveBack(cost));
    return { written: this.#noted(written) };
  }

  #last(): [bytes: Uint8Array, lent?: Buffer] {
    const buffer = this.#buffer;
    this.#buffer = undefined;
    if (!buffer) return [Buffer.alloc(0)];
    const bytes = buffer.subarray(0, this.#filled);
    if (bytes.length >= short) return [bytes, buffer];
    const copy = Buffer.from(bytes);
    this.#buffers.giveBack(buffer);
    return [copy];
  }

  /** Closes the file as it is. */
  async abandon(): Promise<void> {
    await this.#writing.catch(() => undefined);
    const file = await this.#opening.catch(() => undefined);
    await file?.close();
    if (this.#buffer) this.#buffers.giveBack(this.#buffer);
    this.#buffer = undefined;
  }

  /** @param lent the buffer that is free again then. */
  async #write(bytes: Uint8Array, lent?: Buffer): Promise<void> {
    try {
      await this.#writing;
      const file = await this.#opening;
      // A write may stop short when the disk is nearly full; the next one then says so.
      for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
    } finally {
      if (lent) this.#buffers.giveBack(lent);
    }
  }

  /** A failure is kept for whoever asks next, and is no unhandled one meanwhile. */
  #noted(work: Promise<void>): Promise<void> {
    work.catch((error: unknown) => (this.#fault ??= { error }));
    return work;
  }
}
