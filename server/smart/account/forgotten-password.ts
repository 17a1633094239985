import type Router from '@koa/router';
import { passwordLink, resetPassword } from '../../core/accounts/sign-in/change-password.ts';
import { askForNewPassword } from '../../core/accounts/sign-in/forgotten-password.ts';
import type { Problem } from '../../core/problem.ts';
import type { State } from '../../http/state.ts';
import { speak, wordsOf } from '../../http/words/page-language.ts';
import type { Words } from '../../http/words/words.ts';
import { showPage } from '../pages/layout.ts';
import { deadLinkPage, donePage, forgottenPage, mailSentPage, newPasswordPage } from '../pages/person-pages.ts';
import { answering, faultIn, ownForm, proofFor, takeItsTime, traceOfRequest, type AccountPagesParts, type Ctx } from './account-step.ts'; // prettier-ignore

/** A forgotten password: the address at /account/forgotten, the link from the mail at /account/reset-password. */
export function forgottenPasswordPages(router: Router<State>, parts: AccountPagesParts): void {
  router.get('/account/forgotten', (ctx) => showPage(ctx, forgottenPage(formOf(parts, ctx as Ctx))));
  router.post('/account/forgotten', (ctx) => ask(parts, ctx as Ctx));
  router.get('/account/reset-password/:word', async (ctx) => {
    const account = await passwordLink(parts.world, ctx.params['word']!);
    const t = speak(ctx, { account: account?.language, site: parts.world.settings.languages });
    showPage(ctx, account ? resetPage(parts, ctx as Ctx, account.email) : deadLinkPage(t, again(t)));
  });
  router.post('/account/reset-password/:word', (ctx) => reset(parts, ctx as Ctx));
}

const again = (t: Words) => ({ href: '/account/forgotten', text: t('forgotten.again') });

function formOf(parts: AccountPagesParts, ctx: Ctx) {
  return { words: wordsOf(ctx), action: ctx.path, proof: proofFor(parts, ctx.path) };
}

async function ask(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  let email = '';
  await answering(
    ctx,
    async () => {
      email = (await ownForm(parts, ctx)).get('email') ?? '';
      await takeItsTime(askForNewPassword(parts.world, parts.attempts, { email, ...traceOfRequest(ctx) }));
      showPage(ctx, mailSentPage(wordsOf(ctx), 'forgotten'));
    },
    (problem) => forgottenPage({ ...formOf(parts, ctx), email, fault: faultIn(ctx, problem) }),
  );
}

function resetPage(parts: AccountPagesParts, ctx: Ctx, email: string, problem?: Problem) {
  const t = wordsOf(ctx);
  return newPasswordPage({
    ...formOf(parts, ctx),
    title: t('reset.title'),
    intro: t('reset.lead'),
    email,
    button: t('reset.submit'),
    ...(problem && { fault: faultIn(ctx, problem) }),
  });
}

async function reset(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  const word = ctx.params['word']!;
  const account = await passwordLink(parts.world, word);
  const t = speak(ctx, { account: account?.language, site: parts.world.settings.languages });
  await answering(
    ctx,
    async () => {
      const password = (await ownForm(parts, ctx)).get('password') ?? '';
      if (!account) return showPage(ctx, deadLinkPage(t, again(t)));
      await resetPassword(parts.world, parts.passwords, { word, password }, traceOfRequest(ctx));
      parts.forgetChecks();
      showPage(ctx, donePage(t, t('reset.done'), t('reset.doneHint')));
    },
    (problem) => resetPage(parts, ctx, account?.email ?? '', problem),
  );
}
