import type { Words } from '../../http/words/words.ts';
import { html, type Html } from './html.ts';

/** Shows what is typed, for who cannot type it unseen; without script there is no such button. */
export function showButton(t: Words): Html {
  return html`<button
    type="button"
    data-shows="password"
    data-show="${t('signIn.show')}"
    data-hide="${t('signIn.hide')}"
    aria-controls="password"
    aria-pressed="false"
    aria-label="${t('signIn.showPassword')}"
    hidden
  >
    ${t('signIn.show')}
  </button>`;
}
