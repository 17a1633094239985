import type { Socket } from 'node:net';
import { abortReason, broken, pduHeaderLength, pduType, type Pdu } from './pdu.ts';

/** Of an associate PDU: 128 contexts with a hundred transfer syntaxes each. */
const longestAssociate = 512 << 10;
const longestOther = 64;

/**
 * The PDUs of a connection, one after another. A length is checked before anything of it is waited for, and data passes by as it
 * comes: what is in memory is what the socket gave last. Nothing is read while nobody asks, so a fast peer waits in its own buffers.
 */
export class PduReader {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #longestData: number;
  /** Milliseconds that may be waited for a PDU that has begun, all pauses together. */
  readonly #pace: number;
  #pieces: Buffer[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  #patience: number | undefined;
  #awaitsFirst = false;
  #left = 0;

  constructor(socket: Socket, limits: { longestData: number; paceMs: number }) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#longestData = limits.longestData;
    this.#pace = limits.paceMs;
  }

  /** How long the next PDU may take to begin, from now; undefined: as long as it likes. */
  waitAtMost(ms: number | undefined): void {
    this.#patience = ms;
    if (this.#awaitsFirst) this.#arm(ms);
  }

  /**
   * @returns the next PDU, data without its body; undefined when the connection has ended. @throws what breaks the protocol.
   */
  async next(): Promise<Pdu | undefined> {
    this.#left = this.#pace;
    if (this.#size === 0 && !(await this.#first())) return undefined;
    const header = await this.whole(pduHeaderLength);
    if (!header) return undefined;
    const [type, length] = [header[0]!, header.readUInt32BE(2)];
    if (type < pduType.associateRequest || type > pduType.abort)
      throw broken(abortReason.unrecognizedPdu, 'A PDU of an unknown type');
    if (length > this.#longest(type)) throw broken(abortReason.invalidParameter, 'A PDU is longer than was agreed');
    if (type === pduType.data) return { type, length, body: Buffer.alloc(0) };
    const body = await this.whole(length);
    return body && { type, length, body };
  }

  /** So many bytes together. */
  async whole(length: number): Promise<Buffer | undefined> {
    while (this.#size < length) if (!(await this.#more())) return undefined;
    if (length === 0) return Buffer.alloc(0);
    if (this.#pieces[0]!.length < length) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#take(length);
  }

  /** What there is of the next bytes, as many at most and one at least. */
  async some(most: number): Promise<Buffer | undefined> {
    if (this.#size === 0 && !(await this.#more())) return undefined;
    return this.#take(Math.min(most, this.#pieces[0]!.length));
  }

  #longest(type: number): number {
    if (type === pduType.data) return this.#longestData;
    return type <= pduType.accept ? longestAssociate : longestOther;
  }

  async #first(): Promise<boolean> {
    this.#awaitsFirst = true;
    this.#arm(this.#patience);
    try {
      return await this.#pull();
    } finally {
      this.#awaitsFirst = false;
      this.#arm(undefined);
    }
  }

  /** Only while it is the other side that we wait for does its time run. */
  async #more(): Promise<boolean> {
    const began = performance.now();
    this.#arm(Math.max(1, this.#left));
    try {
      return await this.#pull();
    } finally {
      this.#left -= performance.now() - began;
      this.#arm(undefined);
    }
  }

  async #pull(): Promise<boolean> {
    const { value, done } = await this.#chunks.next().catch(() => ({ value: undefined, done: true as const }));
    if (done || value === undefined) return false;
    this.#pieces.push(value);
    this.#size += value.length;
    return true;
  }

  /** Of the first piece, which holds as many. */
  #take(length: number): Buffer {
    const piece = this.#pieces[0]!;
    if (piece.length === length) this.#pieces.shift();
    else this.#pieces[0] = piece.subarray(length);
    this.#size -= length;
    return piece.subarray(0, length);
  }

  #arm(ms: number | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = ms === undefined ? undefined : setTimeout(() => this.#socket.destroy(), ms);
  }
}
