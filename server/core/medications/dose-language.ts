import { type DoseLanguage, doseLanguages } from './dose-text.ts';

/**
 * In which language a site's records are written: its first one, as far as doses can be said in it, else English. A record
 * has one language, whoever writes and whoever reads it.
 *
 * @param tags BCP 47, the usual one first.
 */
export function doseLanguageOf(tags: readonly string[]): DoseLanguage {
  const first = tags[0]?.split('-')[0]?.toLowerCase();
  return doseLanguages.find((language) => language === first) ?? 'en';
}
