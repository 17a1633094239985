/**
 * Language and look of the pages. What counts, first to last: the profile of who is signed in, what was chosen on this device, the
 * browser's languages, the site's. A choice is kept on the device, for the sign-in pages and the next visit, and in the profile.
 */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { Preferences, PreferencesChange } from './api/preferences.ts';
import { chosenOnDevice, keepOnDevice } from './device-choice.ts';
import { ourLanguage, setLanguage, type Language, type Translations } from './locales/messages.ts';
import { applyTheme, followDevice, ourTheme, usualTheme, type Theme } from './theme.ts';

export const useLook = defineStore('look', () => {
  const language = ref<Language>('en');
  const theme = ref<Theme>(usualTheme);
  /** Somebody, or the browser, has said which language: the site's is not asked for any more. */
  let isSaid = false;
  let words: Translations | undefined;

  /** Before the first page: without an answer from the server, so that the first words are in the right language. */
  async function begin(translations: Translations): Promise<void> {
    words = translations;
    theme.value = ourTheme(chosenOnDevice('theme')) ?? usualTheme;
    applyTheme(theme.value);
    followDevice();
    const said = ourLanguage(chosenOnDevice('language')) ?? navigator.languages.map(ourLanguage).find(Boolean);
    isSaid = said !== undefined;
    // The pages are there in English when the messages cannot be fetched.
    if (said) await speak(said).catch(() => undefined);
  }

  async function speak(wanted: Language): Promise<void> {
    if (!words) throw new Error('look used before begin()');
    await setLanguage(words, wanted);
    language.value = wanted;
  }

  async function takeSite(siteLanguages: readonly string[]): Promise<void> {
    const usual = isSaid ? undefined : siteLanguages.map(ourLanguage).find(Boolean);
    if (usual) await speak(usual);
  }

  /** What the person who is signed in wants counts, and is remembered for the pages before the next sign-in. */
  async function takeProfile(wanted: Pick<Preferences, 'language' | 'theme'>): Promise<void> {
    if (wanted.theme) showTheme(wanted.theme);
    if (wanted.language) await showLanguage(wanted.language);
  }

  async function showLanguage(wanted: Language): Promise<void> {
    isSaid = true;
    keepOnDevice('language', wanted);
    if (wanted !== language.value) await speak(wanted);
  }

  function showTheme(wanted: Theme): void {
    keepOnDevice('theme', wanted);
    theme.value = wanted;
    applyTheme(wanted);
  }

  /** @param keep writes it into the profile, if somebody is signed in. */
  async function choose(change: Pick<PreferencesChange, 'language'> & { theme?: Theme }, keep?: (change: PreferencesChange) => Promise<unknown>) {
    if (change.theme) showTheme(change.theme);
    if (change.language) await showLanguage(change.language);
    await keep?.(change);
  }

  return { language, theme, begin, takeSite, takeProfile, choose };
}); // prettier-ignore
