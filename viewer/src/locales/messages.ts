/** Messages by language. English is typed and always there; the others are loaded when somebody reads them. */
import { createI18n } from 'vue-i18n';
import en from './en/index.ts';

export type Messages = typeof en;

declare module 'vue-i18n' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- vue-i18n takes its message type by merging
  export interface DefineLocaleMessage extends Messages {}
}

export const languages = ['en', 'ta', 'hi'] as const;
export type Language = (typeof languages)[number];

/** Each language's own name, for who cannot read the one that is shown. */
export const languageNames: Record<Language, string> = { en: 'English', ta: 'தமிழ்', hi: 'हिन्दी' };

/** The language of ours that a BCP 47 tag asks for; undefined for one that the pages do not speak. */
export function ourLanguage(tag: string | null | undefined): Language | undefined {
  const primary = tag?.split(/[-_]/, 1)[0]?.toLowerCase();
  return languages.find((language) => language === primary);
}

export function translations() {
  // Said to be there as far as types go: `setLanguage` shows no language before its messages are.
  const messages = { en } as Record<Language, Messages>;
  return createI18n<[Messages], Language, false>({ legacy: false, locale: 'en', fallbackLocale: 'en', messages });
}

export type Translations = ReturnType<typeof translations>;

const loaders = {
  ta: () => import('./ta/index.ts'),
  hi: () => import('./hi/index.ts'),
} as const;

/**
 * Shows all pages in a language, and says so to screen readers and hyphenation (`<html lang>`). Its messages are fetched the
 * first time; the page stays in the language it had when they cannot be.
 */
export async function setLanguage({ global }: Translations, language: Language): Promise<void> {
  if (language !== 'en' && !global.availableLocales.includes(language)) {
    const { default: messages } = await loaders[language]();
    global.setLocaleMessage(language, messages as unknown as Messages);
  }
  global.locale.value = language;
  document.documentElement.lang = language;
}
