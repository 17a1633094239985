/** Pages of people who are not signed in: register, forgotten password, links from mails. */
import type { PersonName } from '../../core/accounts/people/person-name.ts';
import { minimumLength } from '../../core/accounts/sign-in/password-strength.ts';
import type { Words } from '../../http/words/words.ts';
import { html, type Html } from './html.ts';
import { titled, type Page } from './layout.ts';
import { showButton } from './password-button.ts';

interface Form {
  words: Words;
  action: string;
  proof: string;
  /** What is wrong, and of which field. */
  fault?: { message: string; field: string | undefined };
}

/** What stands at a field that is at fault: it is named, described and gets the focus. */
function state(form: Form, field: string, first = false): Html {
  const wrong = form.fault?.field === field;
  return html`${wrong && html`aria-invalid="true" aria-describedby="error"`}${(wrong || (first && !form.fault)) && html` autofocus`}`;
}

/** Without a field of its own the message itself gets the focus. */
function faultOf({ fault }: Form): Html {
  if (!fault) return html``;
  const alone = fault.field === undefined;
  return html`<p class="error" id="error" role="alert" ${alone && html`tabindex="-1" autofocus`}>${fault.message}</p>`;
}

function titleOf(form: Form, title: string): string {
  return titled(form.words, title, form.fault !== undefined);
}

export function registerPage(
  form: Form & { siteName: string; email?: string; name?: PersonName; birthDate?: string },
): Page {
  const { words: t } = form;
  return {
    title: titleOf(form, t('register.title')),
    body: html`<h1>${t('register.title')}</h1>
      <p class="quiet">${t('register.lead', { site: form.siteName })}</p>
      ${faultOf(form)}
      <form method="post" action="${form.action}">
        <input type="hidden" name="proof" value="${form.proof}" />
        <label for="email">${t('signIn.email')}</label>
        <input id="email" name="email" type="email" autocomplete="email" required maxlength="254" value="${form.email ?? ''}" ${state(form, 'email', true)} />
        <label for="given">${t('register.given')}</label>
        <input id="given" name="given" autocomplete="given-name" required maxlength="100" value="${form.name?.given ?? ''}" ${state(form, 'given')} />
        <label for="family">${t('register.family')}</label>
        <input id="family" name="family" autocomplete="family-name" required maxlength="100" value="${form.name?.family ?? ''}" ${state(form, 'family')} />
        <label for="birthDate">${t('register.birthDate')}</label>
        <input id="birthDate" name="birthDate" type="date" autocomplete="bday" required min="1890-01-01" value="${form.birthDate ?? ''}" ${state(form, 'birthDate')} />
        <p class="quiet">${t('register.hint')}</p>
        <div class="actions"><button class="main" type="submit">${t('register.submit')}</button></div>
      </form>
      <p><a href="/">${t('backToSignIn')}</a></p>`,
  }; // prettier-ignore
}

export function forgottenPage(form: Form & { email?: string }): Page {
  const { words: t } = form;
  return {
    title: titleOf(form, t('forgotten.title')),
    body: html`<h1>${t('forgotten.title')}</h1>
      <p class="quiet">${t('forgotten.lead')}</p>
      ${faultOf(form)}
      <form method="post" action="${form.action}">
        <input type="hidden" name="proof" value="${form.proof}" />
        <label for="email">${t('signIn.email')}</label>
        <input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${form.email ?? ''}" ${state(form, 'email', true)} />
        <div class="actions"><button class="main" type="submit">${t('register.submit')}</button></div>
      </form>
      <p><a href="/">${t('backToSignIn')}</a></p>`,
  }; // prettier-ignore
}

/** The same for every address. */
export function mailSentPage(t: Words, what: 'register' | 'forgotten'): Page {
  return {
    title: t('mailSent.title'),
    body: html`<h1 tabindex="-1" autofocus>${t('mailSent.title')}</h1>
      <p>${t(`mailSent.${what}`)}</p>
      <p class="quiet">${t('mailSent.hint')}</p>
      <p><a class="button" href="/">${t('backToSignIn')}</a></p>`,
  };
}

/** A new password; `email` is shown, and lets password managers know whose it is. */
export function newPasswordPage(form: Form & { title: string; intro: string; email: string; button: string }): Page {
  const { words: t } = form;
  return {
    title: titleOf(form, form.title),
    body: html`<h1>${form.title}</h1>
      <p class="quiet">${form.intro}</p>
      ${faultOf(form)}
      <form method="post" action="${form.action}">
        <input type="hidden" name="proof" value="${form.proof}" />
        <label for="email">${t('signIn.email')}</label>
        <input id="email" type="email" autocomplete="username" readonly value="${form.email}" />
        <label for="password">${t('password.new')}</label>
        <div class="with-button">
          <input id="password" name="password" type="password" autocomplete="new-password" required maxlength="1024" ${state(form, 'password', true)} />
          ${showButton(t)}
        </div>
        <p class="quiet">${t('password.least', { count: minimumLength.alone })}</p>
        <div class="actions"><button class="main" type="submit">${form.button}</button></div>
      </form>`,
  }; // prettier-ignore
}

export function confirmAddressPage(form: Form & { email: string }): Page {
  const { words: t } = form;
  return {
    title: titleOf(form, t('confirm.title')),
    body: html`<h1>${t('confirm.title')}</h1>
      <p>${t.html('confirm.lead', { email: html`<strong>${form.email}</strong>` })}</p>
      ${faultOf(form)}
      <form method="post" action="${form.action}">
        <input type="hidden" name="proof" value="${form.proof}" />
        <div class="actions"><button class="main" type="submit" autofocus>${t('confirm.do')}</button></div>
      </form>`,
  };
}

export function donePage(t: Words, title: string, text: string): Page {
  return {
    title,
    body: html`<h1 tabindex="-1" autofocus>${title}</h1>
      <p>${text}</p>
      <p><a class="button" href="/">${t('signIn.submit')}</a></p>`,
  };
}

/** A link that is unknown, used or over looks the same. */
export function deadLinkPage(t: Words, again: { href: string; text: string } | undefined): Page {
  return {
    title: t('deadLink.title'),
    status: 410,
    body: html`<h1 tabindex="-1" autofocus>${t('deadLink.title')}</h1>
      <p>${t('deadLink.why')}</p>
      <div class="actions">
        ${again && html`<a class="button" href="${again.href}">${again.text}</a>`}
        <a class="button" href="/">${t('signIn.submit')}</a>
      </div>`,
  };
}

/** What the sign-in page offers to those who cannot sign in. */
export function withoutPassword(t: Words, registration: 'open' | 'closed'): Html {
  return html`<p class="links">
    <a href="/account/forgotten">${t('signIn.forgotten')}</a>
    ${registration === 'open' && html`<a href="/account/register">${t('signIn.register')}</a>`}
  </p>`;
}
