/** create, update, patch, delete and their conditional forms over HTTP (FHIR http.html). */
import type { Parameters as FhirParameters, ResourceType } from '@medplum/fhirtypes';
import type { Context } from 'koa';
import { Problem } from '../core/problem.ts';
import { change, inOneTransaction, type Change, type Changed, type Target } from '../core/records/change.ts';
import { ifMatchVersion } from '../core/records/entity-tag.ts';
import { parseLongJson } from '../core/r4/parse-json.ts';
import type { Patch } from '../core/patch/patch.ts';
import { decodeText, readBytes, readResource } from './body.ts';
import { type Answer, type Exchange } from './exchange.ts';
import { mediaRanges, requireParameters } from './negotiation.ts';

export async function create(exchange: Exchange, ctx: Context, type: ResourceType, limit: number): Promise<Answer> {
  const ifNoneExist = ctx.get('If-None-Exist');
  const resource = await readResource(ctx, limit);
  const criteria = ifNoneExist.slice(ifNoneExist.indexOf('?') + 1);
  return apply(exchange, { kind: 'create', type, resource, ...(ifNoneExist !== '' && { ifNoneExist: criteria }) });
}

export async function update(
  exchange: Exchange,
  ctx: Context,
  type: ResourceType,
  id: string | undefined,
  limit: number,
): Promise<Answer> {
  const target = targetOf(ctx, id);
  const match = matchIn(ctx);
  const isNew = ctx.get('If-None-Match').trim() === '*' ? { mustBeNew: true } : {};
  return apply(exchange, {
    kind: 'update',
    type,
    target,
    resource: await readResource(ctx, limit),
    ...match,
    ...isNew,
  });
}

export async function patch(
  exchange: Exchange,
  ctx: Context,
  type: ResourceType,
  id: string | undefined,
  limit: number,
): Promise<Answer> {
  const target = targetOf(ctx, id);
  const match = matchIn(ctx);
  return apply(exchange, { kind: 'patch', type, target, patch: await readPatch(ctx, limit), ...match });
}

export async function remove(
  exchange: Exchange,
  ctx: Context,
  type: ResourceType,
  id: string | undefined,
): Promise<Answer> {
  return apply(exchange, { kind: 'delete', type, target: targetOf(ctx, id), ...matchIn(ctx) });
}

export async function apply(exchange: Exchange, asked: Change): Promise<Answer> {
  return answerOf(await inOneTransaction(exchange.world, exchange, (context) => change(context, asked)));
}

function answerOf({ status, record }: Changed): Answer {
  if (!record?.resource) return { status, ...(record && { record }) };
  return { status, record, resource: record.resource, located: status === 201 ? 'Location' : 'Content-Location' };
}

function matchIn(ctx: Context): { ifMatch?: number } {
  const version = ifMatchVersion(ctx.get('If-Match'));
  return version === undefined ? {} : { ifMatch: version };
}

/** An id in the path, or criteria in the query. @throws Problem `value` with neither. */
function targetOf(ctx: Context, id: string | undefined): Target {
  if (id !== undefined) return { id };
  const query = new URLSearchParams(ctx.querystring);
  for (const name of ['_format', '_pretty']) query.delete(name);
  if (query.size === 0) throw new Problem('value', 'Without an id in the address this needs search criteria');
  return { criteria: query.toString() };
}

/** @throws Problem `media-type` for what is neither JSON Patch nor FHIRPath Patch. */
async function readPatch(ctx: Context, limit: number): Promise<Patch> {
  const [range] = mediaRanges(ctx.get('Content-Type'));
  if (range?.type === 'application/json-patch+json') {
    requireParameters(range);
    return { kind: 'json', operations: await parseLongJson(decodeText(await readBytes(ctx, limit))) };
  }
  if (range?.type !== 'application/fhir+json') {
    throw new Problem('media-type', 'A patch is application/json-patch+json, or application/fhir+json with Parameters');
  }
  const resource = await readResource(ctx, limit);
  if (resource['resourceType'] !== 'Parameters')
    throw new Problem('structure', 'A FHIRPath Patch is a Parameters resource');
  return { kind: 'fhirpath', parameters: resource as unknown as FhirParameters };
}
