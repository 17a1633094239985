/** delete (FHIR http.html#delete): DELETE [base]/[type]/[id], or [base]/[type]?[criteria]; guarded by If-Match. */
import type { ResourceType } from '@medplum/fhirtypes';
import type { Context } from 'koa';
import { apply, matchIn, targetOf } from './change.ts';
import type { Answer, Exchange } from './exchange.ts';

/** @param id undefined for the conditional delete, whose criteria are the query */
export async function remove(
  exchange: Exchange,
  ctx: Context,
  type: ResourceType,
  id: string | undefined,
): Promise<Answer> {
  return apply(exchange, { kind: 'delete', type, target: targetOf(ctx, id), ...matchIn(ctx) });
}
