import type { FileHandle } from 'node:fs/promises';

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

/**
 * A file that is written while further bytes come in: who appends waits for room only, not for the disk.
 */
export class WriteBehind {
  readonly #opening: Promise<FileHandle>;
  readonly #room: Room;
  /** The writes so far, one after another. */
  #writing: Promise<void>;
  #fault: { error: unknown } | undefined;

  constructor(opening: Promise<FileHandle>, shared: Room) {
    this.#opening = opening;
    this.#room = shared;
    this.#writing = this.#noted(opening.then(() => undefined));
  }

  /** @throws what opening the file did, or writing it so far. */
  async append(pieces: Uint8Array[], length: number): Promise<void> {
    await this.#room.take(length);
    this.#writing = this.#noted(this.#write(pieces).finally(() => this.#room.giveBack(length)));
    if (this.#fault) throw this.#fault.error;
  }

  /**
   * Appends the last pieces; resolves when the file is open and there was room.
   * @returns resolves when all bytes are on disk (fsync) and the file is closed.
   */
  async finish(pieces: Uint8Array[], length: number): Promise<{ written: Promise<void> }> {
    const cost = Math.max(length, leastCost);
    const file = await this.#opening;
    await this.#room.take(cost);
    const written = this.#write(pieces)
      .then(() => file.datasync())
      .finally(() => file.close())
      .finally(() => this.#room.giveBack(cost));
    return { written: this.#noted(written) };
  }

  /** Closes the file as it is. */
  async abandon(): Promise<void> {
    await this.#writing.catch(() => undefined);
    const file = await this.#opening.catch(() => undefined);
    await file?.close();
  }

  async #write(pieces: Uint8Array[]): Promise<void> {
    await this.#writing;
    const file = await this.#opening;
    // A write may stop short when the disk is nearly full; the next one then says so.
    for (let rest = pieces; rest.length > 0;) {
      const { bytesWritten } = await file.writev(rest);
      rest = after(rest, bytesWritten);
    }
  }

  /** A failure is kept for whoever asks next, and is no unhandled one meanwhile. */
  #noted(work: Promise<void>): Promise<void> {
    work.catch((error: unknown) => (this.#fault ??= { error }));
    return work;
  }
}

function after(pieces: Uint8Array[], length: number): Uint8Array[] {
  let skip = length;
  const first = pieces.findIndex((piece) => piece.length > skip || ((skip -= piece.length), false));
  return first < 0 ? [] : [pieces[first]!.subarray(skip), ...pieces.slice(first + 1)];
}
