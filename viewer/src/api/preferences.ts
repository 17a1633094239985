/** How this person wants the pages to be (`/portal/me/preferences`): kept with the account, the same on every device. */
import type { Language } from '../locales/messages.ts';
import type { Theme } from '../theme.ts';
import { jsonCalls } from './json-calls.ts';
import type { AuthorizedFetch } from './http.ts';

/** A list as somebody wants to find it again. */
export interface SavedView {
  /** The list it is of, such as `doctor`. */
  page: string;
  name: string;
  /** The page's address query, without the question mark. */
  query: string;
}

export interface Preferences {
  language?: Language;
  theme?: Theme;
  views?: SavedView[];
}

/** Each key that is named is replaced as a whole; null takes the wish back. */
export interface PreferencesChange {
  language?: Language;
  theme?: Theme | null;
  views?: SavedView[] | null;
}

export interface PreferencesClient {
  read(signal?: AbortSignal): Promise<Preferences>;
  change(change: PreferencesChange): Promise<Preferences>;
}

export function preferencesClient(send: AuthorizedFetch, base: string): PreferencesClient {
  const calls = jsonCalls(send, base);
  return {
    read: (signal) => calls.get('', {}, signal),
    change: (change) => calls.send('PATCH', '', change),
  };
}
