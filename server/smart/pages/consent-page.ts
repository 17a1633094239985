import { describeScope, parseScope } from '../../core/accounts/scopes.ts';
import { html, type Html } from './html.ts';
import { cancelForm } from './sign-in-page.ts';

export interface ConsentPage {
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
export function consentPage(page: ConsentPage): { title: string; body: Html } {
  return {
    title: 'Allow access',
    body: html`<h1>Allow ${page.appName}?</h1>
      <p class="quiet">You are signed in as ${page.userName}. The app returns to ${page.returnsTo}.</p>
      <form method="post" action="/interaction/${page.uid}/consent">
        <input type="hidden" name="proof" value="${page.proof}" />
        <fieldset>
          <legend>It asks to</legend>
          ${page.scopes.map((scope) => choice(scope))}
        </fieldset>
        <p class="quiet">
          You can take the permission back at any time under <a href="/connected-apps">connected apps</a>.
        </p>
        <div class="actions"><button class="main" type="submit">Allow</button></div>
      </form>
      ${cancelForm(page.uid, page.proof)}`,
  };
}

function choice(scope: string): Html {
  if (!isOptional(scope)) {
    return html`<label class="choice"
      ><input type="checkbox" checked disabled /><span>${describeScope(scope)}</span></label
    >`;
  }
  return html`<label class="choice">
    <input type="checkbox" name="scope" value="${scope}" checked />
    <span
      >${describeScope(scope)}${parseScope(scope) !== undefined && html`<br /><span class="quiet">${scope}</span>`}</span
    >
  </label>`;
}

/** Without these the app could not even say who came back. */
export function isOptional(scope: string): boolean {
  return scope !== 'openid' && !scope.startsWith('launch');
}
