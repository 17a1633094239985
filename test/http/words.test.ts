import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { languages } from '../../server/core/language.ts';
import { html } from '../../server/http/answer/html.ts';
import { askedLanguage } from '../../server/http/words/page-language.ts';
import { refusalIn, refusalWords } from '../../server/http/words/refusal-words.ts';
import { scopeWords } from '../../server/http/words/scope-words.ts';
import { words, type WordKey } from '../../server/http/words/words.ts';
import { placeholders, sourcesBelow, usedKeys } from '../harness/messages.ts';

type Table = Readonly<Record<string, string>>;
const locales = '../../server/http/words/locales';
const table = async (language: string, name: string) =>
  ((await import(/* @vite-ignore */ `${locales}/${language}/${name}.ts`)) as { default: Table }).default;
const sources = sourcesBelow('server', /\.ts$/);
const programs = sources.filter(({ path }) => !path.includes('/locales/')).map(({ text }) => text);

const scripts = { ta: /\p{Script=Tamil}/u, hi: /\p{Script=Devanagari}/u };

describe.each(['index', 'refusals'])('%s', (name) => {
  test.each(['ta', 'hi'] as const)('is whole in %s: every text, in its own script, with the same places', async (language) => {
    const [english, other] = [await table('en', name), await table(language, name)];
    expect(Object.keys(other)).toEqual(Object.keys(english));
    for (const [key, text] of Object.entries(english)) {
      const translated = other[key]!;
      expect(placeholders(translated).filter((one) => !placeholders(text).includes(one)), key).toEqual([]);
      expect(translated.split(' | '), key).toHaveLength(text.split(' | ').length);
      if (name === 'index') expect(placeholders(translated), key).toEqual(placeholders(text));
      if (!isCode(text)) expect(translated, key).toMatch(scripts[language]);
    }
  });
}); // prettier-ignore

/** Nothing but places and names of the standard. */
const isCode = (text: string) => !/\p{Script=Latin}{3,}/u.test(text.replace(/\{\w+\}|\b[A-Z]\w*/g, ''));

test('every file of a language is part of its tables, and every text is said somewhere', async () => {
  const english = await table('en', 'index');
  for (const language of languages) {
    const folder = join(import.meta.dirname, locales, language);
    const named = sources.filter(({ path }) => path.includes(`/locales/${language}/`)).map(({ text }) => text).join();
    expect(readdirSync(folder).filter((file) => file.endsWith('.json') && !named.includes(file))).toEqual([]);
  }
  const used = usedKeys(Object.keys(english), programs);
  expect(Object.keys(english).filter((key) => !used.has(key))).toEqual([]);
}); // prettier-ignore

test('a sentence of the table is one that the program says', async () => {
  // As the compiler joins what stands on several lines, and without what is filled in.
  const said = programs
    .join('\n')
    .replace(/['"`] \+\s*['"`]/g, '')
    .replace(/\\(['"`])/g, '$1');
  const isSaid = (part: string) => part.length < 6 || said.includes(part);
  const unsaid = Object.entries(await table('en', 'refusals')).filter(
    ([key, sentence]) => !key.startsWith('part.') && !sentence.split(/\{\w+\}/).every(isSaid),
  );
  expect(unsaid).toEqual([]);
});

test('a sentence is found by its words, with what is filled in, and words of ours in that too', () => {
  const ta = words('ta');
  expect(refusalWords(ta, 'E-mail address or password is not right.')).toBe('மின்னஞ்சல் முகவரி அல்லது கடவுச்சொல் சரியல்ல.');
  expect(refusalIn('hi', 'Too many wrong passwords. Try again in 17 seconds.')).toBe(
    'बहुत ज़्यादा ग़लत पासवर्ड। 17 सेकंड में फिर कोशिश करें।',
  );
  expect(refusalIn('hi', 'Too many wrong tries. Try again in 5 minutes.')).toBe(
    'बहुत ज़्यादा ग़लत कोशिशें। 5 मिनट में फिर कोशिश करें।',
  );
  expect(refusalIn('ta', 'This is for the role doctor or pharmacist.')).toBe(
    'இது மருத்துவர் அல்லது மருந்தாளர் பொறுப்புக்கானது.',
  );
});

test('a sentence that is not in the table is English, whole, and nothing of it is translated', () => {
  for (const sentence of ['doctor', 'It is this or that.', 'x'.repeat(100_000), 'Try again in 5 minutes.', ''])
    expect(refusalIn('ta', sentence)).toBeUndefined();
  expect(refusalWords(words('ta'), 'Something new.')).toBe('Something new.');
});

test('a hostile sentence costs no time', () => {
  const started = performance.now();
  for (const part of [' or ', 'Too many wrong tries. Try again ', '. ', '(', '\n'])
    refusalIn('hi', part.repeat(2000 / part.length));
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('what is filled in is escaped on a page, and never filled in again', () => {
  const t = words('hi');
  expect(t.html('confirm.lead', { email: html`<strong>${'<a>'}</strong>` }).text).toContain('<strong>&#60;a&#62;</strong>');
  expect(t.html('signIn.to', { app: '{app} <b>' }).text).toContain('{app} &#60;b&#62;');
  expect(t('signIn.to', { app: '{email}' })).toContain('{email}');
  expect(() => t('signIn.to')).toThrow('no value for {app}');
}); // prettier-ignore

test('one and many are told apart as the language does', () => {
  expect(words('en')('factor.trust', { count: 1 })).toMatch(/1 day$/);
  expect(words('en')('factor.trust', { count: 30 })).toMatch(/30 days$/);
  expect(words('ta')('factor.trust', { count: 30 })).toContain('நாட்களுக்கு');
  expect(words('hi')('factor.trust', { count: 1 })).toContain('1 दिन तक');
});

test('a scope reads as a sentence', () => {
  const english = (scope: string) => scopeWords(words('en'), scope);
  expect(english('patient/ImagingStudy.rs')).toBe('See ImagingStudy records of the patient');
  expect(english('user/*.cruds')).toBe('See, add, change and delete all records that you have access to');
  expect(english('patient/Observation.rs?category=laboratory')).toContain('(only category=laboratory)');
  expect(english('offline_access')).toContain('Stay connected');
  expect(english('something-else')).toBe('something-else');
  expect(scopeWords(words('ta'), 'patient/ImagingStudy.rs')).toBe('நோயாளியின் ImagingStudy பதிவுகள்: பார்த்தல்');
  expect(scopeWords(words('hi'), 'user/*.cruds')).toContain('देखना, जोड़ना, बदलना, और हटाना');
});

test.each([
  ['ta', 'ta'],
  ['ta-IN,en;q=0.8', 'ta'],
  ['de-DE,de;q=0.9,hi;q=0.4,en;q=0.3', 'hi'],
  ['en;q=0.1, hi-IN;q=0.9', 'hi'],
  ['ta;q=0, en', 'en'],
  ['*', undefined],
  ['', undefined],
  ['fr, de', undefined],
  ['tamil, ;q=1, hi ; q=nothing', undefined],
])('of Accept-Language %j the best that we speak is %s', (header, language) => {
  expect(askedLanguage({ get: () => header })).toBe(language);
});

test('the names of the languages are each in their own', () => {
  const name: WordKey = 'languageName';
  expect(languages.map((language) => words(language)(name))).toEqual(['English', 'தமிழ்', 'हिन्दी']);
});
