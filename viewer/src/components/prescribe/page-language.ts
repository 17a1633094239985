import { computed, type ComputedRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { doseLanguages, type DoseLanguage } from '../../api/medication/dose-text.ts';

/** The language of the page, as one that doses can be said in. */
export function usePageLanguage(): ComputedRef<DoseLanguage> {
  const { locale } = useI18n();
  return computed(() => doseLanguages.find((language) => locale.value.startsWith(language)) ?? 'en');
}

/** A language by its name in the language of the page. */
export function useLanguageName(): (language: string) => string {
  const { locale } = useI18n();
  return (language) => new Intl.DisplayNames([locale.value], { type: 'language' }).of(language) ?? language;
}
