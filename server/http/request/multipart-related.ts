import { Problem } from '../../core/problem.ts';
import { partHeaders } from '../budget.ts';

export interface BodyPart {
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  /** To be read before the next part is asked for; what is left is skipped. A chunk is done with when the next one is asked for. */
  body: AsyncIterable<Uint8Array>;
}

const crlf = Buffer.from('\r\n');
const empty = Buffer.alloc(0);

/**
 * Reads a multipart body part by part as it arrives (RFC 2046 5.1, RFC 2387), in bounded memory.
 *
 * Only a line that is the delimiter and nothing else ends a part: the boundary's text inside pixel data does not.
 *
 * The source's iterator is, so that it can let go of what it holds.
 *
 * @param partsLimit more are refused
 * @throws Problem `structure` when the body ends before its last delimiter or a part's headers are no headers,
 * `too-long` for too many parts or headers.
 */
export async function* multipartRelated(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
  partsLimit = Infinity,
): AsyncGenerator<BodyPart> {
  const reader = new DelimitedReader(source, boundary);
  try {
    for await (const preamble of reader.untilDelimiter()) void preamble;
    for (let count = 1; !reader.finished; count++) {
      if (count > partsLimit) throw new Problem('too-long', `A request may have ${partsLimit} parts at most`);
      const part = { headers: await reader.headers(), body: reader.untilDelimiter() };
      yield part;
      while (reader.inPart) for await (const rest of reader.untilDelimiter()) void rest;
    }
  } finally {
    await reader.close();
  }
}

class DelimitedReader {
  /** The closing delimiter was read. */
  finished = false;
  /** Headers were read, and the delimiter behind their part not yet. */
  inPart = false;
  private readonly source: AsyncIterator<Uint8Array>;
  private readonly delimiter: Buffer;
  /** The body may begin with a delimiter, so a line end is put before it. */
  private buffer: Buffer = crlf;
  /** The buffer begins with a delimiter whose line end was that of the headers: the part is empty. */
  private emptyPart = false;

  constructor(source: AsyncIterable<Uint8Array>, boundary: string) {
    this.source = source[Symbol.asyncIterator]();
    this.delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  }

  /** The bytes up to the next delimiter, which is consumed. */
  async *untilDelimiter(): AsyncGenerator<Uint8Array> {
    if (this.emptyPart) {
      this.emptyPart = false;
      const end = await this.endOfDelimiter(this.delimiter.length - crlf.length);
      if (end !== undefined) return this.leavePart(end);
    }
    let searched = 0;
    for (;;) {
      const at = this.buffer.indexOf(this.delimiter, searched);
      if (at < 0) {
        // All but what could be the beginning of a delimiter is content.
        const safe = Math.max(0, this.buffer.length - this.delimiter.length + 1);
        if (safe > 0) yield this.take(safe);
        searched = 0;
        const rest = await this.fillBehindContent();
        if (rest.length > 0) yield rest;
        continue;
      }
      const end = await this.endOfDelimiter(at + this.delimiter.length);
      if (end === undefined) {
        searched = at + 1;
        continue;
      }
      if (at > 0) yield this.take(at);
      return this.leavePart(end - at);
    }
  }

  private leavePart(length: number): void {
    this.take(length);
    this.inPart = false;
  }

  /** Where the line of a delimiter ends: `--`, or white space and a line end, must follow. Undefined: it is content. */
  private async endOfDelimiter(start: number): Promise<number | undefined> {
    for (let at = start; ; at++) {
      while (this.buffer.length < at + 2) await this.fill();
      const [byte, next] = [this.buffer[at], this.buffer[at + 1]];
      if (at === start && byte === 0x2d && next === 0x2d) {
        this.finished = true;
        return at + 2;
      }
      if (byte === 0x0d && next === 0x0a) return at + 2;
      if ((byte !== 0x20 && byte !== 0x09) || at - start > 1000) return undefined;
    }
  }

  /** What the source holds is let go of. */
  async close(): Promise<void> {
    await this.source.return?.();
  }

  async headers(): Promise<Map<string, string>> {
    const headers = new Map<string, string>();
    let bytes = 0;
    let lines = 0;
    for (let line = await this.line(); line !== ''; line = await this.line()) {
      bytes += line.length;
      if (++lines > partHeaders.lines || bytes > partHeaders.bytes)
        throw new Problem('too-long', 'A part of the multipart body has too many headers');
      const colon = line.indexOf(':');
      if (colon < 1) throw new Problem('structure', 'A part of the multipart body has no proper headers');
      headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
    // The line end after the headers may belong to the next delimiter: an empty part need not have another.
    const delimiter = this.delimiter.subarray(crlf.length);
    while (this.buffer.length < delimiter.length) await this.fill();
    this.inPart = true;
    this.emptyPart = this.buffer.subarray(0, delimiter.length).equals(delimiter);
    return headers;
  }

  private async line(): Promise<string> {
    let end = this.buffer.indexOf(crlf);
    while (end < 0) {
      if (this.buffer.length > partHeaders.bytes)
        throw new Problem('too-long', 'A part of the multipart body has headers without end');
      await this.fill();
      end = this.buffer.indexOf(crlf);
    }
    return this.take(end + 2).toString('latin1', 0, end);
  }

  private take(length: number): Buffer {
    const taken = this.buffer.subarray(0, length);
    this.buffer = this.buffer.subarray(length);
    return taken;
  }

  /** As `fill`, but gives back what is buffered when no delimiter begins in it: chunks are then never copied. */
  private async fillBehindContent(): Promise<Buffer> {
    const tail = Buffer.from(this.buffer);
    this.buffer = empty;
    await this.fill();
    const next = this.buffer;
    if (next.length >= this.delimiter.length) {
      const seam = Buffer.concat([tail, next.subarray(0, this.delimiter.length)]);
      if (!seam.includes(this.delimiter)) return tail;
    }
    this.buffer = Buffer.concat([tail, next]);
    return empty;
  }

  private async fill(): Promise<void> {
    // A copy, and a short one: the source may have its chunk back when it is asked for the next.
    if (this.buffer.length > 0) this.buffer = Buffer.from(this.buffer);
    const { value, done } = await this.source.next();
    if (done) throw new Problem('structure', 'The multipart body ends before its closing delimiter');
    this.buffer =
      this.buffer.length === 0
        ? Buffer.from(value.buffer, value.byteOffset, value.length)
        : Buffer.concat([this.buffer, value]);
  }
}
