/** A slice of 512 x 512 words fits into one with its header. */
const bufferSize = 576 << 10;
/** Kept when nobody needs them. */
const mostIdle = 16;

/**
 * Buffers that are used again and again: fresh ones for all that comes and goes are counted against the heap, and what that
 * costs in garbage collection is more than reading or writing them.
 */
export class Buffers {
  readonly #idle: Buffer[] = [];

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(bufferSize);
  }

  /** Whoever gives one back must not look at it again, nor any stream that it was given to. */
  giveBack(buffer: Buffer): void {
    if (this.#idle.length < mostIdle) this.#idle.push(buffer);
  }
}
