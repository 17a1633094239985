/** Reads request bodies: bounded, decompressed under the same bound, UTF-8. */
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { pipeline } from 'node:stream';
import type { Context } from 'koa';
import { Problem } from '../core/problem.ts';
import { requireFhirJson } from './negotiation.ts';
import { parseLongJson } from '../core/records/parse-json.ts';

const decompressors = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * @param limit bytes, counted after decompression
 * @throws Problem `too-long`, `media-type` for an unknown Content-Encoding, `structure` for a broken stream.
 */
export async function readBytes(ctx: Context, limit: number): Promise<Buffer> {
  const announced = Number(ctx.get('Content-Length') || '0');
  if (announced > limit) throw tooLong(limit);
  const encoding = ctx.get('Content-Encoding').trim().toLowerCase();
  const encoded = encoding !== '' && encoding !== 'identity';
  if (encoded && !Object.hasOwn(decompressors, encoding)) {
    throw new Problem('media-type', 'The Content-Encoding must be gzip, deflate, br or none');
  }
  const decompress = encoded ? decompressors[encoding as keyof typeof decompressors]() : undefined;
  const source = decompress ? pipeline(ctx.req, decompress, () => undefined) : ctx.req;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of source) {
      size += (chunk as Buffer).length;
      if (size > limit) throw tooLong(limit);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('structure', 'The body ended early or is not in its Content-Encoding', { cause: error });
  }
  return Buffer.concat(chunks);
}

const tooLong = (limit: number): Problem => new Problem('too-long', `The body may have ${limit} bytes at most`);

/** @throws Problem `structure` unless the bytes are UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('structure', 'The body is not UTF-8');
  }
}

/**
 * The JSON object in the body.
 * @throws Problem `media-type`, `too-long`, `structure`.
 */
export async function readResource(ctx: Context, limit: number): Promise<Record<string, unknown>> {
  requireFhirJson(ctx);
  const value = await parseLongJson(decodeText(await readBytes(ctx, limit)));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem('structure', 'The body must be one JSON object');
  }
  return value as Record<string, unknown>;
}
