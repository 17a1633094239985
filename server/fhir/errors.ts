/** The one place where the face answers failures: always an OperationOutcome, whatever failed. */
import type { Context, Middleware } from 'koa';
import { Problem } from '../core/problem.ts';
import type { OperationOutcome } from '@medplum/fhirtypes';
import { askedLanguage } from '../http/words/page-language.ts';
import { refusalIn } from '../http/words/refusal-words.ts';
import { stepUpChallenge } from '../http/answer/step-up.ts';
import { representationOf } from './negotiation.ts';
import { refusal } from './outcome.ts';
import { patchTypes } from './patch.ts';

/** What is our own fault is left for the log; it is never told to the caller. */
export function errors(): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const { status, outcome, retryAfter } = refusal(error);
      if (status >= 500) ctx['state']['fault'] = error;
      ctx.status = status;
      ctx.set('Cache-Control', 'no-store');
      if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
      if (status === 401 && !ctx.response.get('WWW-Authenticate')) ctx.set('WWW-Authenticate', challenge(ctx, error));
      if (status === 403 && ctx['state']['principal'])
        ctx.set('WWW-Authenticate', 'Bearer realm="fhir", error="insufficient_scope"');
      if (status === 415) ctx.set('Accept-Patch', patchTypes);
      ctx.set('Content-Type', typeOf(ctx));
      ctx.body = JSON.stringify(inLanguage(ctx, outcome));
    }
  };
}

/**
 * In the language that the caller asks for, where all of it can be said so; Content-Language tells (FHIR http.html, Accept-Language as
 * of RFC 9110 12.5.4). A sentence without translation stays English and whole.
 */
function inLanguage(ctx: Context, outcome: OperationOutcome): OperationOutcome {
  const language = askedLanguage(ctx) ?? 'en';
  const said = outcome.issue.map(({ diagnostics }) => refusalIn(language, diagnostics ?? ''));
  const isWhole = said.every((sentence) => sentence !== undefined);
  ctx.set('Content-Language', isWhole ? language : 'en');
  ctx.vary('Accept-Language');
  if (!isWhole) return outcome;
  return { ...outcome, issue: outcome.issue.map((issue, at) => ({ ...issue, diagnostics: said[at]! })) };
}

/** RFC 6750 section 3: no error code when the request carried no token at all. */
function challenge(ctx: Context, error: unknown): string {
  if (error instanceof Problem && error.code === 'reauthenticate') return stepUpChallenge(error);
  if (ctx.get('Authorization') === '') return 'Bearer realm="fhir"';
  const words =
    error instanceof Problem && error.code === 'expired' ? 'The access token expired' : 'The access token is not valid';
  return `Bearer realm="fhir", error="invalid_token", error_description="${words}"`;
}

/** The caller's own representation if there is one; an error is told in JSON even to who cannot accept it. */
function typeOf(ctx: Context): string {
  try {
    return representationOf(ctx).type;
  } catch {
    return 'application/fhir+json; charset=utf-8';
  }
}
