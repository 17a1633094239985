import type Router from '@koa/router';
import { addressLink, confirmAddress } from '../../core/accounts/people/change-address.ts';
import { askToRegister, finishRegistration, registrationLink } from '../../core/accounts/people/register.ts';
import { Problem } from '../../core/problem.ts';
import type { State } from '../../http/state.ts';
import { showProblem } from '../answer-problem.ts';
import { showPage } from '../pages/layout.ts';
import { confirmAddressPage, deadLinkPage, donePage, mailSentPage, newPasswordPage, registerPage } from '../pages/person-pages.ts'; // prettier-ignore
import { answering, ownForm, proofFor, takeItsTime, traceOfRequest, type AccountPagesParts, type Ctx } from './account-step.ts'; // prettier-ignore

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
  return { action: ctx.path, proof: proofFor(parts, ctx.path), siteName };
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
      showPage(ctx, mailSentPage('register'));
    },
    ({ message, expression }) =>
      registerPage({ ...formOf(parts, ctx), ...wanted(), fault: { message, field: expression } }),
  );
}

const again = { href: '/account/register', text: 'Register again' };

async function showVerify(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  const word = ctx.params['word']!;
  const registered = await registrationLink(parts.world, word);
  if (registered) return showPage(ctx, firstPasswordPage(parts, ctx, registered.email));
  const email = await addressLink(parts.world, word);
  if (email !== undefined) return showPage(ctx, confirmAddressPage({ ...formOf(parts, ctx), email }));
  showPage(ctx, deadLinkPage(parts.world.settings.registration === 'open' ? again : undefined));
}

function firstPasswordPage(parts: AccountPagesParts, ctx: Ctx, email: string, problem?: Problem) {
  return newPasswordPage({
    ...formOf(parts, ctx),
    title: 'Choose your password',
    intro: 'Your address is confirmed. With a password the account is ready.',
    email,
    button: 'Make my account',
    ...(problem && { fault: { message: problem.message, field: problem.expression } }),
  });
}

async function verify(parts: AccountPagesParts, ctx: Ctx): Promise<void> {
  const word = ctx.params['word']!;
  const registered = await registrationLink(parts.world, word);
  await answering(
    ctx,
    async () => {
      const form = await ownForm(parts, ctx);
      if (registered) {
        const password = form.get('password') ?? '';
        await finishRegistration(parts.world, parts.passwords, { word, password }, traceOfRequest(ctx));
        showPage(ctx, donePage('Your account is ready', 'Sign in with your address and your new password.'));
        return;
      }
      if ((await addressLink(parts.world, word)) === undefined) return showPage(ctx, deadLinkPage(again));
      await confirmAddress(parts.world, word, traceOfRequest(ctx));
      showPage(ctx, donePage('Your address is confirmed', 'You sign in with the new address from now on.'));
    },
    (problem) => firstPasswordPage(parts, ctx, registered?.email ?? '', problem),
  );
}
