/** Reads request bodies as FHIR: UTF-8, JSON, one resource. */
import type { Context } from 'koa';
import { Problem } from '../core/problem.ts';
import { parseLongJson } from '../core/r4/parse-json.ts';
import { readBody } from '../http/request-body.ts';
import { requireFhirJson } from './negotiation.ts';

/**
 * @param limit bytes, counted without the content coding
 * @throws as `readBody`.
 */
export async function readBytes(ctx: Context, limit: number): Promise<Buffer> {
  return readBody(ctx.req, limit);
}

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
