/** What create, update, patch and delete have in common: their conditions, and one transaction (FHIR http.html). */
import { inOneTransaction } from '../core/records/write.ts';
import type { Context } from 'koa';
import { Problem } from '../core/problem.ts';
import { change, type Change, type Target } from '../core/records/change.ts';
import { ifMatchVersion } from '../core/records/entity-tag.ts';
import type { Answer, Exchange } from './exchange.ts';

export async function apply(exchange: Exchange, asked: Change): Promise<Answer> {
  const { status, record } = await inOneTransaction(exchange.world, exchange, (context) => change(context, asked));
  if (!record?.resource) return { status, ...(record && { record }) };
  return { status, record, resource: record.resource, located: status === 201 ? 'Location' : 'Content-Location' };
}

/** The version that If-Match names (FHIR http.html#concurrency). @throws Problem `value`. */
export function matchIn(ctx: Context): { ifMatch?: number } {
  const version = ifMatchVersion(ctx.get('If-Match'));
  return version === undefined ? {} : { ifMatch: version };
}

/** An id in the path, or criteria in the query. @throws Problem `value` with neither. */
export function targetOf(ctx: Context, id: string | undefined): Target {
  if (id !== undefined) return { id };
  const query = new URLSearchParams(ctx.querystring);
  for (const name of ['_format', '_pretty']) query.delete(name);
  if (query.size === 0) throw new Problem('value', 'Without an id in the address this needs search criteria');
  return { criteria: query.toString() };
}
