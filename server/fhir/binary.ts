/**
 * Binary (FHIR binary.html): the content itself unless FHIR JSON is asked for. Content comes from strangers and is
 * given out as a download that no browser renders or guesses at.
 */
import type { Binary } from '@medplum/fhirtypes';
import type { Context } from 'koa';
import type { StoredRecord } from '../core/records/record-store.ts';
import { Problem } from '../core/problem.ts';
import { isFresh } from '../core/records/entity-tag.ts';
import { readBytes } from './body.ts';
import type { Answer } from './exchange.ts';
import { mediaRanges } from './negotiation.ts';
import { outcomeOf } from './outcome.ts';

const fhirTypes = new Set(['application/fhir+json', 'application/json', 'text/json', 'application/json+fhir']);
const mediaType =
  /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(\s*;\s*[a-z0-9-]+=("[^"\r\n\\]*"|[a-z0-9!#$&^_.+:-]+))*$/i;

/** Whether the caller asked for the resource rather than for what it holds. */
export function wantsResource(ctx: Context): boolean {
  const format = new URLSearchParams(ctx.querystring).get('_format');
  if (format !== null && format !== '') return true;
  const [first] = mediaRanges(ctx.get('Accept')).sort((a, b) => b.quality - a.quality);
  return first !== undefined && fhirTypes.has(first.type);
}

/** @throws Problem `not-acceptable` when Accept names types and not this one. */
export function content(
  ctx: Context,
  record: StoredRecord,
  conditions: { ifNoneMatch?: string; ifModifiedSince?: string },
): Answer {
  const binary = record.resource as Binary;
  const type = mediaType.test(binary.contentType ?? '') ? binary.contentType! : 'application/octet-stream';
  if (!accepts(ctx.get('Accept'), type))
    throw new Problem('not-acceptable', `This Binary is ${type.split(';')[0]}, or application/fhir+json`);
  if (isFresh(conditions, record)) return { status: 304, record };
  const bytes = Buffer.from(binary.data ?? '', 'base64');
  const headers = {
    'Content-Disposition': 'attachment',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Accept-Ranges': 'bytes',
  };
  // If-Range needs a strong validator, which versions are not: the whole is always right.
  const range =
    ctx.get('If-Range') === '' && ctx.method === 'GET' ? rangeIn(ctx.get('Range'), bytes.length) : undefined;
  if (range === 'unsatisfiable') {
    const resource = outcomeOf([
      { severity: 'error', code: 'value', diagnostics: 'The range lies outside the content' },
    ]);
    return { status: 416, resource, headers: { 'Content-Range': `bytes */${bytes.length}` } };
  }
  if (!range) return { status: 200, record, headers, bytes: { type, content: bytes } };
  const partHeaders = { ...headers, 'Content-Range': `bytes ${range.start}-${range.end}/${bytes.length}` };
  return {
    status: 206,
    record,
    headers: partHeaders,
    bytes: { type, content: bytes.subarray(range.start, range.end + 1) },
  };
}

/** A raw upload as the resource that is stored. @throws Problem `media-type` without a Content-Type. */
export async function readContent(ctx: Context, limit: number, id?: string): Promise<Record<string, unknown>> {
  const contentType = ctx.get('Content-Type');
  if (!mediaType.test(contentType)) throw new Problem('media-type', 'The content needs a Content-Type');
  const context = ctx.get('X-Security-Context');
  if (context !== '' && !/^[\x21-\x7e]{1,200}$/.test(context))
    throw new Problem('value', 'X-Security-Context must be a reference');
  const data = (await readBytes(ctx, limit)).toString('base64');
  return {
    resourceType: 'Binary',
    ...(id !== undefined && { id }),
    contentType,
    ...(context !== '' && { securityContext: { reference: context } }),
    ...(data !== '' && { data }),
  };
}

/** Whether the body is a Binary resource in JSON rather than raw content. */
export const isFhirJson = (ctx: Context): boolean =>
  ['application/fhir+json', 'application/json+fhir'].includes(mediaRanges(ctx.get('Content-Type'))[0]?.type ?? '');

function accepts(header: string, type: string): boolean {
  if (header === '') return true;
  const [bare = ''] = type.toLowerCase().split(';');
  const family = `${bare.split('/')[0]}/*`;
  return mediaRanges(header).some((range) => range.quality > 0 && ['*/*', family, bare].includes(range.type));
}

/** One range (RFC 9110 14.2); several, or another unit, are answered by the whole. */
function rangeIn(header: string, length: number): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? length - 1 : Math.min(Number(last), length - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  return start > end || start >= length ? 'unsatisfiable' : { start, end };
}
