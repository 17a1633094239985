import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createI18n } from 'vue-i18n';
import { compileMessage } from '../../viewer/src/locales/compile-message.ts';
import { sectionOf } from '../../viewer/src/locales/groups.ts';
import en from '../../viewer/src/locales/en/index.ts';
import hi from '../../viewer/src/locales/hi/index.ts';
import ta from '../../viewer/src/locales/ta/index.ts';
import { flat, placeholders, sourcesBelow, usedKeys } from '../harness/messages.ts';

const english = flat(en);
const translations = [
  ['ta', flat(ta), /\p{Script=Tamil}/u],
  ['hi', flat(hi), /\p{Script=Devanagari}/u],
] as const;
const sources = sourcesBelow('viewer/src', /\.(vue|ts)$/).filter(({ path }) => !path.includes('/locales/'));

/** Names, which may be the same in every language: of the product, of medicines, of a figure in statistics. */
const isName = (key: string) => /^(brand\.name|template\.\w+\.label|models\.metric\.macroF1)$/.test(key);
const latinWord = /\p{Script=Latin}{3,}/u;

test('every file of a language is one of its sections, and the languages have the same', () => {
  for (const language of ['en', 'ta', 'hi']) {
    const folder = join(import.meta.dirname, '../../viewer/src/locales', language);
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
    expect(files.map(sectionOf).sort(), language).toEqual(Object.keys(en).sort());
  }
});

describe.each(translations)('%s', (_language, messages, script) => {
  test('has every message of English and no other', () => {
    expect([...english.keys()].filter((key) => !messages.has(key))).toEqual([]);
    expect([...messages.keys()].filter((key) => !english.has(key))).toEqual([]);
  });

  test('is written in its own script', () => {
    const plain = [...english].filter(([key, text]) => !isName(key) && latinWord.test(spoken(text)));
    expect(plain.filter(([key]) => !script.test(messages.get(key)!)).map(([key]) => `${key}: ${messages.get(key)}`)).toEqual([]);
  }); // prettier-ignore

  test('keeps every place for a value, and the forms for one and many', () => {
    const broken = [...english].filter(([key, text]) => {
      const other = messages.get(key)!;
      const isSame = placeholders(text).join() === placeholders(other).join();
      return !isSame || text.split(' | ').length !== other.split(' | ').length;
    });
    expect(broken.map(([key, text]) => `${key}: ${text} -> ${messages.get(key)}`)).toEqual([]);
  });
});

/** Without what is no speech: places for values, and what stands in capitals as the codes of standards do. */
function spoken(text: string): string {
  return text.replace(/\{\w+\}/g, '').replace(/\b[A-Z][A-Z0-9-]+\b/g, '');
}

test('every message can be read, in each of its forms', () => {
  const faults: string[] = [];
  for (const [locale, messages] of [['en', english], ...translations.map(([name, all]) => [name, all] as const)] as const) {
    const { global } = createI18n({ legacy: false, locale, messageCompiler: compileMessage, fallbackWarn: false, missingWarn: false, messages: { [locale]: Object.fromEntries(messages) as never } });
    for (const [key, text] of messages) {
      const values = Object.fromEntries(placeholders(text).map((name) => [name, `<${name}>`]));
      const forms = text.split(' | ').map((_form, count) => String(global.t(key, { ...values, count }, count)));
      const isWhole = forms.every((form) => form !== '' && form !== key && !/[{}|]/.test(form));
      if (!isWhole) faults.push(`${locale} ${key}: ${forms.join(' / ')}`);
    }
  }
  expect(faults).toEqual([]);
}); // prettier-ignore

test('what a page asks for is there', () => {
  const sections = new Set(Object.keys(en));
  const asked = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/\b(?:t|rt|tm)\(\s*(['"`])([A-Za-z][\w-]*(?:\.[\w-]+)+)\1/g)].map(([, , key]) => ({ path, key: key! })),
  );
  const isThere = (key: string) => english.has(key) || [...english.keys()].some((each) => each.startsWith(`${key}.`));
  expect(asked.filter(({ key }) => sections.has(key.split('.')[0]!) && !isThere(key))).toEqual([]);
  expect(asked.filter(({ key }) => !sections.has(key.split('.')[0]!))).toEqual([]);
}); // prettier-ignore

test('no message is there for nothing', () => {
  const used = usedKeys(english.keys(), sources.map(({ text }) => text)); // prettier-ignore
  expect([...english.keys()].filter((key) => !used.has(key))).toEqual([]);
});
