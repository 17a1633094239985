import type { ConnectedApp } from '../../core/accounts/authorizations.ts';
import { splitScopes } from '../../core/accounts/scopes.ts';
import { dayOf } from '../../core/time-zone.ts';
import { scopeWords } from '../../http/words/scope-words.ts';
import type { Words } from '../../http/words/words.ts';
import { Html, html } from './html.ts';
import type { Page } from './layout.ts';

/** The page of SMART's `management_endpoint`: which apps have access, and an end to it. */
export function connectedAppsPage(t: Words, apps: ConnectedApp[], proof: string, timeZone: string): Page {
  return {
    title: t('apps.title'),
    body: html`<h1>${t('apps.title')}</h1>
      ${apps.length === 0 && html`<p>${t('apps.none')}</p>`}
      <ul class="plain">
        ${apps.map((app) => connectedApp(t, app, proof, timeZone))}
      </ul>
      <p><a class="button" href="/">${t('back')}</a></p>`,
  };
}

function connectedApp(t: Words, app: ConnectedApp, proof: string, timeZone: string): Html {
  const day = dayOf(app.since.toISOString(), timeZone);
  const removal = t('apps.removeOf', { app: app.clientName });
  const name = html`<strong>${app.clientName}</strong>`;
  return html`<li>
    ${t.html('apps.since', { app: name, date: html`<time datetime="${day}">${day}</time>` })}
    <ul>
      ${splitScopes(app.scope).map((scope) => html`<li class="quiet">${scopeWords(t, scope)}</li>`)}
    </ul>
    <form method="post" action="/connected-apps">
      <input type="hidden" name="proof" value="${proof}" />
      <button type="submit" name="grant" value="${app.grantId}" aria-label="${removal}">${t('apps.remove')}</button>
    </form>
  </li>`;
}

/** @param form oidc-provider's own form with its hidden fields; our buttons belong to it by its id. */
export function signOutPage(t: Words, form: string): Page {
  return {
    title: t('signOut.title'),
    body: html`<h1>${t('signOut.ask')}</h1>
      <p>${t('signOut.hint')}</p>
      ${new Html(form)}
      <div class="actions">
        <button class="main" type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>
          ${t('signOut.do')}
        </button>
        <a class="button" href="/">${t('signOut.stay')}</a>
      </div>`,
  };
}

export function signedOutPage(t: Words): Page {
  return {
    title: t('signedOut.title'),
    body: html`<h1>${t('signedOut.heading')}</h1>
      <p><a class="button" href="/">${t('signedOut.again')}</a></p>`,
  };
}

export function signInFirstPage(t: Words): Page {
  return {
    title: t('apps.signInFirst'),
    body: html`<h1>${t('apps.signInFirst')}</h1>
      <p>${t('apps.whose')}</p>
      <p><a class="button" href="/">${t('signIn.submit')}</a></p>`,
  };
}

/** For whoever comes back, in the browser's history, to a sign-in that has led to an app. */
export function signedInAlreadyPage(t: Words): Page {
  return {
    title: t('apps.signedInAlready'),
    body: html`<h1>${t('apps.signedInAlready')}</h1>
      <p>${t('apps.goForward')}</p>
      <p><a class="button" href="/">${t('wrong.start')}</a></p>`,
  };
}
