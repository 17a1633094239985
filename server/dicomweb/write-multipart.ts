import { randomUUID } from 'node:crypto';
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
  // 122 random bits: no pixel data contains it by accident or on purpose.
  const boundary = randomUUID().replaceAll('-', '');
  const heads = parts.map((part, i) => encoder.encode(`${i === 0 ? '' : '\r\n'}--${boundary}\r\n${headers(part)}\r\n`));
  const end = encoder.encode(`${parts.length === 0 ? '' : '\r\n'}--${boundary}--\r\n`);

  async function* chunks(): AsyncGenerator<Uint8Array> {
    let coming = parts[0] && begin(parts[0]);
    let iterator: AsyncIterator<Uint8Array> | undefined;
    try {
      for (const [i, part] of parts.entries()) {
        const { first, ...begun } = coming ?? begin(part);
        iterator = begun.iterator;
        coming = undefined;
        // A part's head goes out when its first bytes are there: if those cannot be had, nothing of the part was sent.
        let head = heads[i]!;
        let next = await first.catch((error: unknown) => {
          if (!part.instead || !isUnmakable(error)) throw error;
          head = encoder.encode(`${i === 0 ? '' : '\r\n'}--${boundary}\r\n${headers(part.instead)}\r\n`);
          const other = begin(part.instead);
          iterator = other.iterator;
          return other.first;
        });
        yield head;
        for (let left = part.length ?? Infinity; !next.done; next = await iterator.next()) {
          left -= next.value.length;
          if (left <= 0 && parts[i + 1]) coming ??= begin(parts[i + 1]!); // read while these go out
          yield next.value;
        }
      }
      yield end;
    } finally {
      await iterator?.return?.();
      await coming?.iterator.return?.();
    }
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
  const boundary = randomUUID().replaceAll('-', '');
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

const isUnmakable = (error: unknown): boolean =>
  error instanceof Problem && (error.code === 'not-supported' || error.code === 'structure');

function begin(part: Part): { iterator: AsyncIterator<Uint8Array>; first: Promise<IteratorResult<Uint8Array>> } {
  const iterator = part.body()[Symbol.asyncIterator]();
  const first = iterator.next();
  first.catch(() => undefined); // heard when its turn comes
  return { iterator, first };
}

/** A part's head goes out with its first bytes: if those cannot be had, nothing of the part was sent. */
async function* leading(head: Uint8Array, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array | undefined = head;
  for await (const chunk of body) {
    if (waiting) yield waiting;
    waiting = undefined;
    yield chunk;
  }
  if (waiting) yield waiting;
}

function headers({ type, location, length }: Part): string {
  const lines = [`Content-Type: ${type}`];
  if (location !== undefined) lines.push(`Content-Location: ${location}`);
  if (length !== undefined) lines.push(`Content-Length: ${length}`);
  return lines.map((line) => `${line}\r\n`).join('');
}
