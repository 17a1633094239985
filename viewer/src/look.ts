/**
 * Language and look of the pages. What counts, first to last: the profile of who is signed in, what was chosen on this device, the
 * browser's languages, the site's. A choice is kept on the device, for the sign-in pages and the next visit, and in the profile.
 */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { Preferences, PreferencesChange } from './api/preferences.ts';
import { chosenOnDevice, keepOnDevice } from './device-choice.ts';
import type { Group } from './locales/groups.ts';
import { fetchWords, ourLanguage, showLanguage, type Language, type Translations } from './locales/messages.ts';
import { applyTheme, followDevice, ourTheme, usualTheme, type Theme } from './theme.ts';

export const useLook = defineStore('look', () => {
  const language = ref<Language>('en');
  const theme = ref<Theme>(usualTheme);
  /** Somebody, or the browser, has said which language: the site's is not asked for any more. */
  let isSaid = false;
  let words: Translations | undefined;
  /** What the pages that were opened speak with. */
  const wanted = new Set<Group>(['common']);
  let begun: Promise<void> = Promise.reject(new Error('look used before begin()'));
  begun.catch(() => undefined);

  /** Before the first page: without an answer from the server, so that the first words are in the right language. */
  function begin(translations: Translations): Promise<void> {
    words = translations;
    theme.value = ourTheme(chosenOnDevice('theme')) ?? usualTheme;
    applyTheme(theme.value);
    followDevice();
    const said = ourLanguage(chosenOnDevice('language')) ?? navigator.languages.map(ourLanguage).find(Boolean);
    isSaid = said !== undefined;
    begun = speak(translations, said ?? 'en').catch(() => speak(translations, 'en'));
    return begun;
  }

  async function speak(translations: Translations, next: Language): Promise<void> {
    await Promise.all([...wanted].map((group) => fetchWords(translations, next, group)));
    showLanguage(translations, next);
    language.value = next;
  }

  /** Before a page, or a part of one, that speaks with words of this group. */
  async function need(group: Group): Promise<void> {
    wanted.add(group);
    await begun;
    // The language may change while its words are on their way.
    for (let spoken: Language | undefined; spoken !== language.value; ) {
      spoken = language.value;
      await fetchWords(words!, spoken, group);
    }
  }

  async function takeSite(siteLanguages: readonly string[]): Promise<void> {
    const usual = isSaid ? undefined : siteLanguages.map(ourLanguage).find(Boolean);
    if (usual && words) await speak(words, usual);
  }

  /** What the person who is signed in wants counts, and is remembered for the pages before the next sign-in. */
  async function takeProfile(profile: Pick<Preferences, 'language' | 'theme'>): Promise<void> {
    if (profile.theme) takeTheme(profile.theme);
    if (profile.language) await takeLanguage(profile.language);
  }

  async function takeLanguage(next: Language): Promise<void> {
    isSaid = true;
    keepOnDevice('language', next);
    if (next !== language.value && words) await speak(words, next);
  }

  function takeTheme(next: Theme): void {
    keepOnDevice('theme', next);
    theme.value = next;
    applyTheme(next);
  }

  /** @param keep writes it into the profile, if somebody is signed in. */
  async function choose(change: Pick<PreferencesChange, 'language'> & { theme?: Theme }, keep?: (change: PreferencesChange) => Promise<unknown>) {
    if (change.theme) takeTheme(change.theme);
    if (change.language) await takeLanguage(change.language);
    await keep?.(change);
  }

  return { language, theme, begin, need, takeSite, takeProfile, choose };
}); // prettier-ignore
