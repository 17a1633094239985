import type { Account } from '../../core/accounts/account-store.ts';
import type { Words } from '../../http/words/words.ts';
import { codeField, passkeyFaults } from './factor-page.ts';
import { Html, html } from './html.ts';
import { titled, type Page } from './layout.ts';
import { showButton } from './password-button.ts';

interface LinkPage {
  words: Words;
  word: string;
  proof: string;
  account: Account;
  error?: string;
}

function errorLine(error: string | undefined): Html | false {
  return error !== undefined && html`<p class="error" id="error" role="alert" tabindex="-1" autofocus>${error}</p>`;
}

/** @param page.keeps the account has a password, which is asked for; else one is chosen. */
export function linkPasswordPage(page: LinkPage & { site: string; keeps: boolean; least: number }): Page {
  const { words: t, account, error, keeps, site } = page;
  const title = t(keeps ? 'link.yourPassword' : 'link.choose');
  const about = keeps ? t('link.thenFactor') : t('link.least', { count: page.least });
  return {
    title: titled(t, title, error !== undefined),
    body: html`<h1>${title}</h1>
      <p class="quiet">${t('link.who', { name: account.displayName, email: account.email, site })}</p>
      ${errorLine(error)}
      <form method="post" action="/account/link/${page.word}/password">
        <input type="hidden" name="proof" value="${page.proof}" />
        <input type="text" name="username" autocomplete="username" value="${account.email}" readonly hidden />
        <label for="password">${t(keeps ? 'signIn.password' : 'password.new')}</label>
        <div class="with-button">
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="${keeps ? 'current-password' : 'new-password'}"
            required
            maxlength="1024"
            aria-describedby="about${error !== undefined && ' error'}"
            ${error !== undefined ? html`aria-invalid="true"` : html`autofocus`}
          />
          ${showButton(t)}
        </div>
        <p class="quiet" id="about">${about}</p>
        <div class="actions"><button class="main" type="submit">${t('factor.continue')}</button></div>
      </form>`,
  };
}

export interface FactorSetUpPage extends LinkPage {
  /** SVG text. */
  qr: string;
  uri: string;
  secret: string;
  /** What the browser asks for a new passkey. */
  question: unknown;
  required: boolean;
  /** Codes by mail are allowed here. */
  mail: boolean;
}

export function factorSetUpPage(page: FactorSetUpPage): Page {
  const { words: t, error } = page;
  return {
    title: titled(t, t('factor.setUp'), error !== undefined),
    body: html`<h1>${t('factor.setUp')}</h1>
      <p class="quiet">${t('setUp.lead')} ${t(page.required ? 'setUp.required' : 'setUp.optional')}</p>
      ${errorLine(error)} ${appForm(page)} ${passkeyForm(page)} ${otherForms(page)}`,
  };
}

function appForm(page: FactorSetUpPage): Html {
  const { words: t } = page;
  const open = html`<a href="${page.uri}">${t('setUp.openApp')}</a>`;
  const secret = html`<span class="secret">${page.secret.match(/.{1,4}/g)?.join(' ')}</span>`;
  return html`<section aria-labelledby="app">
    <h2 id="app">${t('setUp.app')}</h2>
    <p>${t('setUp.scan')}</p>
    <div class="qr" role="img" aria-label="${t('setUp.qr')}">${new Html(page.qr)}</div>
    <p class="quiet">${t.html('setUp.cannotScan', { open, secret })}</p>
    <form method="post" action="/account/link/${page.word}/app">
      <input type="hidden" name="proof" value="${page.proof}" />
      <label for="code">${t('factor.code')}</label>
      ${codeField(t, page.error)}
      <div class="actions"><button class="main" type="submit">${t('setUp.useApp')}</button></div>
    </form>
  </section>`;
}

function passkeyForm(page: FactorSetUpPage): Html {
  const { words: t } = page;
  return html`<section class="others" aria-labelledby="passkey">
    <h2 id="passkey">${t('setUp.passkey')}</h2>
    <p class="quiet">${t('setUp.passkeyHint')}</p>
    <form
      method="post"
      action="/account/link/${page.word}/passkey"
      data-passkey="create"
      data-options="${JSON.stringify(page.question)}"
      ${passkeyFaults(t)}
    >
      <input type="hidden" name="proof" value="${page.proof}" />
      <input type="hidden" name="response" value="" />
      <p class="error" data-fault role="alert" tabindex="-1" hidden></p>
      <noscript><p class="quiet">${t('setUp.needsScript')}</p></noscript>
      <div class="actions"><button type="submit">${t('setUp.makePasskey')}</button></div>
    </form>
  </section>`;
}

function otherForms({ words: t, word, proof, mail, required }: FactorSetUpPage): Html | false {
  const form = (action: string, label: string) =>
    html`<form method="post" action="/account/link/${word}/${action}">
      <input type="hidden" name="proof" value="${proof}" />
      <div class="actions"><button type="submit">${label}</button></div>
    </form>`;
  return (
    (mail || !required) &&
    html`<section class="others" aria-labelledby="rest">
      <h2 id="rest">${t('setUp.else')}</h2>
      ${mail && form('mail', t('setUp.byMail'))} ${!required && form('none', t('setUp.without'))}
    </section>`
  );
}

/** The only time that the codes are shown. */
export function finishedPage(t: Words, codes: readonly string[]): Page {
  return {
    title: t('register.done'),
    body: html`<h1>${t('register.done')}</h1>
      ${codes.length > 0 && recoveryCodes(t, codes)}
      <p><a class="button" href="/">${t('signIn.submit')}</a></p>`,
  };
}

function recoveryCodes(t: Words, codes: readonly string[]): Html {
  return html`<section aria-labelledby="recovery">
    <h2 id="recovery">${t('setUp.codes')}</h2>
    <p>${t('setUp.codesHint')}</p>
    <ol class="codes" id="codes">
      ${codes.map((code) => html`<li>${code}</li>`)}
    </ol>
    <div class="actions">
      <button type="button" data-copies="codes" data-copied="${t('setUp.copied')}" hidden>${t('setUp.copy')}</button>
    </div>
  </section>`;
}

/** The same for a link that was used, is over, is damaged, or is of nobody. */
export function linkOverPage(t: Words): Page {
  return {
    title: t('deadLink.title'),
    body: html`<h1>${t('link.over')}</h1>
      <p role="alert" tabindex="-1" autofocus>${t('link.overWhy')}</p>
      <p>${t('link.overThen')}</p>
      <p><a class="button" href="/">${t('signIn.submit')}</a></p>`,
  };
}
