import type { ParameterizedContext } from 'koa';
import type Router from '@koa/router';
import { Problem } from '../../core/problem.ts';
import { systemPrincipal } from '../../core/principal.ts';
import { addressQuestion, confirmAddress, type AddressQuestion } from '../../core/reports/ask-address.ts';
import type { World } from '../../core/world.ts';
import type { State } from '../../http/state.ts';
import { showProblem } from '../answer-problem.ts';
import { checkFormOrigin, formProof, readFields } from '../interactions/form.ts';
import { html, type Html } from '../pages/html.ts';
import { errorPage, showPage } from '../pages/layout.ts';

export interface ConfirmAddressParts {
  world: World;
  cookieKey: string;
}

type Ctx = ParameterizedContext<State>;

/**
 * The page behind the link that asks somebody to confirm an address before a report goes there. Opening it changes
 * nothing, because mail scanners open links; it names neither the patient nor the document.
 */
export function confirmAddressRoutes(router: Router<State>, parts: ConfirmAddressParts): void {
  router.get('/account/confirm-address/:word', async (ctx) => show(parts, ctx, ctx.params['word'] ?? ''));
  router.post('/account/confirm-address/:word', async (ctx) => {
    const word = ctx.params['word'] ?? '';
    try {
      const form = await readFields(ctx);
      const origin = parts.world.settings.publicUrl;
      checkFormOrigin(ctx, form, { origin, proof: formProof(parts.cookieKey, word) });
      await confirm(parts, ctx, word, form.get('birth-date') ?? '');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      showProblem(ctx, error);
    }
  });
}

async function confirm({ world, cookieKey }: ConfirmAddressParts, ctx: Ctx, word: string, birthDate: string) {
  const { requestId, clientAddress: sourceAddress } = ctx.state;
  const outcome = await world.transaction(async (stores) => {
    const done = await confirmAddress(stores, word, birthDate, world.now());
    if (done === 'no-link') return done;
    await stores.audit.append({
      action: 'U',
      event: 'account:address',
      outcome: done === 'wrong' ? 'failed' : 'success',
      principal: systemPrincipal('mail'),
      ...(done !== 'wrong' && { patients: [done.patient.slice('Patient/'.length)] }),
      requestId,
      sourceAddress,
    });
    return done;
  });
  if (outcome === 'wrong') return show({ world, cookieKey }, ctx, word, true);
  if (outcome === 'no-link') return showPage(ctx, { ...errorPage(...linkIsOver), status: 404 });
  return showPage(ctx, {
    title: 'Address confirmed',
    body: html`<h1 tabindex="-1" autofocus>Thank you</h1>
      <p>Your address is confirmed. The document comes by e-mail within a few minutes.</p>`,
  });
}

const linkIsOver = ['This link does not work any more.', 'Each link works once and for two weeks. Ask whoever treats you to send the document again.'] as const; // prettier-ignore

async function show({ world, cookieKey }: ConfirmAddressParts, ctx: Ctx, word: string, wrong = false): Promise<void> {
  const question = await world.read((stores) => addressQuestion(stores, word));
  if (!question) return showPage(ctx, { ...errorPage(...linkIsOver), status: 404 });
  showPage(ctx, { ...confirmPage(question, word, formProof(cookieKey, word), wrong), ...(wrong && { status: 422 }) });
}

function confirmPage(
  { address, asksBirthDate }: AddressQuestion,
  word: string,
  proof: string,
  wrong: boolean,
): { title: string; body: Html } {
  return {
    title: wrong ? 'Error: Confirm your address' : 'Confirm your address',
    body: html`<h1>Confirm your e-mail address</h1>
      ${wrong && html`<p class="error" id="error" role="alert" tabindex="-1" autofocus>This is not the date of birth that we know. After five wrong ones the link does not work any more.</p>`}
      <p>A document waits for you. It is sent to <strong>${address}</strong> when you confirm that this is your address.</p>
      <form method="post" action="/account/confirm-address/${word}">
        <input type="hidden" name="proof" value="${proof}" />
        ${asksBirthDate && birthDateField(wrong)}
        <div class="actions"><button class="main" type="submit">This is my address</button></div>
      </form>
      <p class="quiet">If you do not expect anything from us, close this page: nothing is sent.</p>`,
  }; // prettier-ignore
}

function birthDateField(wrong: boolean): Html {
  return html`<label for="birth-date">Your date of birth</label>
    <input
      id="birth-date"
      name="birth-date"
      type="date"
      autocomplete="bday"
      required
      ${wrong && html`aria-invalid="true" aria-describedby="error"`}
    />`;
}
