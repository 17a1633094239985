import { createHmac } from 'node:crypto';
import type { ParameterizedContext } from 'koa';
import { Problem } from '../../core/problem.ts';
import { isSameText } from '../../core/same-text.ts';
import { readForm } from '../../http/request/body-text.ts';

/** Bytes of a form at any of our addresses. */
export const longestForm = 64 * 1024;

type Request = Pick<ParameterizedContext, 'req' | 'get'>;

/** The fields of a form of ours. @throws Problem `media-type`, `too-long` past 64 KiB, `structure`. */
export async function readFields(ctx: Request): Promise<URLSearchParams> {
  return readForm(ctx, longestForm);
}

/** A word that only a page of ours can carry: an HMAC of what the form is about, under the cookie key. */
export function formProof(key: string, subject: string): string {
  return createHmac('sha256', key).update(`form ${subject}`).digest('base64url');
}

/**
 * Refuses a form that does not come from our own page: the interaction cookie is SameSite=Lax and bound to its
 * path, the form carries a proof, and browsers say where a request comes from.
 *
 * @throws Problem `forbidden`.
 */
export function checkFormOrigin(
  ctx: Request,
  form: URLSearchParams,
  expected: { origin: string; proof: string },
): void {
  const site = ctx.get('Sec-Fetch-Site');
  const origin = ctx.get('Origin');
  const isOurs = isSameText(form.get('proof') ?? '', expected.proof);
  if (!isOurs || (site !== '' && site !== 'same-origin') || (origin !== '' && origin !== expected.origin)) {
    throw new Problem('forbidden', 'The form does not come from this sign-in. Go back to the app and start again.');
  }
}
