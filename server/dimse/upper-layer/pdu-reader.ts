import type { Socket } from 'node:net';
import { abortReason, broken, pduHeaderLength, pduType, type Pdu } from './pdu.ts';

/** Of an associate PDU: 128 contexts with a hundred transfer syntaxes each. */
const longestAssociate = 512 << 10;
const longestOther = 64;

/**
 * The PDUs of a connection, one after another. A length is checked before anything of it is waited for, so one PDU at most
 * is in memory; nothing is read while nobody asks, so a fast peer waits in its own buffers.
 */
export class PduReader {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #longestData: number;
  /** Milliseconds in which a PDU that has begun must be there. */
  readonly #pace: number;
  #pieces: Buffer[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  #patience: number | undefined;
  #waiting = false;

  constructor(socket: Socket, limits: { longestData: number; paceMs: number }) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#longestData = limits.longestData;
    this.#pace = limits.paceMs;
  }

  /** How long the next PDU may take to begin, from now; undefined: as long as it likes. */
  waitAtMost(ms: number | undefined): void {
    this.#patience = ms;
    if (this.#waiting && this.#size === 0) this.#arm(ms);
  }

  /** @returns undefined when the connection has ended. @throws what breaks the protocol. */
  async next(): Promise<Pdu | undefined> {
    this.#waiting = true;
    try {
      this.#arm(this.#size > 0 ? this.#pace : this.#patience);
      if (!(await this.#fill(pduHeaderLength))) return undefined;
      const header = this.#take(pduHeaderLength);
      const [type, length] = [header[0]!, header.readUInt32BE(2)];
      if (type < pduType.associateRequest || type > pduType.abort)
        throw broken(abortReason.unrecognizedPdu, 'A PDU of an unknown type');
      if (length > this.#longest(type)) throw broken(abortReason.invalidParameter, 'A PDU is longer than was agreed');
      if (!(await this.#fill(length))) return undefined;
      return { type, body: this.#take(length) };
    } finally {
      this.#waiting = false;
      this.#arm(undefined);
    }
  }

  #longest(type: number): number {
    if (type === pduType.data) return this.#longestData;
    return type <= pduType.accept ? longestAssociate : longestOther;
  }

  async #fill(length: number): Promise<boolean> {
    while (this.#size < length) {
      const { value, done } = await this.#chunks.next().catch(() => ({ value: undefined, done: true as const }));
      if (done || value === undefined) return false;
      // What dribbles has no more time than what comes at once.
      if (this.#size === 0) this.#arm(this.#pace);
      this.#pieces.push(value);
      this.#size += value.length;
    }
    return true;
  }

  #take(length: number): Buffer {
    const [first] = this.#pieces;
    if (length === 0) return Buffer.alloc(0);
    const all = first!.length >= length ? first! : Buffer.concat(this.#pieces);
    if (all !== first) this.#pieces = [all];
    if (all.length === length) this.#pieces.shift();
    else this.#pieces[0] = all.subarray(length);
    this.#size -= length;
    return all.subarray(0, length);
  }

  #arm(ms: number | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = ms === undefined ? undefined : setTimeout(() => this.#socket.destroy(), ms);
  }
}
