import type Router from '@koa/router';
import { addressLink, confirmAddress } from '../../core/accounts/people/change-address.ts';
import { askToRegister, finishRegistration, registrationLink } from '../../core/accounts/people/register.ts';
import { Problem } from '../../core/problem.ts';
import type { State } from '../../http/state.ts';
import { showProblem } from '../answer-problem.ts';
import { wordsOf } from '../../http/words/page-language.ts';
import type { Words } from '../../http/words/words.ts';
import { showPage } from '../pages/layout.ts';
import { confirmAddressPage, deadLinkPage, donePage, mailSentPage, newPasswordPage, registerPage } from '../pages/person-pages.ts'; // prettier-ignore
import { answering, faultIn, ownForm, proofFor, takeItsTime, traceOfRequest, type AccountPagesParts, type Ctx } from './account-step.ts'; // prettier-ignore

/** Registration of patients at /account/register, and links that confirm an address at /account/verify. */
export function registrationPages(router: Router<State>, parts: AccountPagesParts): void {
  router.get('/account/register', async (ctx) => {
    if (parts.world.settings.registration !== 'open') return showProblem(ctx, closed());
    showPage(ctx, registerPage(formOf(parts, ctx as Ctx)));
  });
  router.post('/account/register', (ctx) => register(parts, ctx as Ctx));
  router.get('/account/verify/:word', (ctx) => showVerify(parts, ctx as Ctx));
  router.post('/account/verify/:word', (ctx) => verify(parts, ctx as Ctx));
}

function closed(): Problem {
  return new Problem('not-found', 'Nobody can register here by themselves. Ask the clinic for an invitation.');
}

function formOf(parts: AccountPagesParts, ctx: Ctx) {
  const { organizationName: siteName } = parts.world.settings;
  return { words: wordsOf(ctx), action: ctx.path, proof: proofFor(parts, ctx.path), siteName };
}

async function register(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  let typed = new URLSearchParams();
  const wanted = () => ({
    email: typed.get('email') ?? '',
    name: { given: typed.get('given') ?? '', family: typed.get('family') ?? '' },
    birthDate: typed.get('birthDate') ?? '',
  });
  await answering(
    ctx,
    async () => {
      typed = await ownForm(parts, ctx);
      const { requestId, sourceAddress } = traceOfRequest(ctx);
      await takeItsTime(askToRegister(parts.world, parts.attempts, { ...wanted(), sourceAddress }, { requestId }));
      showPage(ctx, mailSentPage(wordsOf(ctx), 'register'));
    },
    (problem) => registerPage({ ...formOf(parts, ctx), ...wanted(), fault: faultIn(ctx, problem) }),
  );
}

const again = (t: Words) => ({ href: '/account/register', text: t('register.again') });

async function showVerify(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  const word = ctx.params['word']!;
  const registered = await registrationLink(parts.world, word);
  if (registered) return showPage(ctx, firstPasswordPage(parts, ctx, registered.email));
  const email = await addressLink(parts.world, word);
  if (email !== undefined) return showPage(ctx, confirmAddressPage({ ...formOf(parts, ctx), email }));
  const t = wordsOf(ctx);
  showPage(ctx, deadLinkPage(t, parts.world.settings.registration === 'open' ? again(t) : undefined));
}

function firstPasswordPage(parts: AccountPagesParts, ctx: Ctx, email: string, problem?: Problem) {
  const t = wordsOf(ctx);
  return newPasswordPage({
    ...formOf(parts, ctx),
    title: t('register.choose'),
    intro: t('register.chooseHint'),
    email,
    button: t('register.make'),
    ...(problem && { fault: faultIn(ctx, problem) }),
  });
}

async function verify(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  const word = ctx.params['word']!;
  const registered = await registrationLink(parts.world, word);
  const t = wordsOf(ctx);
  await answering(
    ctx,
    async () => {
      const form = await ownForm(parts, ctx);
      if (registered) {
        const password = form.get('password') ?? '';
        await finishRegistration(parts.world, parts.passwords, { word, password }, traceOfRequest(ctx));
        showPage(ctx, donePage(t, t('register.done'), t('register.doneHint')));
        return;
      }
      if ((await addressLink(parts.world, word)) === undefined) return showPage(ctx, deadLinkPage(t, again(t)));
      await confirmAddress(parts.world, word, traceOfRequest(ctx));
      showPage(ctx, donePage(t, t('confirm.done'), t('confirm.doneHint')));
    },
    (problem) => firstPasswordPage(parts, ctx, registered?.email ?? '', problem),
  );
}
