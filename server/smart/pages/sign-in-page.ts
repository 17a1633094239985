import { html, type Html } from './html.ts';
import { withoutPassword } from './person-pages.ts';

/** An account whose password is published, shown in demo mode only. */
export interface DemoAccount {
  label: string;
  email: string;
  password: string;
}

export interface SignInPage {
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

export function signInPage(page: SignInPage): { title: string; body: Html } {
  const action = `/interaction/${page.uid}/sign-in`;
  const wrong = page.error !== undefined;
  return {
    title: wrong ? 'Error: Sign in' : 'Sign in',
    body: html`<h1>Sign in</h1>
      <p class="quiet">to continue to ${page.appName}</p>
      ${wrong && html`<p class="error" id="error" role="alert" tabindex="-1" autofocus>${page.error}</p>`}
      <form method="post" action="${action}">
        <input type="hidden" name="proof" value="${page.proof}" />
        <label for="email">E-mail address</label>
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
        <label for="password">Password</label>
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
        <label class="choice"
          ><input type="checkbox" name="remember" value="yes" ${page.remember && html`checked`} />Remember me on this
          device</label
        >
        <div class="actions"><button class="main" id="sign-in" type="submit">Sign in</button></div>
        ${withoutPassword(page.registration)} ${page.demoAccounts.length > 0 && demoAccounts(page.demoAccounts)}
      </form>
      ${cancelForm(page.uid, page.proof)}`,
  };
}

/** Without script the buttons submit, and the server fills the form. */
function demoAccounts(accounts: readonly DemoAccount[]): Html {
  return html`<section class="demo" aria-labelledby="demo-title">
    <h2 id="demo-title">Demo accounts</h2>
    <p class="quiet">Made-up people and data. A click fills the form.</p>
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
            ${account.label}
          </button>`,
      )}
    </div>
  </section>`;
}

/** Leaves the interaction: the app is told `access_denied`. */
export function cancelForm(uid: string, proof: string): Html {
  return html`<form method="post" action="/interaction/${uid}/cancel">
    <input type="hidden" name="proof" value="${proof}" />
    <div class="actions"><button type="submit">Cancel</button></div>
  </form>`;
}
