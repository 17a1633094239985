import type { Way } from '../../core/accounts/factors/ways.ts';
import { codeMinutes, mailLimits } from '../../core/accounts/factors/mail-code.ts';
import type { Stage } from '../interactions/stage.ts';
import { html, type Html } from './html.ts';
import { cancelForm } from './sign-in-page.ts';

export interface FactorPage {
  uid: string;
  proof: string;
  appName: string;
  stage: Stage;
  /** What the browser asks the passkey. */
  question?: unknown;
  /** Days that the device can be remembered; 0: it cannot. */
  rememberDays: number;
  error?: string;
  /** Seconds until a code can be asked for again. */
  wait?: number;
}

/** The page between the password and the app: the way that is chosen, and the others. */
export function factorPage(page: FactorPage): { title: string; body: Html } {
  const { stage, error } = page;
  return {
    title: error === undefined ? 'Second factor' : 'Error: Second factor',
    body: html`<h1>${titles[stage.way]}</h1>
      <p class="quiet">
        ${stage.stepUp ? 'to go on with what you are doing in' : 'to continue to'} ${page.appName}, as
        ${stage.account.email}
      </p>
      ${error !== undefined && html`<p class="error" id="error" role="alert" tabindex="-1" autofocus>${error}</p>`}
      ${body(page)} ${otherWays(page)} ${cancelForm(page.uid, page.proof)}`,
  };
}

const titles: Record<Way, string> = {
  passkey: 'Use your passkey',
  totp: 'Type the code of your app',
  mail: 'Type the code from your mail',
  recovery: 'Type a recovery code',
};

function body(page: FactorPage): Html {
  switch (page.stage.way) {
    case 'passkey':
      return passkeyForm(page);
    case 'totp':
      return codeForm(page, 'Six-digit code that your authenticator app shows now');
    case 'mail':
      return mailForm(page);
    case 'recovery':
      return recoveryForm(page);
  }
}

function codeForm(page: FactorPage, label: string): Html {
  return html`<form method="post" action="/interaction/${page.uid}/prove">
    <input type="hidden" name="proof" value="${page.proof}" />
    <label for="code">${label}</label>
    ${codeField(page.error)} ${trust(page)}
    <div class="actions"><button class="main" type="submit">Continue</button></div>
  </form>`;
}

/** One field, so that a paste fills all digits; spaces in it are no mistake. */
export function codeField(error: string | undefined): Html {
  return html`<input
    id="code"
    name="code"
    class="code"
    type="text"
    inputmode="numeric"
    autocomplete="one-time-code"
    pattern="\\s*(?:[0-9]\\s*){6}"
    title="six digits"
    required
    maxlength="20"
    ${error !== undefined ? html`aria-invalid="true" aria-describedby="error"` : html`autofocus`}
  />`;
}

function mailForm(page: FactorPage): Html {
  const { stage, wait } = page;
  const sent = stage.mailedAt !== undefined;
  const again = html`<form method="post" action="/interaction/${page.uid}/mail-code">
    <input type="hidden" name="proof" value="${page.proof}" />
    <div class="actions">
      <button type="submit" ${!sent && html`class="main"`} ${countDown(stage.mailedAt, wait)}>
        ${sent ? 'Send a new code' : 'Send me a code'}
      </button>
    </div>
  </form>`;
  if (!sent)
    return html`<p>We send six digits to your address. They work for ${codeMinutes} minutes.</p>
      ${again}`;
  return html`<p role="status">We have sent six digits to your address. They work once, for ${codeMinutes} minutes.</p>
    ${codeForm(page, 'Six-digit code')} ${again}`;
}

/** The script lets nobody press in vain; without it the server says how long to wait. */
function countDown(mailedAt: number | undefined, wait: number | undefined): Html | false {
  const since = mailedAt === undefined ? Infinity : (Date.now() - mailedAt) / 1000;
  const left = wait ?? Math.ceil(mailLimits.apartSeconds - since);
  return left > 0 && html`data-wait="${left}"`;
}

function recoveryForm(page: FactorPage): Html {
  return html`<form method="post" action="/interaction/${page.uid}/prove">
    <input type="hidden" name="proof" value="${page.proof}" />
    <label for="code">One of the codes that you have written down</label>
    <input
      id="code"
      name="code"
      class="code"
      type="text"
      autocomplete="off"
      autocapitalize="characters"
      spellcheck="false"
      required
      maxlength="60"
      ${page.error !== undefined ? html`aria-invalid="true" aria-describedby="error"` : html`autofocus`}
    />
    <p class="quiet">Each works once; you have ${page.stage.ways.recoveryCodesLeft} left.</p>
    ${trust(page)}
    <div class="actions"><button class="main" type="submit">Continue</button></div>
  </form>`;
}

function passkeyForm(page: FactorPage): Html {
  return html`<form
    method="post"
    action="/interaction/${page.uid}/prove"
    data-passkey="get"
    data-options="${JSON.stringify(page.question)}"
  >
    <input type="hidden" name="proof" value="${page.proof}" />
    <input type="hidden" name="response" value="" />
    <p>Your browser asks for the passkey: a fingerprint, a face, a PIN or a security key.</p>
    <noscript><p class="error">A passkey needs JavaScript. Switch it on, or choose another way below.</p></noscript>
    <p class="error" data-fault role="alert" tabindex="-1" hidden></p>
    ${trust(page)}
    <div class="actions">
      <button class="main" type="submit" ${page.error === undefined && html`autofocus`}>Use passkey</button>
    </div>
  </form>`;
}

function trust({ rememberDays }: FactorPage): Html | false {
  return (
    rememberDays > 0 &&
    html`<label class="choice"
      ><input type="checkbox" name="trust" value="yes" />Do not ask for this on this device for ${rememberDays}
      days</label
    >`
  );
}

const names: Record<Way, string> = {
  passkey: 'Use a passkey',
  totp: 'Use an authenticator app',
  mail: 'Get a code by mail',
  recovery: 'Use a recovery code',
};

function otherWays({ uid, proof, stage }: FactorPage): Html | false {
  const others = stage.ways.ways.filter((way) => way !== stage.way);
  return (
    others.length > 0 &&
    html`<section class="others" aria-labelledby="others">
      <h2 id="others">Other ways to prove it</h2>
      <form method="post" action="/interaction/${uid}/way">
        <input type="hidden" name="proof" value="${proof}" />
        <div class="actions">
          ${others.map((way) => html`<button type="submit" name="way" value="${way}">${names[way]}</button>`)}
        </div>
      </form>
    </section>`
  );
}

/** For who must have a second factor and has none: it is set up by a link, not with the password alone. */
export function setUpByMailPage({ uid, proof, wait }: { uid: string; proof: string; wait: number }): {
  title: string;
  body: Html;
} {
  return {
    title: 'Set up a second factor',
    body: html`<h1>Set up a second factor first</h1>
      <p role="status" tabindex="-1" autofocus>
        Your role signs in with a password and a second factor, and you have none yet.
        ${
          wait === 0
            ? 'We have sent a link to your address; it works once, for an hour. Open it, then sign in again.'
            : `We have sent a link to your address a moment ago. Look for it; you can get another in ${Math.ceil(wait / 60)} minutes.`
        }
      </p>
      ${cancelForm(uid, proof)}`,
  };
}
