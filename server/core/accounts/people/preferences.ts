import type { Theme } from './themes.ts';

/** A list as somebody wants to find it again: the page, and its filters as they stand in the page's address. */
export interface SavedView {
  page: string;
  name: string;
  query: string;
}

/**
 * How somebody wants our own pages to be. Nothing here changes what anybody may see or do; what is undefined is left to
 * the site, the browser or the page.
 */
export interface Preferences {
  theme?: Theme;
  views?: SavedView[];
}

/** Each key is replaced as a whole; null takes the wish back. */
export type PreferencesChange = { [Name in keyof Preferences]?: Preferences[Name] | null };

export interface PreferenceStore {
  of(accountId: string): Promise<Preferences>;
  /** Two changes of different keys at the same moment are both kept. */
  change(accountId: string, change: PreferencesChange): Promise<void>;
}
