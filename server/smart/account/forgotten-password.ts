import type Router from '@koa/router';
import { passwordLink, resetPassword } from '../../core/accounts/sign-in/change-password.ts';
import { askForNewPassword } from '../../core/accounts/sign-in/forgotten-password.ts';
import type { Problem } from '../../core/problem.ts';
import type { State } from '../../http/state.ts';
import { showPage } from '../pages/layout.ts';
import { deadLinkPage, donePage, forgottenPage, mailSentPage, newPasswordPage } from '../pages/person-pages.ts';
import { answering, ownForm, proofFor, takeItsTime, traceOfRequest, type AccountPagesParts, type Ctx } from './account-step.ts'; // prettier-ignore

/** A forgotten password: the address at /account/forgotten, the link from the mail at /account/reset-password. */
export function forgottenPasswordPages(router: Router<State>, parts: AccountPagesParts): void {
  router.get('/account/forgotten', (ctx) => showPage(ctx, forgottenPage(formOf(parts, ctx as Ctx))));
  router.post('/account/forgotten', (ctx) => ask(parts, ctx as Ctx));
  router.get('/account/reset-password/:word', async (ctx) => {
    const account = await passwordLink(parts.world, ctx.params['word']!);
    showPage(ctx, account ? resetPage(parts, ctx as Ctx, account.email) : deadLinkPage(again));
  });
  router.post('/account/reset-password/:word', (ctx) => reset(parts, ctx as Ctx));
}

const again = { href: '/account/forgotten', text: 'Ask for a new link' };

function formOf(parts: AccountPagesParts, ctx: Ctx) {
  return { action: ctx.path, proof: proofFor(parts, ctx.path) };
}

async function ask(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  let email = '';
  await answering(
    ctx,
    async () => {
      email = (await ownForm(parts, ctx)).get('email') ?? '';
      await takeItsTime(askForNewPassword(parts.world, parts.attempts, { email, ...traceOfRequest(ctx) }));
      showPage(ctx, mailSentPage('forgotten'));
    },
    ({ message, expression }) => forgottenPage({ ...formOf(parts, ctx), email, fault: { message, field: expression } }),
  );
}

function resetPage(parts: AccountPagesParts, ctx: Ctx, email: string, problem?: Problem) {
  return newPasswordPage({
    ...formOf(parts, ctx),
    title: 'Set a new password',
    intro: 'All sign-ins and connected apps end with it. A second factor stays as it is.',
    email,
    button: 'Set the password',
    ...(problem && { fault: { message: problem.message, field: problem.expression } }),
  });
}

async function reset(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  const word = ctx.params['word']!;
  const account = await passwordLink(parts.world, word);
  await answering(
    ctx,
    async () => {
      const password = (await ownForm(parts, ctx)).get('password') ?? '';
      if (!account) return showPage(ctx, deadLinkPage(again));
      await resetPassword(parts.world, parts.passwords, { word, password }, traceOfRequest(ctx));
      parts.forgetChecks();
      showPage(ctx, donePage('Your password is changed', 'Sign in with the new one. All earlier sign-ins have ended.'));
    },
    (problem) => resetPage(parts, ctx, account?.email ?? '', problem),
  );
}
