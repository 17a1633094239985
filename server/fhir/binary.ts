/**
 * Binary (FHIR binary.html): the content itself unless FHIR JSON is asked for. Content comes from strangers and is
 * given out as a download that no browser renders or guesses at.
 */
import type { Binary } from '@medplum/fhirtypes';
import type { Context } from 'koa';
import type { StoredRecord } from '../core/records/record-store.ts';
import { Problem } from '../core/problem.ts';
import { portionOf } from '../http/answer/byte-range.ts';
import { conditionsOf, isCurrent } from '../http/answer/conditional.ts';
import { mediaType } from '../http/answer/media-type.ts';
import { readBody } from '../http/request/body.ts';
import { apply } from './change.ts';
import { create } from './create.ts';
import { queryOf, type Answer, type Exchange } from './exchange.ts';
import { representationOfBinary } from './negotiation.ts';
import { outcomeOf } from './outcome.ts';
import { recordOf, shown, shownVersion, validatorsOf, versionOf } from './read.ts';
import { update } from './update.ts';

/** What may be repeated in a header as it is. */
const harmless =
  /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(\s*;\s*[a-z0-9-]+=("[^"\r\n\\]*"|[a-z0-9!#$&^_.+:-]+))*$/i;

/** GET [base]/Binary/[id] */
export async function readBinary(exchange: Exchange, ctx: Context, id: string): Promise<Answer> {
  const record = await recordOf(exchange, 'Binary', id);
  return answered(ctx, record, () => shown(record, queryOf(ctx), conditionsOf(ctx)));
}

/** GET [base]/Binary/[id]/_history/[vid] */
export async function vreadBinary(exchange: Exchange, ctx: Context, id: string, version: string): Promise<Answer> {
  const record = await versionOf(exchange, 'Binary', id, version);
  return answered(ctx, record, () => shownVersion(record, conditionsOf(ctx)));
}

/** POST [base]/Binary */
export async function createBinary(exchange: Exchange, ctx: Context): Promise<Answer> {
  if (isFhirJson(ctx)) return create(exchange, ctx, 'Binary');
  return apply(exchange, { kind: 'create', type: 'Binary', resource: await readContent(ctx, exchange.bodyLimit) });
}

/** PUT [base]/Binary/[id] */
export async function updateBinary(exchange: Exchange, ctx: Context, id: string): Promise<Answer> {
  if (isFhirJson(ctx)) return update(exchange, ctx, 'Binary', id);
  const resource = await readContent(ctx, exchange.bodyLimit, id);
  return apply(exchange, { kind: 'update', type: 'Binary', target: { id }, resource });
}

/** @throws Problem `not-acceptable` when Accept names types and neither this one nor FHIR's. */
function answered(ctx: Context, record: StoredRecord, asResource: () => Answer): Answer {
  const binary = record.resource as Binary;
  const type = harmless.test(binary.contentType ?? '') ? binary.contentType! : 'application/octet-stream';
  const representation = representationOfBinary(ctx, mediaType(type)?.media ?? type);
  if (representation) return Object.assign(asResource(), { representation });
  return isCurrent(conditionsOf(ctx), validatorsOf(record)) ? { status: 304, record } : content(ctx, record, type);
}

function content(ctx: Context, record: StoredRecord, type: string): Answer {
  const bytes = Buffer.from((record.resource as Binary).data ?? '', 'base64');
  const portion = portionOf(ctx, bytes.length, validatorsOf(record).etag);
  const { status, range } = portion;
  if (status === 416) {
    const diagnostics = 'The range lies outside the content';
    return { ...portion, resource: outcomeOf([{ severity: 'error', code: 'value', diagnostics }]) };
  }
  const headers = {
    ...portion.headers,
    'Content-Disposition': 'attachment',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
  };
  return {
    status,
    record,
    headers,
    bytes: { type, content: bytes.subarray(range.offset, range.offset + range.length) },
  };
}

/** A raw upload as the resource that is stored. @throws Problem `media-type` without a Content-Type. */
async function readContent(ctx: Context, limit: number, id?: string): Promise<Record<string, unknown>> {
  const contentType = ctx.get('Content-Type');
  if (!harmless.test(contentType)) throw new Problem('media-type', 'The content needs a Content-Type');
  const context = ctx.get('X-Security-Context');
  if (context !== '' && !/^[\x21-\x7e]{1,200}$/.test(context))
    throw new Problem('value', 'X-Security-Context must be a reference');
  const data = (await readBody(ctx.req, limit)).toString('base64');
  return {
    resourceType: 'Binary',
    ...(id !== undefined && { id }),
    contentType,
    ...(context !== '' && { securityContext: { reference: context } }),
    ...(data !== '' && { data }),
  };
}

/** Whether the body is a Binary resource in JSON rather than raw content. */
const isFhirJson = (ctx: Context): boolean =>
  /^application\/(fhir\+json|json\+fhir)$/.test(mediaType(ctx.get('Content-Type'))?.media ?? '');
