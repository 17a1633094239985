import type { ParameterizedContext } from 'koa';
import type Router from '@koa/router';
import { Problem } from '../../core/problem.ts';
import { systemPrincipal } from '../../core/principal.ts';
import { addressQuestion, confirmAddress, type AddressQuestion } from '../../core/reports/ask-address.ts';
import type { World } from '../../core/world.ts';
import type { State } from '../../http/state.ts';
import { showProblem } from '../answer-problem.ts';
import { checkFormOrigin, formProof, readFields } from '../interactions/form.ts';
import { wordsOf } from '../../http/words/page-language.ts';
import type { Words } from '../../http/words/words.ts';
import { html, type Html } from '../pages/html.ts';
import { errorPage, showPage, titled, type Page } from '../pages/layout.ts';

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
  const t = wordsOf(ctx);
  if (outcome === 'no-link') return showPage(ctx, linkIsOver(t));
  return showPage(ctx, {
    title: t('address.doneTitle'),
    body: html`<h1 tabindex="-1" autofocus>${t('address.thanks')}</h1>
      <p>${t('address.done')}</p>`,
  });
}

const linkIsOver = (t: Words): Page => ({ ...errorPage(t, t('address.over'), t('address.overHint')), status: 404 });

async function show({ world, cookieKey }: ConfirmAddressParts, ctx: Ctx, word: string, wrong = false): Promise<void> {
  const question = await world.read((stores) => addressQuestion(stores, word));
  const t = wordsOf(ctx);
  if (!question) return showPage(ctx, linkIsOver(t));
  const page = confirmPage(t, question, word, formProof(cookieKey, word), wrong);
  showPage(ctx, { ...page, ...(wrong && { status: 422 }) });
}

function confirmPage(
  t: Words,
  { address, asksBirthDate }: AddressQuestion,
  word: string,
  proof: string,
  wrong: boolean,
): Page {
  return {
    title: titled(t, t('address.title'), wrong),
    body: html`<h1>${t('address.heading')}</h1>
      ${wrong && html`<p class="error" id="error" role="alert" tabindex="-1" autofocus>${t('address.wrong')}</p>`}
      <p>${t.html('address.lead', { address: html`<strong>${address}</strong>` })}</p>
      <form method="post" action="/account/confirm-address/${word}">
        <input type="hidden" name="proof" value="${proof}" />
        ${asksBirthDate && birthDateField(t, wrong)}
        <div class="actions"><button class="main" type="submit">${t('address.submit')}</button></div>
      </form>
      <p class="quiet">${t('address.hint')}</p>`,
  }; // prettier-ignore
}

function birthDateField(t: Words, wrong: boolean): Html {
  return html`<label for="birth-date">${t('address.birthDate')}</label>
    <input
      id="birth-date"
      name="birth-date"
      type="date"
      autocomplete="bday"
      required
      ${wrong && html`aria-invalid="true" aria-describedby="error"`}
    />`;
}
