import { parseScope } from '../../core/accounts/scopes.ts';
import { scopeWords } from '../../http/words/scope-words.ts';
import type { Words } from '../../http/words/words.ts';
import { html, type Html } from './html.ts';
import type { Page } from './layout.ts';
import { cancelForm } from './sign-in-page.ts';

export interface ConsentPage {
  words: Words;
  uid: string;
  proof: string;
  appName: string;
  appUri?: string;
  userName: string;
  /** Where the browser goes afterwards: the one fact about an app that cannot be made up. */
  returnsTo: string;
  scopes: string[];
}

/** Everything but the sign-in itself can be unticked. */
export function consentPage(page: ConsentPage): Page {
  const { words: t } = page;
  const apps = html`<a href="/connected-apps">${t('consent.apps')}</a>`;
  return {
    title: t('consent.title'),
    body: html`<h1>${t('consent.heading', { app: page.appName })}</h1>
      <p class="quiet">${t('consent.who', { name: page.userName, address: page.returnsTo })}</p>
      <form method="post" action="/interaction/${page.uid}/consent">
        <input type="hidden" name="proof" value="${page.proof}" />
        <fieldset>
          <legend>${t('consent.asks')}</legend>
          ${page.scopes.map((scope) => choice(t, scope))}
        </fieldset>
        <p class="quiet">${t.html('consent.takeBack', { apps })}</p>
        <div class="actions"><button class="main" type="submit">${t('consent.allow')}</button></div>
      </form>
      ${cancelForm(page)}`,
  };
}

function choice(t: Words, scope: string): Html {
  const said = scopeWords(t, scope);
  if (!isOptional(scope))
    return html`<label class="choice"><input type="checkbox" checked disabled /><span>${said}</span></label>`;
  return html`<label class="choice">
    <input type="checkbox" name="scope" value="${scope}" checked />
    <span
      >${said}${parseScope(scope) !== undefined && html`<br /><span class="quiet" translate="no">${scope}</span>`}</span
    >
  </label>`;
}

/** Without these the app could not even say who came back. */
export function isOptional(scope: string): boolean {
  return scope !== 'openid' && !scope.startsWith('launch');
}
