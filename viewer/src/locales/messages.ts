/** Messages by language. English is typed and always there; the others are loaded when somebody reads them. */
import { createI18n } from 'vue-i18n';
import en from './en/index.ts';

export type Messages = typeof en;

declare module 'vue-i18n' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- vue-i18n takes its message type by merging
  export interface DefineLocaleMessage extends Messages {}
}

export function translations() {
  return createI18n({ legacy: false, locale: 'en', fallbackLocale: 'en', messages: { en } });
}
