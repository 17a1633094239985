import type Router from '@koa/router';
import { errors } from 'oidc-provider';
import { Problem } from '../../core/problem.ts';
import type { State } from '../../http/state.ts';
import { showProblem } from '../answer-problem.ts';
import { handleConsent, showConsent } from './consent-step.ts';
import { hasLed, markWay } from './finished.ts';
import { checkFormOrigin, formProof, readFields } from './form.ts';
import { finish, type Ctx, type InteractionParts, type Step } from './interaction-step.ts';
import { speak, wordsOf } from '../../http/words/page-language.ts';
import { signedInAlreadyPage } from '../pages/account-pages.ts';
import { errorPage, formTarget, showPage } from '../pages/layout.ts';
import { handleFindPatient, handlePatient, showPatients } from './patient-step.ts';
import { handleMailCode, handleProof, handleWay, showLogin } from './second-step.ts';
import { handleSignIn } from './sign-in-step.ts';

/** The pages of an interaction at /interaction/:uid; oidc-provider says which step is due. */
export function interactionRoutes(router: Router<State>, parts: InteractionParts): void {
  router.get('/interaction/:uid', (ctx) => inStep(parts, ctx, (step) => showStep(parts, step)));
  const post = (action: string, handle: (step: Step, form: URLSearchParams) => Promise<void>, prompt?: string) =>
    router.post(`/interaction/:uid/${action}`, (ctx) =>
      inStep(parts, ctx, async (step) => {
        const form = await readFields(ctx);
        checkFormOrigin(ctx, form, { origin: parts.world.settings.publicUrl, proof: step.proof });
        // A form of an earlier step (browser's back button): show the one that is due.
        if (prompt !== undefined && step.interaction.prompt.name !== prompt) return showStep(parts, step);
        return handle(step, form);
      }),
    );
  post('sign-in', (step, form) => handleSignIn(parts, step, form), 'login');
  post('prove', (step, form) => handleProof(parts, step, form), 'login');
  post('way', (step, form) => handleWay(parts, step, form), 'login');
  post('mail-code', (step) => handleMailCode(parts, step), 'login');
  post('find-patient', (step, form) => handleFindPatient(parts, step, form), 'patient');
  post('patient', (step, form) => handlePatient(parts, step, form), 'patient');
  post('consent', (step, form) => handleConsent(parts, step, form), 'consent');
  post('cancel', (step) => finish(parts, step, { error: 'access_denied', error_description: 'the person cancelled' }));
}

/** Finds the interaction by its cookie, and answers its problems with a page. */
async function inStep(parts: InteractionParts, ctx: Ctx, run: (step: Step) => Promise<void>): Promise<void> {
  try {
    const interaction = await parts.provider.interactionDetails(ctx.req, ctx.res);
    const client = await parts.provider.Client.find(String(interaction.params.client_id));
    const { uid } = interaction;
    if (uid !== (ctx as unknown as { params: { uid: string } }).params.uid || !client)
      throw new errors.SessionNotFound('another interaction');
    const person = interaction.session?.accountId;
    const account = person === undefined ? undefined : await parts.world.read(({ accounts }) => accounts.byId(person));
    const asked = interaction.params.ui_locales;
    markWay(parts, { ctx, uid, client }, { finished: false });
    await run({
      words: speak(ctx, { account: account?.language, asked, site: parts.world.settings.languages }),
      ctx,
      interaction,
      client,
      uid,
      proof: formProof(parts.cookieKey, uid),
      appName: client.clientName ?? client.clientId,
      formTargets: formTarget(interaction.params.redirect_uri),
    });
  } catch (error) {
    if (error instanceof errors.SessionNotFound) {
      leadOn(ctx);
    } else if (error instanceof Problem) {
      showProblem(ctx, error);
    } else {
      throw error;
    }
  }
}

/** A sign-in that was finished, seen again by the Back button or sent twice, goes on where it led. */
function leadOn(ctx: Ctx): void {
  const led = hasLed(ctx);
  const t = wordsOf(ctx);
  if (led === undefined) return showPage(ctx, { ...errorPage(t, t('wrong.over'), t('wrong.startAgain')), status: 400 });
  if (led === 'app') return showPage(ctx, signedInAlreadyPage(t));
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect('/work');
}

async function showStep(parts: InteractionParts, step: Step): Promise<void> {
  switch (step.interaction.prompt.name) {
    case 'login':
      return showLogin(parts, step);
    case 'patient':
      return showPatients(parts, step, undefined);
    case 'consent':
      return showConsent(parts, step);
    default:
      throw new Error(`no page for the step ${step.interaction.prompt.name}`);
  }
}
