import type { Way } from '../../core/accounts/factors/ways.ts';
import { codeMinutes, mailLimits } from '../../core/accounts/factors/mail-code.ts';
import type { WordKey, Words } from '../../http/words/words.ts';
import type { Stage } from '../interactions/stage.ts';
import { html, type Html } from './html.ts';
import { titled, type Page } from './layout.ts';
import { cancelForm } from './sign-in-page.ts';

export interface FactorPage {
  words: Words;
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
export function factorPage(page: FactorPage): Page {
  const { words: t, stage, error, appName: app } = page;
  const { email } = stage.account;
  return {
    title: titled(t, t('factor.title'), error !== undefined),
    body: html`<h1>${t(`factor.${stage.way}`)}</h1>
      <p class="quiet">${t(stage.stepUp ? 'factor.toGoOn' : 'factor.toContinue', { app, email })}</p>
      ${error !== undefined && html`<p class="error" id="error" role="alert" tabindex="-1" autofocus>${error}</p>`}
      ${body(page)} ${otherWays(page)} ${cancelForm(page)}`,
  };
}

function body(page: FactorPage): Html {
  switch (page.stage.way) {
    case 'passkey':
      return passkeyForm(page);
    case 'totp':
      return codeForm(page, page.words('factor.totpLabel'));
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
    ${codeField(page.words, page.error)} ${trust(page)}
    <div class="actions"><button class="main" type="submit">${page.words('factor.continue')}</button></div>
  </form>`;
}

/** One field, so that a paste fills all digits; spaces in it are no mistake. */
export function codeField(t: Words, error: string | undefined): Html {
  return html`<input
    id="code"
    name="code"
    class="code"
    type="text"
    inputmode="numeric"
    autocomplete="one-time-code"
    pattern="\\s*(?:[0-9]\\s*){6}"
    title="${t('factor.sixDigits')}"
    required
    maxlength="20"
    ${error !== undefined ? html`aria-invalid="true" aria-describedby="error"` : html`autofocus`}
  />`;
}

function mailForm(page: FactorPage): Html {
  const { words: t, stage, wait } = page;
  const sent = stage.mailedAt !== undefined;
  const again = html`<form method="post" action="/interaction/${page.uid}/mail-code">
    <input type="hidden" name="proof" value="${page.proof}" />
    <div class="actions">
      <button type="submit" ${!sent && html`class="main"`} ${countDown(t, sent, stage.mailedAt, wait)}>
        ${t(sent ? 'factor.sendNew' : 'factor.send')}
      </button>
    </div>
  </form>`;
  if (!sent)
    return html`<p>${t('factor.weSend', { count: codeMinutes })}</p>
      ${again}`;
  return html`<p role="status">${t('factor.weSent', { count: codeMinutes })}</p>
    ${codeForm(page, t('factor.code'))} ${again}`;
}

/** The script lets nobody press in vain; without it the server says how long to wait. */
function countDown(t: Words, sent: boolean, mailedAt: number | undefined, wait: number | undefined): Html | false {
  const since = mailedAt === undefined ? Infinity : (Date.now() - mailedAt) / 1000;
  const left = wait ?? Math.ceil(mailLimits.apartSeconds - since);
  const waits = t(sent ? 'factor.sendNewIn' : 'factor.sendIn', { seconds: '{seconds}' });
  return left > 0 && html`data-wait="${left}" data-waits="${waits}"`;
}

function recoveryForm(page: FactorPage): Html {
  const { words: t, stage } = page;
  return html`<form method="post" action="/interaction/${page.uid}/prove">
    <input type="hidden" name="proof" value="${page.proof}" />
    <label for="code">${t('factor.recoveryLabel')}</label>
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
    <p class="quiet">${t('factor.recoveryLeft', { count: stage.ways.recoveryCodesLeft })}</p>
    ${trust(page)}
    <div class="actions"><button class="main" type="submit">${t('factor.continue')}</button></div>
  </form>`;
}

function passkeyForm(page: FactorPage): Html {
  const { words: t } = page;
  return html`<form
    method="post"
    action="/interaction/${page.uid}/prove"
    data-passkey="get"
    data-options="${JSON.stringify(page.question)}"
    ${passkeyFaults(t)}
  >
    <input type="hidden" name="proof" value="${page.proof}" />
    <input type="hidden" name="response" value="" />
    <p>${t('factor.browserAsks')}</p>
    <noscript><p class="error">${t('factor.noScript')}</p></noscript>
    <p class="error" data-fault role="alert" tabindex="-1" hidden></p>
    ${trust(page)}
    <div class="actions">
      <button class="main" type="submit" ${page.error === undefined && html`autofocus`}>
        ${t('factor.usePasskey')}
      </button>
    </div>
  </form>`;
}

/** What the script says when the browser comes back without one. */
export function passkeyFaults(t: Words): Html {
  return html`data-none="${t('factor.noneUsed')}" data-held="${t('factor.heldAlready')}"`;
}

function trust({ words: t, rememberDays }: FactorPage): Html | false {
  return (
    rememberDays > 0 &&
    html`<label class="choice"
      ><input type="checkbox" name="trust" value="yes" />${t('factor.trust', { count: rememberDays })}</label
    >`
  );
}

const names: Record<Way, WordKey> = {
  passkey: 'factor.way.passkey',
  totp: 'factor.way.totp',
  mail: 'factor.way.mail',
  recovery: 'factor.way.recovery',
};

function otherWays({ words: t, uid, proof, stage }: FactorPage): Html | false {
  const others = stage.ways.ways.filter((way) => way !== stage.way);
  return (
    others.length > 0 &&
    html`<section class="others" aria-labelledby="others">
      <h2 id="others">${t('factor.others')}</h2>
      <form method="post" action="/interaction/${uid}/way">
        <input type="hidden" name="proof" value="${proof}" />
        <div class="actions">
          ${others.map((way) => html`<button type="submit" name="way" value="${way}">${t(names[way])}</button>`)}
        </div>
      </form>
    </section>`
  );
}

/** For who must have a second factor and has none: it is set up by a link, not with the password alone. */
export function setUpByMailPage(page: { words: Words; uid: string; proof: string; wait: number }): Page {
  const { words: t, wait } = page;
  const link = wait === 0 ? t('factor.linkSent') : t('factor.linkSentBefore', { count: Math.ceil(wait / 60) });
  return {
    title: t('factor.setUp'),
    body: html`<h1>${t('factor.setUpFirst')}</h1>
      <p role="status" tabindex="-1" autofocus>${t('factor.noneYet')} ${link}</p>
      ${cancelForm(page)}`,
  };
}
