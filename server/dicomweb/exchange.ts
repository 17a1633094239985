/** What every DICOMweb route does with a request and an answer. */
import type { RouterContext } from '@koa/router';
import type { Middleware } from 'koa';
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
import { writeOut } from '../http/answer/write-out.ts';

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

/** Who asks to be given something. That it was is written down while it is read; `whenRecorded` stands before every answer. */
export function reading(ctx: Exchange): Asking {
  const meanwhile = (written: Promise<void>) => {
    const all = Promise.all([ctx.state.recorded, written]).then(() => undefined);
    all.catch(() => undefined); // heard where it is awaited
    ctx.state.recorded = all;
  };
  return { ...asking(ctx), meanwhile };
}

/** Lets no answer out before the audit trail has what it gives. */
export function whenRecorded(): Middleware<State> {
  return async (ctx, next) => {
    try {
      await next();
    } finally {
      await ctx.state.recorded;
    }
  };
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
 * Sends text with back-pressure, compressed for who accepts that. The first chunk is made before the status is: what is refused then is
 * answered properly, what fails later ends the connection.
 */
export async function sendText(ctx: Exchange, type: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const begun = await begin(ctx, type, chunks);
  if (!begun) return;
  ctx.body = streamOf(begun.first, begun.iterator);
  ctx.set('Content-Type', type);
}

/** The same for pixels and files, chunk by chunk as they are: each is out when the next one is asked for, so they may be lent. */
export async function send(
  ctx: Exchange,
  type: string,
  chunks: AsyncIterable<Uint8Array>,
  length?: number,
): Promise<void> {
  const begun = await begin(ctx, type, chunks, length);
  if (!begun) return;
  try {
    await ctx.state.recorded;
  } catch (error) {
    await begun.iterator.return?.();
    throw error;
  }
  await writeOut(ctx, begun.first, begun.iterator);
}

async function begin(ctx: Exchange, type: string, chunks: AsyncIterable<Uint8Array>, length?: number) {
  ctx.status = ctx.status === 404 ? 200 : ctx.status;
  ctx.set('Content-Type', type);
  if (length !== undefined) ctx.set('Content-Length', String(length));
  if (ctx.method === 'HEAD') return undefined;
  const iterator = chunks[Symbol.asyncIterator]();
  return { first: await iterator.next().catch(asNotAvailable), iterator };
}

/** Pixels that cannot be decoded here are a representation that this server does not have (PS3.18 8.7.8). */
function asNotAvailable(error: unknown): never {
  if (error instanceof Problem && error.code === 'not-supported')
    throw new Problem('not-acceptable', error.message, { cause: error });
  throw error;
}
