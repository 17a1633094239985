/** create (FHIR http.html#create): POST [base]/[type], conditional by If-None-Exist. */
import type { ResourceType } from '@medplum/fhirtypes';
import type { Context } from 'koa';
import { readResource } from './body.ts';
import { apply } from './change.ts';
import type { Answer, Exchange } from './exchange.ts';

export async function create(exchange: Exchange, ctx: Context, type: ResourceType): Promise<Answer> {
  const ifNoneExist = ctx.get('If-None-Exist');
  const criteria = ifNoneExist.slice(ifNoneExist.indexOf('?') + 1);
  const resource = await readResource(ctx, exchange.bodyLimit);
  return apply(exchange, { kind: 'create', type, resource, ...(ifNoneExist !== '' && { ifNoneExist: criteria }) });
}
