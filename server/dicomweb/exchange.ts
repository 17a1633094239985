/** What every DICOMweb route does with a request and an answer. */
import type { RouterContext } from '@koa/router';
import { createHash } from 'node:crypto';
import type { Asking } from '../core/studies/locate.ts';
import type { InstanceAddress, StudyPart } from '../core/studies/study-store.ts';
import type { PixelErrand } from '../core/studies/pixel-decoder.ts';
import { clientGone } from '../http/request/client-gone.ts';
import { callerOf } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import { negotiate, type Choice, type Offer } from '../http/answer/negotiate.ts';
import type { State } from '../http/state.ts';
import { streamOf } from '../http/answer/stream-of.ts';

export type Exchange = RouterContext<State>;

/** @throws Problem `not-acceptable` when nothing on offer is accepted. */
export function accepted<Name extends string>(ctx: Exchange, offers: readonly Offer<Name>[]): Choice<Name>[] {
  ctx.vary('Accept');
  const choices = negotiate(ctx.get('Accept'), single(ctx.query['accept']), offers);
  if (choices.length === 0)
    throw new Problem('not-acceptable', `This is available as ${offers.map(described).join(', ')}`);
  return choices;
}

/** An offer as Accept names it. */
export function described({ media, part }: Offer): string {
  return part === undefined ? media : `${media}; type="${part}"`;
}

export function asking(ctx: Exchange): Asking {
  const { principal, requestId, clientAddress } = ctx.state;
  return { principal, requestId, sourceAddress: clientAddress };
}

/** Pixels are worked on for this caller, as long as it is there. */
export function errandOf(ctx: Exchange): PixelErrand {
  return { caller: callerOf(ctx.state.principal), signal: clientGone(ctx.res) };
}

/** The UIDs of the path. */
export function partOf(ctx: Exchange): StudyPart {
  const { study, series, instance } = ctx.params;
  return {
    StudyInstanceUID: study ?? '',
    ...(series !== undefined && { SeriesInstanceUID: series }),
    ...(instance !== undefined && { SOPInstanceUID: instance }),
  };
}

/** A query parameter that may come once. @throws Problem `value` when it comes twice. */
export function single(value: string | string[] | undefined): string | undefined {
  if (Array.isArray(value)) throw new Problem('value', 'A parameter is given twice');
  return value;
}

/**
 * Stands for the very bytes of these instances: a study that was removed and came back with others has another tag, and so has one
 * whose patient was corrected.
 */
export function contentTag(instances: readonly Pick<InstanceAddress, 'blob' | 'coerced'>[]): string {
  const [first] = instances;
  if (instances.length === 1 && first) return first.blob + (first.coerced ? `-${first.coerced.version}` : '');
  const hash = createHash('sha256');
  for (const { blob, coerced } of instances) hash.update(coerced ? blob + coerced.version : blob);
  return hash.digest('hex');
}

/**
 * Sends a stream with back-pressure. The first chunk is made before the status is: what is refused then is
 * answered properly, what fails later ends the connection.
 */
export async function send(
  ctx: Exchange,
  type: string,
  chunks: AsyncIterable<Uint8Array>,
  length?: number,
): Promise<void> {
  ctx.status = ctx.status === 404 ? 200 : ctx.status;
  ctx.set('Content-Type', type);
  if (length !== undefined) ctx.set('Content-Length', String(length));
  if (ctx.method === 'HEAD') return;
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next().catch(asNotAvailable);
  ctx.body = streamOf(first, iterator);
  ctx.set('Content-Type', type);
  if (length !== undefined) ctx.set('Content-Length', String(length));
}

/** Pixels that cannot be decoded here are a representation that this server does not have (PS3.18 8.7.8). */
function asNotAvailable(error: unknown): never {
  if (error instanceof Problem && error.code === 'not-supported')
    throw new Problem('not-acceptable', error.message, { cause: error });
  throw error;
}
