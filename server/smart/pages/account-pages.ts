import type { ConnectedApp } from '../../core/accounts/authorizations.ts';
import { describeScope, splitScopes } from '../../core/accounts/scopes.ts';
import { dayOf } from '../../core/time-zone.ts';
import { Html, html } from './html.ts';

/** The page of SMART's `management_endpoint`: which apps have access, and an end to it. */
export function connectedAppsPage(
  apps: ConnectedApp[],
  proof: string,
  timeZone: string,
): { title: string; body: Html } {
  return {
    title: 'Connected apps',
    body: html`<h1>Connected apps</h1>
      ${apps.length === 0 && html`<p>No app has access to your records.</p>`}
      <ul class="plain">
        ${apps.map((app) => connectedApp(app, proof, timeZone))}
      </ul>
      <p><a class="button" href="/">Back</a></p>`,
  };
}

function connectedApp(app: ConnectedApp, proof: string, timeZone: string): Html {
  const since = dayOf(app.since.toISOString(), timeZone);
  return html`<li>
    <strong>${app.clientName}</strong>, since <time datetime="${since}">${since}</time>
    <ul>
      ${splitScopes(app.scope).map((scope) => html`<li class="quiet">${describeScope(scope)}</li>`)}
    </ul>
    <form method="post" action="/connected-apps">
      <input type="hidden" name="proof" value="${proof}" />
      <button type="submit" name="grant" value="${app.grantId}" aria-label="Remove access of ${app.clientName}">
        Remove access
      </button>
    </form>
  </li>`;
}

/** @param form oidc-provider's own form with its hidden fields; our buttons belong to it by its id. */
export function signOutPage(form: string): { title: string; body: Html } {
  return {
    title: 'Sign out',
    body: html`<h1>Sign out?</h1>
      <p>This ends your session in this browser.</p>
      ${new Html(form)}
      <div class="actions">
        <button class="main" type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
        <a class="button" href="/">Stay signed in</a>
      </div>`,
  };
}

export function signedOutPage(): { title: string; body: Html } {
  return {
    title: 'Signed out',
    body: html`<h1>You are signed out</h1>
      <p><a class="button" href="/">Sign in again</a></p>`,
  };
}

export function signInFirstPage(): { title: string; body: Html } {
  return {
    title: 'Sign in first',
    body: html`<h1>Sign in first</h1>
      <p>Connected apps are shown to the person who is signed in.</p>
      <p><a class="button" href="/">Sign in</a></p>`,
  };
}

/** For whoever comes back, in the browser's history, to a sign-in that has led to an app. */
export function signedInAlreadyPage(): { title: string; body: Html } {
  return {
    title: 'Signed in',
    body: html`<h1>You have signed in here already</h1>
      <p>Go forward in your browser to return to the app, or start it again.</p>
      <p><a class="button" href="/">Go to the start page</a></p>`,
  };
}
