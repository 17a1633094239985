/** How this face answers what went wrong: to programs in OAuth's form, to people with a page. */
import type { Middleware, ParameterizedContext } from 'koa';
import { Problem, type ProblemCode } from '../core/problem.ts';
import { statusOf } from '../http/answer/problem-status.ts';
import { stepUpChallenge } from '../http/answer/step-up.ts';
import type { State } from '../http/state.ts';
import { wordsOf } from '../http/words/page-language.ts';
import { refusalWords } from '../http/words/refusal-words.ts';
import { errorPage, showPage, type Page, type Showing } from './pages/layout.ts';

/** RFC 6749 5.2 and 4.1.2.1, RFC 6750 3.1; revocation and introspection have no others for us (RFC 7009 2.2.1, RFC 7662 2.3). */
type OAuthError =
  | 'insufficient_user_authentication' // RFC 9470 3
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'temporarily_unavailable'
  | 'server_error';

/** Every problem has its row: a new code does not compile until it has one. */
const errorOf: Record<ProblemCode, OAuthError> = {
  structure: 'invalid_request',
  required: 'invalid_request',
  value: 'invalid_request',
  invariant: 'invalid_request',
  'code-invalid': 'invalid_request',
  login: 'invalid_token',
  expired: 'invalid_token',
  reauthenticate: 'insufficient_user_authentication',
  forbidden: 'insufficient_scope',
  'not-found': 'invalid_request',
  deleted: 'invalid_request',
  duplicate: 'invalid_request',
  'multiple-matches': 'invalid_request',
  conflict: 'invalid_request',
  'lock-error': 'invalid_request',
  'business-rule': 'invalid_request',
  'not-supported': 'invalid_request',
  'too-long': 'invalid_request',
  'too-costly': 'invalid_request',
  throttled: 'temporarily_unavailable',
  transient: 'temporarily_unavailable',
  timeout: 'temporarily_unavailable',
  'no-store': 'temporarily_unavailable',
  exception: 'server_error',
  'not-acceptable': 'invalid_request',
  'media-type': 'invalid_request',
};

type Answering = Pick<ParameterizedContext<State>, 'set' | 'status' | 'body' | 'type' | 'state'>;

/** In the form of RFC 6749 5.2, with the status that is true. */
export function answerOAuth(ctx: Answering, problem: Problem): void {
  ctx.status = statusOf[problem.code];
  ctx.set('Cache-Control', 'no-store');
  retryLater(ctx, problem);
  if (problem.code === 'reauthenticate') ctx.set('WWW-Authenticate', stepUpChallenge(problem));
  ctx.body = { error: errorOf[problem.code], error_description: problem.message };
}

/** Problems of the JSON routes; anything else is our own fault, and goes on to the log. */
export const oauthProblems: Middleware<State> = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    answerOAuth(ctx, error);
  }
};

/**
 * As a page for a person.
 * @param page that which went wrong, with the reason in it; without one the page that says nothing else
 */
export function showProblem(
  ctx: Showing,
  problem: Problem,
  page: Page = errorPage(wordsOf(ctx), refusalWords(wordsOf(ctx), problem.message)),
): void {
  if (problem.code === 'exception') {
    // Our own fault: for the log, not for people.
    ctx.state.fault = problem;
    return showPage(ctx, { ...errorPage(wordsOf(ctx), wordsOf(ctx)('wrong.server')), status: 500 });
  }
  retryLater(ctx, problem);
  showPage(ctx, { status: statusOf[problem.code], ...page });
}

function retryLater(ctx: Pick<Answering, 'set'>, { retryAfter }: Problem): void {
  if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
}
