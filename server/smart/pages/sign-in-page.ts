import type { Words } from '../../http/words/words.ts';
import { html, type Html } from './html.ts';
import { titled, type Page } from './layout.ts';
import { showButton } from './password-button.ts';
import { withoutPassword } from './person-pages.ts';

/** An account whose password is published, shown in demo mode only. */
export interface DemoAccount {
  label: string;
  email: string;
  password: string;
}

export interface SignInPage {
  words: Words;
  uid: string;
  /** Proof that the form is ours. */
  proof: string;
  appName: string;
  demoAccounts: readonly DemoAccount[];
  registration: 'open' | 'closed';
  email?: string;
  password?: string;
  remember?: boolean;
  error?: string;
}

export function signInPage(page: SignInPage): Page {
  const { words: t } = page;
  const action = `/interaction/${page.uid}/sign-in`;
  const wrong = page.error !== undefined;
  return {
    title: titled(t, t('signIn.title'), wrong),
    body: html`<h1>${t('signIn.title')}</h1>
      <p class="quiet">${t('signIn.to', { app: page.appName })}</p>
      ${wrong && html`<p class="error" id="error" role="alert" tabindex="-1" autofocus>${page.error}</p>`}
      <form method="post" action="${action}">
        <input type="hidden" name="proof" value="${page.proof}" />
        <label for="email">${t('signIn.email')}</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="username"
          required
          maxlength="254"
          value="${page.email ?? ''}"
          ${wrong && html`aria-invalid="true" aria-describedby="error"`}
          ${!wrong && html`autofocus`}
        />
        <label for="password">${t('signIn.password')}</label>
        <div class="with-button">
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            maxlength="1024"
            value="${page.password ?? ''}"
            ${wrong && html`aria-invalid="true" aria-describedby="error"`}
          />
          ${showButton(t)}
        </div>
        <label class="choice"
          ><input
            type="checkbox"
            name="remember"
            value="yes"
            ${page.remember && html`checked`}
          />${t('signIn.remember')}</label
        >
        <div class="actions"><button class="main" id="sign-in" type="submit">${t('signIn.submit')}</button></div>
        ${withoutPassword(t, page.registration)} ${page.demoAccounts.length > 0 && demoAccounts(t, page.demoAccounts)}
      </form>
      ${cancelForm(page)}`,
  };
}

const roles = ['patient', 'doctor', 'pharmacist', 'admin'] as const;

function roleName(t: Words, label: string): string {
  const role = roles.find((one) => one === label);
  return role ? t(`role.${role}`) : label;
}

/** Without script the buttons submit, and the server fills the form. */
function demoAccounts(t: Words, accounts: readonly DemoAccount[]): Html {
  return html`<section class="demo" aria-labelledby="demo-title">
    <h2 id="demo-title">${t('signIn.demo')}</h2>
    <p class="quiet">${t('signIn.demoHint')}</p>
    <div class="actions">
      ${accounts.map(
        (account, i) =>
          html`<button
            type="submit"
            name="demo"
            value="${i}"
            formnovalidate
            data-email="${account.email}"
            data-password="${account.password}"
          >
            ${roleName(t, account.label)}
          </button>`,
      )}
    </div>
  </section>`;
}

/** Leaves the interaction: the app is told `access_denied`. */
export function cancelForm({ words: t, uid, proof }: Pick<SignInPage, 'words' | 'uid' | 'proof'>): Html {
  return html`<form method="post" action="/interaction/${uid}/cancel">
    <input type="hidden" name="proof" value="${proof}" />
    <div class="actions"><button type="submit">${t('signIn.cancel')}</button></div>
  </form>`;
}
