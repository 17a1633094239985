import type { ParameterizedContext } from 'koa';
import type { AttemptStore } from '../../core/accounts/authorizations.ts';
import type { PasswordHasher } from '../../core/accounts/sign-in/password.ts';
import { Problem } from '../../core/problem.ts';
import type { World } from '../../core/world.ts';
import type { State } from '../../http/state.ts';
import { showProblem } from '../answer-problem.ts';
import { checkFormOrigin, formProof, readFields } from '../interactions/form.ts';
import { wordsOf } from '../../http/words/page-language.ts';
import { refusalWords } from '../../http/words/refusal-words.ts';
import type { Page } from '../pages/layout.ts';

export type Ctx = ParameterizedContext<State> & { params: Record<string, string> };

export interface AccountPagesParts {
  world: World;
  attempts: AttemptStore;
  passwords: PasswordHasher;
  cookieKey: string;
  /** Throws cached checks of tokens away in this process. */
  forgetChecks(): void;
}

/** What is wrong with a form, in the language of its page, and at which field. */
export function faultIn(ctx: Ctx, { message, expression }: Problem): { message: string; field: string | undefined } {
  return { message: refusalWords(wordsOf(ctx), message), field: expression };
}

/** The proof that a form at this address is ours; of a link's page it hangs on the link. */
export function proofFor({ cookieKey }: Pick<AccountPagesParts, 'cookieKey'>, path: string): string {
  return formProof(cookieKey, `account ${path}`);
}

/** Reads a form that was posted from our own page at this address. @throws Problem as `readFields`, `checkFormOrigin`. */
export async function ownForm(parts: AccountPagesParts, ctx: Ctx): Promise<URLSearchParams> {
  const form = await readFields(ctx);
  checkFormOrigin(ctx, form, { origin: parts.world.settings.publicUrl, proof: proofFor(parts, ctx.path) });
  return form;
}

/** Answers what goes wrong with a page: the form again where its fields are at fault. */
export async function answering(
  ctx: Ctx,
  work: () => Promise<void>,
  again?: (problem: Problem) => Page,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const isOfForm = error.expression !== undefined || error.code === 'throttled';
    showProblem(ctx, error, isOfForm ? again?.(error) : undefined);
  }
}

/** What a public form takes before it answers, whatever it found: longer than any of its ways. */
const shortest = 400;

/**
 * Answers after a time that says nothing: whether an address has an account shows neither in the page nor in how long it
 * takes. Faults are told at once; they do not depend on it.
 */
export async function takeItsTime(work: Promise<void>): Promise<void> {
  const time = new Promise((done) => setTimeout(done, shortest + Math.random() * 50));
  await work;
  await time;
}

export function traceOfRequest({ state }: Ctx): { requestId: string; sourceAddress: string } {
  return { requestId: state.requestId, sourceAddress: state.clientAddress };
}
