/**
 * Messages by language, fetched when somebody reads them: the common ones before the first page, those of the office with its pages.
 * English has the shape that the others keep; a test holds them to it.
 */
import { createI18n } from 'vue-i18n';
import { compileMessage } from './compile-message.ts';
import type en from './en/index.ts';
import type { Group } from './groups.ts';

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
  // Said to be there as far as types go: no language is shown before its messages are.
  const messages = {} as Record<Language, Messages>;
  return createI18n<[Messages], Language, false>({
    legacy: false,
    locale: 'en',
    fallbackLocale: false,
    messages,
    messageCompiler: compileMessage,
  });
}

export type Translations = ReturnType<typeof translations>;

/** Made of the folders of the languages by the build (`words-by-group.ts`). */
const loaders: Record<Language, Record<Group, () => Promise<{ default: Partial<Messages> }>>> = {
  en: {
    common: () => import('virtual:words/en/common'),
    office: () => import('virtual:words/en/office'),
    acts: () => import('virtual:words/en/acts'),
    patient: () => import('virtual:words/en/patient'),
  },
  ta: {
    common: () => import('virtual:words/ta/common'),
    office: () => import('virtual:words/ta/office'),
    acts: () => import('virtual:words/ta/acts'),
    patient: () => import('virtual:words/ta/patient'),
  },
  hi: {
    common: () => import('virtual:words/hi/common'),
    office: () => import('virtual:words/hi/office'),
    acts: () => import('virtual:words/hi/acts'),
    patient: () => import('virtual:words/hi/patient'),
  },
};

/** Those that are there, by language. */
const fetched = new Set<string>();

/** @throws what the browser throws when they cannot be had. */
export async function fetchWords({ global }: Translations, language: Language, group: Group): Promise<void> {
  const name = `${language}/${group}`;
  if (fetched.has(name)) return;
  const { default: messages } = await loaders[language][group]();
  global.mergeLocaleMessage(language, messages);
  fetched.add(name);
}

/** Shows all pages in a language whose messages are there, and says so to screen readers and hyphenation (`<html lang>`). */
export function showLanguage({ global }: Translations, language: Language): void {
  global.locale.value = language;
  document.documentElement.lang = language;
}
