import { randomBytes } from 'node:crypto';
import { Problem } from '../core/problem.ts';

/** One part of a multipart/related answer. */
export interface Part {
  /** Content-Type with its parameters. */
  type: string;
  location?: string;
  /** Bytes of the body where they are known before. */
  length?: number;
  body: () => AsyncIterable<Uint8Array>;
  /** Goes out in its place where its first bytes cannot be made. */
  instead?: Part;
}

export interface Multipart {
  type: string;
  /** Of the whole answer, if all parts know theirs. */
  length: number | undefined;
  chunks: AsyncIterable<Uint8Array>;
}

const encoder = new TextEncoder();

/**
 * Writes parts one after the other (RFC 2387, PS3.18 8.6.1.2.1); a part's bytes are asked for when the client
 * has taken those before.
 *
 * @param type media type of the parts, which the header repeats in quotes
 */
export function multipart(type: string, parts: readonly Part[]): Multipart {
  // 128 random bits: no pixel data contains it by accident or on purpose.
  const boundary = randomBytes(16).toString('hex');
  const heads = parts.map((part, i) => encoder.encode(`${i === 0 ? '' : '\r\n'}--${boundary}\r\n${headers(part)}\r\n`));
  const end = encoder.encode(`${parts.length === 0 ? '' : '\r\n'}--${boundary}--\r\n`);

  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const [i, part] of parts.entries()) {
      const before = i === 0 ? '' : '\r\n';
      yield* orInstead(heads[i]!, part, (other) => encoder.encode(`${before}--${boundary}\r\n${headers(other)}\r\n`));
    }
    yield end;
  }

  const known = parts.every((part) => part.length !== undefined);
  const bodies = parts.reduce((sum, part) => sum + (part.length ?? 0), 0);
  return {
    type: `multipart/related; type="${type}"; boundary=${boundary}`,
    length: known ? bodies + heads.reduce((sum, head) => sum + head.length, end.length) : undefined,
    chunks: chunks(),
  };
}

/** The same for parts that are made when their turn comes, however many there are; there is at least one. */
export function multipartStream(type: string, parts: AsyncIterable<Part>): Omit<Multipart, 'length'> {
  const boundary = randomBytes(16).toString('hex');
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let before = '';
    for await (const part of parts) {
      yield* leading(encoder.encode(`${before}--${boundary}\r\n${headers(part)}\r\n`), part.body());
      before = '\r\n';
    }
    yield encoder.encode(`\r\n--${boundary}--\r\n`);
  }
  return { type: `multipart/related; type="${type}"; boundary=${boundary}`, chunks: chunks() };
}

async function* orInstead(
  head: Uint8Array,
  part: Part,
  headOf: (part: Part) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  let begun = false;
  try {
    for await (const chunk of leading(head, part.body())) {
      begun = true;
      yield chunk;
    }
  } catch (error) {
    const isUnmakable = error instanceof Problem && (error.code === 'not-supported' || error.code === 'structure');
    if (begun || !part.instead || !isUnmakable) throw error;
    yield* leading(headOf(part.instead), part.instead.body());
  }
}

/** A part's head goes out with its first bytes: if those cannot be had, nothing of the part was sent. */
async function* leading(head: Uint8Array, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array | undefined = head;
  for await (const chunk of body) {
    yield waiting ? Buffer.concat([waiting, chunk]) : chunk;
    waiting = undefined;
  }
  if (waiting) yield waiting;
}

function headers({ type, location, length }: Part): string {
  const lines = [`Content-Type: ${type}`];
  if (location !== undefined) lines.push(`Content-Location: ${location}`);
  if (length !== undefined) lines.push(`Content-Length: ${length}`);
  return lines.map((line) => `${line}\r\n`).join('');
}
