/**
 * What our own pages say, in the languages that they speak. A page is given the words of the language in which it is shown, so that
 * no page is of two languages.
 */
import { languages, type Language } from '../../core/language.ts';
import { html, Html } from '../answer/html.ts';
import en from './locales/en/index.ts';
import hi from './locales/hi/index.ts';
import ta from './locales/ta/index.ts';

export type WordKey = keyof typeof en;
type Plain = string | number;

/** What a key says, with its `{names}` filled in. Of "one | many" the form that `count` asks for in this language is taken. */
export interface Words {
  (key: WordKey, values?: Record<string, Plain>): string;
  /** The same as HTML: the text and what is plain are escaped, what is HTML already stands as it is. */
  html(key: WordKey, values: Record<string, Plain | Html>): Html;
  language: Language;
}

const tables: Record<Language, Readonly<Record<WordKey, string>>> = { en, ta, hi };
const made = new Map(languages.map((language) => [language, wordsIn(language)]));

export function words(language: Language): Words {
  return made.get(language)!;
}

function wordsIn(language: Language): Words {
  const plural = new Intl.PluralRules(language);
  const template = (key: WordKey, { count }: Record<string, unknown>): string => {
    const forms = tables[language][key].split(' | ');
    return (forms.length > 1 && typeof count === 'number' && plural.select(count) !== 'one' ? forms[1] : forms[0])!;
  };
  const say = (key: WordKey, values: Record<string, Plain> = {}): string =>
    filled(template(key, values), (name) => String(known(values, name)));
  const sayHtml = (key: WordKey, values: Record<string, Plain | Html>): Html => {
    const escaped = html`${template(key, values)}`.text;
    return new Html(filled(escaped, (name) => html`${known(values, name)}`.text));
  };
  return Object.assign(say, { html: sayHtml, language });
}

/** Names in braces; the placeholders of a template are its own, never a value's. */
export function filled(template: string, value: (name: string) => string): string {
  return template.replace(/\{(\w+)\}/g, (_all, name: string) => value(name));
}

function known<T>(values: Record<string, T>, name: string): T {
  const value = Object.entries(values).find(([key]) => key === name)?.[1];
  if (value === undefined) throw new Error(`no value for {${name}}`);
  return value;
}
