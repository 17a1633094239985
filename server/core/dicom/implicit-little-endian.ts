import { Problem } from '../problem.ts';
import { isLongForm, undefinedLength } from './element-header.ts';

interface Open {
  /** Where it ends in the source; undefined: where its delimiter stands. */
  end: number | undefined;
  delimiter: Uint8Array;
  /** How its elements are written in the source. */
  explicit: boolean;
}

const item = 0xfffee000;
const itemEnd = 0xfffee00d;
const sequenceEnd = 0xfffee0dd;
const deepest = 64;

/**
 * Rewrites a data set from Explicit to Implicit VR Little Endian (PS3.5 A.1) while it passes by: no value is looked at, so memory is bounded
 * by what comes in one chunk. Sequences and items get undefined lengths, because their old ones no longer fit.
 *
 * @param chunks of a data set with native pixel data.
 * @throws Problem `structure` when it breaks off or is nested too deep.
 */
export async function* asImplicit(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const rewriting = new Rewriting();
  for await (const chunk of chunks) {
    const written = rewriting.take(chunk);
    if (written.length > 0) yield Buffer.concat(written);
  }
  const last = rewriting.finish();
  if (last.length > 0) yield Buffer.concat(last);
}

class Rewriting {
  /** A header that has not come whole. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes of a value that still pass by. */
  #passing = 0;
  /** How much of the source has been worked on. */
  #at = 0;
  readonly #open: Open[] = [];

  take(chunk: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = [];
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const value = bytes.subarray(0, Math.min(this.#passing, bytes.length));
      if (value.length > 0) out.push(value);
      bytes = bytes.subarray(value.length);
      this.#passing -= value.length;
      this.#at += value.length;
      if (this.#passing > 0) break;
      this.#close(out);
      const length = this.#header(bytes, out);
      if (length === 0) break;
      bytes = bytes.subarray(length);
      this.#at += length;
    }
    this.#rest = bytes;
    return out;
  }

  finish(): Uint8Array[] {
    const out: Uint8Array[] = [];
    this.#close(out);
    if (this.#rest.length > 0 || this.#passing > 0 || this.#open.length > 0)
      throw new Problem('structure', 'The data set is cut off');
    return out;
  }

  /** Ends what has reached its length. */
  #close(out: Uint8Array[]): void {
    for (let top = this.#open.at(-1); top?.end !== undefined && top.end <= this.#at; top = this.#open.at(-1)) {
      out.push(top.delimiter);
      this.#open.pop();
    }
  }

  /** @returns how long the header is in the source; 0 when it has not come whole. */
  #header(bytes: Uint8Array, out: Uint8Array[]): number {
    if (bytes.length < 8) return 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const tag = view.getUint16(0, true) * 0x10000 + view.getUint16(2, true);
    const explicit = this.#open.at(-1)?.explicit ?? true;
    if (tag >= item && tag <= sequenceEnd) return this.#marker(tag, view.getUint32(4, true), explicit, out);
    const vr = explicit ? String.fromCharCode(bytes[4]!, bytes[5]!) : '';
    const isLong = explicit && isLongForm(vr);
    if (isLong && bytes.length < 12) return 0;
    const length = isLong ? view.getUint32(8, true) : explicit ? view.getUint16(6, true) : view.getUint32(4, true);
    const headerLength = isLong ? 12 : 8;
    const isOpen = length === undefinedLength;
    // UN of undefined length holds implicit VR already (PS3.5 6.2.2, note 2), and so does everything in it.
    const isSequence = vr === 'SQ' || (isOpen && (vr === 'UN' || !explicit));
    if (isOpen && !isSequence) throw new Problem('structure', 'An element that is no sequence has no length');
    out.push(header(tag, isSequence ? undefinedLength : length));
    if (isSequence) this.#enter(headerLength, isOpen ? undefined : length, sequenceEnd, explicit && vr === 'SQ');
    else this.#passing = length;
    return headerLength;
  }

  #marker(tag: number, length: number, explicit: boolean, out: Uint8Array[]): number {
    if (tag === item) {
      out.push(header(item, undefinedLength));
      this.#enter(8, length === undefinedLength ? undefined : length, itemEnd, explicit);
      return 8;
    }
    if (this.#open.pop()?.end !== undefined || (tag !== itemEnd && tag !== sequenceEnd))
      throw new Problem('structure', 'A delimiter where none belongs');
    out.push(header(tag, 0));
    return 8;
  }

  #enter(headerLength: number, length: number | undefined, delimiter: number, explicit: boolean): void {
    if (this.#open.length >= deepest) throw new Problem('structure', 'Sequences are nested too deep');
    const end = length === undefined ? undefined : this.#at + headerLength + length;
    this.#open.push({ end, delimiter: header(delimiter, 0), explicit });
  }
}

function header(tag: number, length: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, Math.floor(tag / 0x10000), true);
  view.setUint16(2, tag & 0xffff, true);
  view.setUint32(4, length, true);
  return new Uint8Array(view.buffer);
}
