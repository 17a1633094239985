/** Bodies that are text, forms and JSON: read whole, within a limit, and only if they say that they are that. */
import type { Context, ParameterizedContext } from 'koa';
import { Problem } from '../../core/problem.ts';
import { parseLongJson } from '../../core/r4/parse-json.ts';
import { mediaType, type MediaType } from '../answer/media-type.ts';
import { readBody } from './body.ts';

type Request = Pick<Context | ParameterizedContext, 'req' | 'get'>;

export const formType = 'application/x-www-form-urlencoded';

/**
 * @param limit bytes, counted without the content coding
 * @throws Problem `structure` unless the body is UTF-8, and as `readBody`.
 */
export async function readText({ req }: Pick<Request, 'req'>, limit: number): Promise<string> {
  const bytes = await readBody(req, limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('structure', 'The body is not UTF-8');
  }
}

/**
 * The value in a JSON body.
 * @throws Problem `media-type` with this message for another type, and as `readText` and `parseLongJson`.
 */
export async function readJson(ctx: Request, limit: number, message: string): Promise<unknown> {
  requireType(ctx, ['application/json'], message);
  return parseLongJson(await readText(ctx, limit));
}

/**
 * The fields of a posted form.
 * @throws Problem `media-type` for another type, and as `readText`.
 */
export async function readForm(ctx: Request, limit: number): Promise<URLSearchParams> {
  requireType(ctx, [formType], `A form must be sent as ${formType}.`);
  return new URLSearchParams(await readText(ctx, limit));
}

/** The type of a body that must be one of these. @throws Problem `media-type`. */
export function requireType(ctx: Pick<Request, 'get'>, types: readonly string[], message: string): MediaType {
  const type = mediaType(ctx.get('Content-Type'));
  if (!type || !types.includes(type.media)) throw new Problem('media-type', message);
  return type;
}
