/** The one reader of request bodies: without their content coding, and within a budget. */
import type { IncomingMessage } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Problem } from '../../core/problem.ts';
import { inflation, pieces, type Inflation } from '../budget.ts';

/** `bytesWritten`: what it made use of. */
type Decoder = Transform & { readonly bytesWritten: number };

const decoders = new Map<string, () => Decoder>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/**
 * The body of a request without its content coding (RFC 9110 8.4), as it arrives. When reading stops early the request
 * stays open, so that it can still be answered, and the decoder is gone.
 *
 * @param limit bytes, counted without the content coding
 * @param options.lent a chunk is given up when the next one is asked for: memory of images on their way would else be found
 * by a garbage collection only, and cause one after the other.
 * @throws Problem `media-type` for a coding that is not known, `too-long` at once for what is announced to be; while
 * reading, `too-long` past the limit or for a body that grows out of all proportion, `structure` for a coding that is
 * broken or a body that ends early.
 */
export function bodyOf(
  request: IncomingMessage,
  limit: number,
  growth: Inflation = inflation,
  { lent = false } = {},
): AsyncIterable<Uint8Array> {
  const coding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
  const plain = coding === '' || coding === 'identity';
  const decoder = decoders.get(coding);
  if (!plain && !decoder) throw new Problem('media-type', 'Content-Encoding can be gzip, deflate or br');
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLong(limit);
  return within(limit, plain ? chunksOf(request, lent) : decoded(request, decoder!(), growth));
}

/**
 * The whole body in memory.
 * @throws as `bodyOf`.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyOf(request, limit)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Makes a library that reads a request by itself, by its iterator, read it through this reader: with its limits, and
 * without the content coding. The length that is announced is that of the coded body, so the library, which compares it
 * with what it reads, is told of none.
 */
export function readThrough(request: IncomingMessage, limit: number): void {
  const { headers } = request;
  if (headers['content-encoding'] !== undefined && headers['content-length'] !== undefined) {
    delete headers['content-length'];
    headers['transfer-encoding'] = 'chunked'; // there is a body
  }
  request.iterator = () => bodyOf(request, limit)[Symbol.asyncIterator]() as AsyncGenerator<Uint8Array>;
}

/** Gives such a library a body that was read already, or another in its place. */
export function readInstead(request: IncomingMessage, body: Uint8Array): void {
  const { headers } = request;
  delete headers['content-encoding'];
  headers['content-length'] = String(body.length);
  // The request itself has ended.
  Object.defineProperty(request, 'readable', { value: true, configurable: true });
  request.iterator = async function* () {
    yield body;
  } as typeof request.iterator;
}

async function* within(limit: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw tooLong(limit);
    yield chunk;
  }
}

const tooLong = (limit: number): Problem => new Problem('too-long', `The body may have ${limit} bytes at most`);

/** @returns to be told each piece. @throws Problem `structure` for a body in crumbs. */
function counted(): (piece: Uint8Array) => void {
  let number = 0;
  let bytes = 0;
  return ({ length }) => {
    bytes += length;
    if (++number > pieces.most && bytes < number * pieces.least)
      throw new Problem('structure', `A body of many pieces needs ${pieces.least} bytes in each; send larger ones`);
  };
}

/** Not by the request's own iterator, which copies what arrived together, and not closing the request: that would close the connection before the answer is sent. */
async function* chunksOf(request: IncomingMessage, lent: boolean): AsyncGenerator<Uint8Array> {
  const crumbs = counted();
  const arrived: Buffer[] = [];
  let end: { fault?: Problem } | undefined;
  let wake = () => {};
  const take = (chunk: Buffer) => {
    arrived.push(chunk);
    request.pause();
    wake();
  };
  const done = () => {
    end ??= {};
    wake();
  };
  const fail = (cause?: unknown) => {
    end ??= request.readableEnded ? {} : { fault: endedEarly(cause) };
    wake();
  };
  request.on('data', take).once('end', done).once('error', fail).once('close', fail);
  try {
    if (request.readableEnded || request.destroyed) fail(request.errored);
    for (;;) {
      const chunk = arrived.shift();
      if (chunk) {
        crumbs(chunk);
        yield chunk;
        if (lent) release(chunk);
      } else if (end) {
        if (end.fault) throw end.fault;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          request.resume();
        });
      }
    }
  } finally {
    request.off('data', take).off('end', done).off('error', fail).off('close', fail).pause();
  }
}

/** Frees the memory of a chunk that has it to itself. */
function release({ buffer, byteOffset, byteLength }: Buffer): void {
  if (byteOffset === 0 && byteLength === buffer.byteLength && byteLength >= leastReleased)
    (buffer as ArrayBuffer).transfer(0);
}

/** Shorter ones may lie in a pool of Node's. */
const leastReleased = 16 << 10;

async function* decoded(request: IncomingMessage, decoder: Decoder, growth: Inflation): AsyncGenerator<Uint8Array> {
  let received = 0;
  let size = 0;
  const crumbs = counted();
  const count = (chunk: Buffer) => {
    received += chunk.length;
    try {
      crumbs(chunk);
    } catch (error) {
      decoder.destroy(error as Error);
    }
  };
  const fail = () => decoder.destroy(endedEarly());
  const gone = () => (request.complete ? undefined : fail());
  // Not by `pipeline`, which would close the request with the decoder.
  request.on('data', count).once('error', fail).once('close', gone);
  request.pipe(decoder);
  try {
    if (request.destroyed && !request.complete) fail();
    for await (const chunk of decoder as Readable as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > growth.free && size > received * growth.ratio)
        throw new Problem('too-long', `The body grows more than ${growth.ratio} times without its Content-Encoding`);
      yield chunk;
    }
    // Zlib ends with its stream, and says nothing of what stands behind: random bytes are an empty stream now and then.
    if (decoder.bytesWritten < received) throw new Problem('structure', 'The body goes on behind its content coding');
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('structure', 'The content coding of the body is broken', { cause: error });
  } finally {
    request.unpipe(decoder).off('data', count).off('error', fail).off('close', gone);
    request.pause();
    decoder.destroy();
  }
}

function endedEarly(cause?: unknown): Problem {
  return new Problem('structure', 'The body ended early', { cause });
}
