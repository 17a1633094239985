/** update (FHIR http.html#update): PUT [base]/[type]/[id], or [base]/[type]?[criteria]; guarded by If-Match and If-None-Match: *. */
import type { ResourceType } from '@medplum/fhirtypes';
import type { Context } from 'koa';
import { readResource } from './body.ts';
import { apply, matchIn, targetOf } from './change.ts';
import type { Answer, Exchange } from './exchange.ts';

/** @param id undefined for the conditional update, whose criteria are the query */
export async function update(
  exchange: Exchange,
  ctx: Context,
  type: ResourceType,
  id: string | undefined,
): Promise<Answer> {
  const [target, match] = [targetOf(ctx, id), matchIn(ctx)];
  const isNew = ctx.get('If-None-Match').trim() === '*' ? { mustBeNew: true } : {};
  const resource = await readResource(ctx, exchange.bodyLimit);
  return apply(exchange, { kind: 'update', type, target, resource, ...match, ...isNew });
}
