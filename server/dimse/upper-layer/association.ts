import type { Socket } from 'node:net';
import { Problem } from '../../core/problem.ts';
import { commandBytes, noDataSet, parseCommand, type Command } from './command-set.ts';
import {
  abortPdu,
  abortReason,
  abortReasonOf,
  broken,
  pduHeaderLength,
  pduType,
  pdvHeaderLength,
  releaseReplyPdu,
  releaseRequestPdu,
} from './pdu.ts';
import type { PduReader } from './pdu-reader.ts';

/** A presentation context that both sides have agreed on. */
export interface Context {
  id: number;
  abstractSyntax: string;
  transferSyntax: string;
  /** The other side wants to receive on it what it asks for (role SCP), besides sending or instead of it. */
  receives?: boolean;
}

export interface Message {
  context: Context;
  command: Command & { CommandField: number };
  hasDataSet: boolean;
}

/** Offered to peers: what of one P-DATA-TF follows its header. */
export const ownMaxLength = 128 << 10;
/** A peer that names no limit, or less than anything fits into, is sent PDUs of this. */
const usualMaxLength = 16 << 10;
const leastMaxLength = 256;
const longestCommand = 64 << 10;
/** Milliseconds that a peer may leave what we send unread. */
const stalledMs = 60_000;
/** Milliseconds until a connection that has said its last word is taken down (ARTIM, PS3.8 9.1.5). */
const lastWordMs = 5_000;

/** A piece of a message. */
interface Pdv {
  contextId: number;
  isCommand: boolean;
  /** The message's command or data set ends with it. */
  isLast: boolean;
  data: Buffer;
}

const ended = Symbol('ended');

/** What is thrown where the other side is not there any more. */
export function isGone(error: unknown): boolean {
  return error instanceof Problem && error.cause === ended;
}

function gone(): Problem {
  return new Problem('transient', 'The other side has ended the association', { cause: ended });
}

/**
 * An established association: messages come one after another, each with its data set as a stream; what is sent goes out as one
 * write for each PDU, without Nagle's algorithm, because a small segment that waits for a delayed acknowledgement costs 40 ms.
 */
export class Association {
  readonly contexts: ReadonlyMap<number, Context>;
  readonly #socket: Socket;
  readonly #reader: PduReader;
  readonly #room: number;
  /** Bytes of the data PDU, and of the value in it, that are still to be read. */
  #pduLeft = 0;
  #valueLeft = 0;
  #value: Omit<Pdv, 'data'> = { contextId: 0, isCommand: false, isLast: false };
  /** The context of the data set that is still to be read. */
  #open: number | undefined;
  #messageId = 0;

  constructor(socket: Socket, reader: PduReader, contexts: readonly Context[], peerMaxLength: number) {
    this.#socket = socket;
    this.#reader = reader;
    this.contexts = new Map(contexts.map((context) => [context.id, context]));
    const length = peerMaxLength === 0 ? ownMaxLength : Math.min(peerMaxLength, ownMaxLength);
    this.#room = (length < leastMaxLength ? usualMaxLength : length) - pdvHeaderLength;
  }

  /** How long the other side may be silent. */
  waitAtMost(ms: number | undefined): void {
    this.#reader.waitAtMost(ms);
  }

  nextMessageId(): number {
    this.#messageId = (this.#messageId % 0xffff) + 1;
    return this.#messageId;
  }

  /**
   * The next message; what is left of the one before is passed over.
   * @returns `release` when the other side wants to end, undefined when it has. @throws what breaks the protocol.
   */
  async next(): Promise<Message | 'release' | undefined> {
    while (this.#open !== undefined) if (!(await this.#fragment(false))) return undefined;
    const first = await this.#next();
    if (first === undefined || first === 'release') return first;
    const pieces: Buffer[] = [];
    let size = 0;
    for (let pdv: Pdv = first; ;) {
      if (!pdv.isCommand || pdv.contextId !== first.contextId)
        throw broken(abortReason.unexpectedParameter, 'A command was expected');
      pieces.push(pdv.data);
      if ((size += pdv.data.length) > longestCommand)
        throw broken(abortReason.invalidParameter, 'A command set is too long');
      if (pdv.isLast) break;
      const next = await this.#next();
      if (next === undefined) return undefined;
      if (next === 'release') throw broken(abortReason.unexpectedPdu, 'A release inside of a message');
      pdv = next;
    }
    const context = this.contexts.get(first.contextId);
    if (!context) throw broken(abortReason.unexpectedParameter, 'A presentation context that was not agreed on');
    const command = parseCommand(Buffer.concat(pieces));
    const hasDataSet = command.CommandDataSetType !== noDataSet;
    if (hasDataSet) this.#open = context.id;
    return { context, command, hasDataSet };
  }

  /** The data set of the message that came last. @throws when it ends before its end. */
  async *dataSet(): AsyncGenerator<Uint8Array> {
    while (this.#open !== undefined) {
      const pdv = await this.#fragment(true);
      if (!pdv) throw gone();
      if (pdv.data.length > 0) yield pdv.data;
    }
  }

  /** The whole of it. @throws Problem `too-long`. */
  async wholeDataSet(limit: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.dataSet()) {
      if ((size += piece.length) > limit) throw new Problem('too-long', `The identifier is longer than ${limit} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  async #fragment(wanted: boolean): Promise<Pdv | undefined> {
    const pdv = await this.#next();
    if (pdv === undefined) return undefined;
    if (pdv === 'release') throw broken(abortReason.unexpectedPdu, 'A release inside of a message');
    if (pdv.isCommand || pdv.contextId !== this.#open)
      throw broken(abortReason.unexpectedParameter, 'A data set was expected');
    if (pdv.isLast) this.#open = undefined;
    return wanted ? pdv : { ...pdv, data: Buffer.alloc(0) };
  }

  async #next(): Promise<Pdv | 'release' | undefined> {
    if (this.#valueLeft === 0) {
      const begun = await this.#nextValue();
      if (begun !== true) return begun;
      if (this.#valueLeft === 0) return { ...this.#value, data: Buffer.alloc(0) };
    }
    const data = await this.#reader.some(this.#valueLeft);
    if (!data) return undefined;
    this.#valueLeft -= data.length;
    this.#pduLeft -= data.length;
    return { ...this.#value, isLast: this.#value.isLast && this.#valueLeft === 0, data };
  }

  /** Begins the next presentation data value (PS3.8 9.3.5.1), with the next PDU if there is none in this. */
  async #nextValue(): Promise<true | 'release' | undefined> {
    if (this.#pduLeft === 0) {
      const pdu = await this.#reader.next();
      if (!pdu || pdu.type === pduType.abort) return undefined;
      if (pdu.type === pduType.releaseRequest) return 'release';
      if (pdu.type !== pduType.data) throw broken(abortReason.unexpectedPdu, 'A PDU that does not belong here');
      if (pdu.length === 0) throw broken(abortReason.invalidParameter, 'A data PDU holds nothing');
      this.#pduLeft = pdu.length;
    }
    const header = this.#pduLeft < pdvHeaderLength ? undefined : await this.#reader.whole(pdvHeaderLength);
    if (!header && this.#pduLeft >= pdvHeaderLength) return undefined;
    const length = header?.readUInt32BE(0) ?? 0;
    if (!header || length < 2 || length > this.#pduLeft - 4)
      throw broken(abortReason.invalidParameter, 'A presentation data value does not fit its PDU');
    const control = header[5]!;
    this.#value = { contextId: header[4]!, isCommand: (control & 1) === 1, isLast: (control & 2) === 2 };
    this.#valueLeft = length - 2;
    this.#pduLeft -= pdvHeaderLength;
    return true;
  }

  /**
   * @param dataSet what cannot be had from its first byte on is thrown before anything is sent; what breaks off later ends the
   * association, because half a message cannot be taken back.
   * @throws what `isGone` knows when the other side has gone, or reads nothing; what the data set does.
   */
  async send(
    { id }: Pick<Context, 'id'>,
    command: Command,
    dataSet?: AsyncIterable<Uint8Array> | Uint8Array,
  ): Promise<void> {
    const bytes = commandBytes({ ...command, CommandDataSetType: dataSet === undefined ? noDataSet : 0 });
    if (dataSet === undefined || dataSet instanceof Uint8Array) {
      await this.#sendParts(id, true, [bytes]);
      if (dataSet !== undefined) await this.#sendParts(id, false, [dataSet]);
      return;
    }
    const chunks = dataSet[Symbol.asyncIterator]();
    const first = await chunks.next();
    await this.#sendParts(id, true, [bytes]);
    try {
      await this.#sendParts(id, false, resumed(first, chunks));
    } catch (error) {
      this.abort(error);
      throw error;
    }
  }

  /** Filled PDUs, the last one marked as such. */
  async #sendParts(
    id: number,
    isCommand: boolean,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const size = Array.isArray(chunks)
      ? (chunks as Uint8Array[]).reduce((sum, { length }) => sum + length, 0)
      : Infinity;
    let packet = this.#packet(size);
    let used = 0;
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        if (used === this.#room) {
          await this.#write(sealed(packet, used, id, isCommand, false));
          [packet, used] = [this.#packet(Infinity), 0];
        }
        const taken = Math.min(this.#room - used, chunk.length - at);
        packet.set(chunk.subarray(at, at + taken), headers + used);
        at += taken;
        used += taken;
      }
    }
    await this.#write(sealed(packet, used, id, isCommand, true));
  }

  #packet(size: number): Buffer {
    return Buffer.allocUnsafe(headers + Math.min(size, this.#room));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.writable) throw gone();
    if (!this.#socket.write(bytes)) await drained(this.#socket);
  }

  /** Answers the other side's wish to end. */
  async released(): Promise<void> {
    await this.#write(releaseReplyPdu()).catch(() => undefined);
    lastWord(this.#socket);
  }

  /** Ends what we began. */
  async release(): Promise<void> {
    try {
      await this.#write(releaseRequestPdu());
      this.#reader.waitAtMost(lastWordMs);
      await this.#reader.next();
    } catch {
      // Whatever the other side makes of it, the association has ended.
    }
    this.#socket.destroy();
  }

  abort(error?: unknown): void {
    if (this.#socket.writable) this.#socket.write(abortPdu(error === undefined ? 0 : 2, abortReasonOf(error)));
    lastWord(this.#socket);
  }
}

async function* resumed(
  first: IteratorResult<Uint8Array>,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; !next.done; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

const headers = pduHeaderLength + pdvHeaderLength;

/** The part that is filled, with its headers. */
function sealed(packet: Buffer, used: number, id: number, isCommand: boolean, isLast: boolean): Uint8Array {
  packet[0] = pduType.data;
  packet[1] = 0;
  packet.writeUInt32BE(used + pdvHeaderLength, 2);
  packet.writeUInt32BE(used + 2, pduHeaderLength);
  packet[pduHeaderLength + 4] = id;
  packet[pduHeaderLength + 5] = Number(isCommand) + 2 * Number(isLast);
  return packet.subarray(0, headers + used);
}

function drained(socket: Socket): Promise<void> {
  return new Promise((done, fail) => {
    const late = setTimeout(() => socket.destroy(), stalledMs);
    const settle = (then: () => void) => () => {
      clearTimeout(late);
      socket.off('drain', onDrain).off('close', onClose);
      then();
    };
    const onDrain = settle(done);
    const onClose = settle(() => fail(gone()));
    socket.on('drain', onDrain).on('close', onClose);
  });
}

/** Lets what was written go out; the other side ends the connection, or we do after a while. */
export function lastWord(socket: Socket): void {
  socket.end();
  const late = setTimeout(() => socket.destroy(), lastWordMs);
  socket.once('close', () => clearTimeout(late));
  socket.resume();
}
