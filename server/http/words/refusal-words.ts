/**
 * What the server says of a refusal, in the languages of the pages. The core says it in English, once and beside the rule; here the
 * sentence is found again by its words, so that no rule has to know of languages. A test holds the table to the sentences of the program.
 */
import type { ParameterizedContext } from 'koa';
import { own } from '../../core/table.ts';
import type { Language } from '../../core/language.ts';
import en from './locales/en/refusals.ts';
import hi from './locales/hi/refusals.ts';
import ta from './locales/ta/refusals.ts';
import { askedLanguage } from './page-language.ts';
import { filled, type Words } from './words.ts';

type RefusalKey = keyof typeof en;

const tables: Record<Exclude<Language, 'en'>, Readonly<Record<RefusalKey, string>>> = { ta, hi };

/** Sentences carry parts of what a caller sent; past this length they are no sentences of ours. */
const longest = 2_000;

interface Pattern {
  key: RefusalKey;
  pattern: RegExp;
}

let patterns: readonly Pattern[] | undefined;

/** The sentence in the language of the page, or as it is where it has no translation. */
export function refusalWords({ language }: Pick<Words, 'language'>, sentence: string): string {
  return refusalIn(language, sentence) ?? sentence;
}

/** Words of the server in an answer to our own pages, in the language that they ask for; what is not in the table stays English. */
export function spokenTo(ctx: Pick<ParameterizedContext, 'get'>, text: string): string {
  return refusalIn(askedLanguage(ctx) ?? 'en', text) ?? text;
}

/** @returns undefined for a sentence that is not in the table: it is English then. */
export function refusalIn(language: Language, sentence: string): string | undefined {
  return language === 'en' ? sentence : translated(language, sentence, false);
}

/** What is filled in may be words of ours itself: a role, a time. Those (`part.`) are no sentences, and found inside of one only. */
function translated(language: Exclude<Language, 'en'>, text: string, isPart: boolean): string | undefined {
  if (text.length > longest) return undefined;
  for (const { key, pattern } of (patterns ??= compiled())) {
    const found = key.startsWith('part.') === isPart ? pattern.exec(text) : null;
    if (!found) continue;
    const value = (name: string) => own(found.groups ?? {}, name) ?? '';
    return filled(tables[language][key], (name) => translated(language, value(name), true) ?? value(name));
  }
  return undefined;
}

/** The most definite first: a template that is nothing but a place for words must not hide the others. */
function compiled(): Pattern[] {
  const said = (template: string) => template.replace(/\{\w+\}/g, '').length;
  return (Object.entries(en) as [RefusalKey, string][])
    .sort(([, a], [, b]) => said(b) - said(a))
    .map(([key, template]) => ({ key, pattern: new RegExp(`^${patternOf(template)}$`, 's') }));
}

function patternOf(template: string): string {
  return template
    .split(/(\{\w+\})/)
    .map((part) =>
      /^\{\w+\}$/.test(part) ? `(?<${part.slice(1, -1)}>.+?)` : part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'),
    )
    .join('');
}
