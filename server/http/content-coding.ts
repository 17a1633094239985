import type { IncomingMessage } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Problem } from '../core/problem.ts';
import { own } from '../core/table.ts';

const decoders = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const;

/**
 * The body of a request without its content coding (RFC 9110 8.4), as it arrives. How long it becomes is for the
 * reader to limit. When reading stops early the request stays open, so that it can still be answered.
 *
 * @throws Problem `media-type` for a coding that is not known; while reading, `structure` for a broken one.
 */
export function decodedBody(request: IncomingMessage): AsyncIterable<Uint8Array> {
  const coding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (coding === 'identity' || coding === '') return chunksOf(request);
  const open = own<() => Transform>(decoders, coding);
  if (!open) throw new Problem('media-type', 'Content-Encoding can be gzip, deflate or br');
  const decoder = open();
  request.once('error', (error) => decoder.destroy(error));
  request.once('close', () => {
    if (!request.complete) decoder.destroy(new Error('The request was aborted'));
  });
  return chunksOf(request.pipe(decoder));
}

async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    // Not closing the stream: on a request that would close the connection before the answer is sent.
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && /^(Z_|ERR__?BROTLI|ERR_BROTLI)/.test(code)) {
      throw new Problem('structure', 'The content coding of the body is broken', { cause: error });
    }
    throw error;
  }
}
