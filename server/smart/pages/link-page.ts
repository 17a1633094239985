import type { Account } from '../../core/accounts/account-store.ts';
import { codeField } from './factor-page.ts';
import { Html, html } from './html.ts';

interface LinkPage {
  word: string;
  proof: string;
  account: Account;
  error?: string;
}

function errorLine(error: string | undefined): Html | false {
  return error !== undefined && html`<p class="error" id="error" role="alert" tabindex="-1" autofocus>${error}</p>`;
}

/** @param page.keeps the account has a password, which is asked for; else one is chosen. */
export function linkPasswordPage(page: LinkPage & { site: string; keeps: boolean; least: number }): {
  title: string;
  body: Html;
} {
  const { account, error, keeps } = page;
  const title = keeps ? 'Your password, please' : 'Choose a password';
  const about = keeps
    ? 'Then you set up your second factor.'
    : `At least ${page.least} characters. Any are good, spaces too; a few words in a row are easy to remember.`;
  return {
    title: error === undefined ? title : `Error: ${title}`,
    body: html`<h1>${title}</h1>
      <p class="quiet">For ${account.displayName}, ${account.email}, at ${page.site}.</p>
      ${errorLine(error)}
      <form method="post" action="/account/link/${page.word}/password">
        <input type="hidden" name="proof" value="${page.proof}" />
        <input type="text" name="username" autocomplete="username" value="${account.email}" readonly hidden />
        <label for="password">${keeps ? 'Password' : 'New password'}</label>
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
          <button
            type="button"
            data-shows="password"
            aria-controls="password"
            aria-pressed="false"
            aria-label="Show password"
            hidden
          >
            Show
          </button>
        </div>
        <p class="quiet" id="about">${about}</p>
        <div class="actions"><button class="main" type="submit">Continue</button></div>
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

export function factorSetUpPage(page: FactorSetUpPage): { title: string; body: Html } {
  const { error } = page;
  return {
    title: error === undefined ? 'Set up a second factor' : 'Error: Set up a second factor',
    body: html`<h1>Set up a second factor</h1>
      <p class="quiet">
        A password can be found out; a second factor keeps others out even then.
        ${page.required ? 'Your role signs in with one.' : 'You can do without, and set one up later.'}
      </p>
      ${errorLine(error)} ${appForm(page)} ${passkeyForm(page)} ${otherForms(page)}`,
  };
}

function appForm(page: FactorSetUpPage): Html {
  return html`<section aria-labelledby="app">
    <h2 id="app">Authenticator app</h2>
    <p>Scan this with the app, then type the six digits that it shows.</p>
    <div class="qr" role="img" aria-label="QR code for your authenticator app">${new Html(page.qr)}</div>
    <p class="quiet">
      Cannot scan? <a href="${page.uri}">Open the app on this device</a>, or type the key
      <span class="secret">${page.secret.match(/.{1,4}/g)?.join(' ')}</span>
    </p>
    <form method="post" action="/account/link/${page.word}/app">
      <input type="hidden" name="proof" value="${page.proof}" />
      <label for="code">Six-digit code</label>
      ${codeField(page.error)}
      <div class="actions"><button class="main" type="submit">Use this app</button></div>
    </form>
  </section>`;
}

function passkeyForm(page: FactorSetUpPage): Html {
  return html`<section class="others" aria-labelledby="passkey">
    <h2 id="passkey">Passkey or security key</h2>
    <p class="quiet">A fingerprint, a face, a PIN or a key: nothing to type, and nobody can fish for it.</p>
    <form
      method="post"
      action="/account/link/${page.word}/passkey"
      data-passkey="create"
      data-options="${JSON.stringify(page.question)}"
    >
      <input type="hidden" name="proof" value="${page.proof}" />
      <input type="hidden" name="response" value="" />
      <p class="error" data-fault role="alert" tabindex="-1" hidden></p>
      <noscript><p class="quiet">A passkey needs JavaScript.</p></noscript>
      <div class="actions"><button type="submit">Make a passkey</button></div>
    </form>
  </section>`;
}

function otherForms({ word, proof, mail, required }: FactorSetUpPage): Html | false {
  const form = (action: string, label: string) =>
    html`<form method="post" action="/account/link/${word}/${action}">
      <input type="hidden" name="proof" value="${proof}" />
      <div class="actions"><button type="submit">${label}</button></div>
    </form>`;
  return (
    (mail || !required) &&
    html`<section class="others" aria-labelledby="rest">
      <h2 id="rest">Something else</h2>
      ${mail && form('mail', 'Send me codes by mail')} ${!required && form('none', 'Go on without a second factor')}
    </section>`
  );
}

/** The only time that the codes are shown. */
export function finishedPage(codes: readonly string[]): { title: string; body: Html } {
  return {
    title: 'Your account is ready',
    body: html`<h1>Your account is ready</h1>
      ${codes.length > 0 && recoveryCodes(codes)}
      <p><a class="button" href="/">Sign in</a></p>`,
  };
}

function recoveryCodes(codes: readonly string[]): Html {
  return html`<section aria-labelledby="recovery">
    <h2 id="recovery">Recovery codes</h2>
    <p>
      If you lose your second factor, each of these stands for it once. Keep them on paper or in a password manager:
      they are not shown again.
    </p>
    <ol class="codes" id="codes">
      ${codes.map((code) => html`<li>${code}</li>`)}
    </ol>
    <div class="actions"><button type="button" data-copies="codes" hidden>Copy the codes</button></div>
  </section>`;
}

/** The same for a link that was used, is over, is damaged, or is of nobody. */
export function linkOverPage(): { title: string; body: Html } {
  return {
    title: 'This link does not work',
    body: html`<h1>This link does not work any more</h1>
      <p role="alert" tabindex="-1" autofocus>
        It was used already, its time is over, a newer one was sent, or it was not copied whole.
      </p>
      <p>If you have finished with it, sign in. Else ask your administrator for a new one.</p>
      <p><a class="button" href="/">Sign in</a></p>`,
  };
}
