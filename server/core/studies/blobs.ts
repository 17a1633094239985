export interface ReceivedBlob {
  digest: string; // SHA-256, lower-case hex
  size: number;
  /** Path on this machine where the bytes lie; only worker threads that parse them use it, once they are `written`. */
  path: string;
  /**
   * Resolves when the bytes are on disk (fsync). Its failure may be left unheard: `keep` hears of it. Absent: they are
   * in the file, and `keep` brings them to disk.
   * @throws Problem `no-store` when the disk is full.
   */
  written?: Promise<void>;
}

export interface Blobs {
  /**
   * Takes bytes in while hashing, resolves when they are all taken; a temporary file is written behind, in bounded
   * memory. Nothing is visible yet. A chunk is done with when the next one is asked for.
   * @throws Problem `too-long` past `limit` bytes, `no-store` when the disk is full.
   */
  receive(bytes: AsyncIterable<Uint8Array>, limit?: number): Promise<ReceivedBlob>;
  /**
   * Makes received blobs durable under their names: waits until their bytes are on disk, renames them to their digests,
   * fsyncs the folders. Already stored bytes are success.
   * @throws as writing them did.
   */
  keep(received: ReceivedBlob[]): Promise<void>;
  /** What was received and is neither kept nor dropped yet. */
  openReceived(received: ReceivedBlob, range: { offset: number; length: number }): AsyncIterable<Uint8Array>;
  /** Drops a temporary file. */
  discard(received: ReceivedBlob): Promise<void>;
  /** A stream of the bytes, or of `[offset, offset + length)`. @throws Problem `not-found`. */
  open(digest: string, range?: { offset: number; length: number }): AsyncIterable<Uint8Array>;
  /**
   * The same at half the cost: each chunk is good until the next one is asked for, or the end. For who has handed it on by then.
   */
  lend(digest: string, range?: { offset: number; length: number }): AsyncIterable<Uint8Array>;
  read(digest: string, range?: { offset: number; length: number }): Promise<Uint8Array>;
  size(digest: string): Promise<number | undefined>;
  /** Path of a kept blob on this machine, for worker threads that decode pixels. */
  pathOf(digest: string): string;
  /** Stored digests older than `olderThan`, for the sweep. */
  list(olderThan: Date): AsyncIterable<string>;
  /** Removes a blob unless it was kept again since `olderThan`. */
  remove(digest: string, olderThan: Date): Promise<void>;
}
