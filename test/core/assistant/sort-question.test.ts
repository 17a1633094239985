import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answerQuestion } from '../../../server/core/assistant/answer-question.ts';
import { QuestionPace } from '../../../server/core/assistant/question-pace.ts';
import { sortQuestion } from '../../../server/core/assistant/sort-question.ts';
import { isTypingError } from '../../../server/core/assistant/typing-error.ts';
import { topics } from '../../../server/core/assistant/topics.ts';
import type { Role } from '../../../server/core/principal.ts';

// The first list was written before the tables and apart from them, the second after them, the third when the tables
// did well on both: at its first sight 102 of 120 (English), 53 of 60 (Tamil) and 53 of 60 (Hindi) were right; of the
// fourth, by somebody who knew neither tables nor lists, 113 of 120, 59 of 60 and 60 of 60. All were looked at after that:
// they hold what is right, and do not tell how new questions fare.
const lists = ['en', 'ta', 'hi', 'second-en', 'second-ta', 'second-hi', 'third-en', 'third-ta', 'third-hi', 'fourth-en', 'fourth-ta', 'fourth-hi'] as const; // prettier-ignore

function listed(name: string): { text: string; wanted: string }[] {
  const path = join(import.meta.dirname, 'paraphrases', `${name}.json`);
  const byCategory = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string[]>;
  return Object.entries(byCategory).flatMap(([wanted, texts]) => texts.map((text) => ({ text, wanted })));
}

function sorted(text: string): string {
  const { topic, danger } = sortQuestion(text);
  return danger ? 'emergency' : topics[topic].category;
}

describe.each(lists)('of the list %s', (name) => {
  const list = listed(name);

  test('at least 95 of 100 questions get an answer of their category', () => {
    const wrong = list.filter(({ text, wanted }) => sorted(text) !== wanted);
    expect(1 - wrong.length / list.length, JSON.stringify(wrong)).toBeGreaterThanOrEqual(0.95);
  });

  test('every sign of danger is answered as one, and nothing else is', () => {
    const isEmergency = (kind: string) => kind === 'emergency';
    expect(list.filter(({ text, wanted }) => isEmergency(sorted(text)) !== isEmergency(wanted))).toEqual([]);
  });
});

test('the lists are long enough to say something', () => {
  expect(lists.slice(0, 3).map((name) => listed(name).length)).toEqual([249, 94, 94]);
});

test('a word is found as a whole, never in another one', () => {
  expect(sorted('history of my scans')).toBe('scan');
  expect(sorted('x-ray machine')).toBe('medical');
  expect(sorted('contact')).toBe('support');
  expect(sorted('chinchilla')).toBe('fallback');
});

test('one typing error is forgiven in words of five letters or more, two are not', () => {
  for (const typed of ['pasword', 'passwordd', 'passwrod', 'pbssword', 'assword'])
    expect(isTypingError(typed, 'password'), typed).toBe(true);
  for (const typed of ['pswrd', 'pass', 'pasbsworrd']) expect(isTypingError(typed, 'password'), typed).toBe(false);
  expect(isTypingError('cart', 'chat')).toBe(false);
  expect(isTypingError('spelling', 'swelling')).toBe(true);
  expect(sorted('spelling')).toBe('fallback');
  expect(isTypingError('பயக்க', 'மயக்க')).toBe(false);
});

test('what is asked in general tells of no danger, what a person has does', () => {
  for (const text of [
    'what is a stroke',
    'can chest pain be seen on x-ray',
    'symptoms of a heart attack',
    'how is a brain bleed detected on ct, and how much blood',
    'do I have to hold my breath for the chest ct',
    'stroke kya hota hai',
    'लकवा क्या होता है',
    'பக்கவாதம் என்றால் என்ன',
  ])
    expect(sorted(text), text).toBe('medical');
  for (const text of [
    'what is this pain in my chest',
    'is it a stroke if his face droops',
    'what does it mean when I cannot breathe',
    'stroke kya hota hai, papa ka muh tedha ho gaya',
    'அப்பாவுக்கு பக்கவாதம், என்ன செய்வது',
  ])
    expect(sorted(text), text).toBe('emergency');
  expect(sorted('the app is not responding')).toBe('support');
  expect(sorted('how many tablets can I enter in the prescription')).toBe('workflow');
}); // prettier-ignore

test.each(['constructor', 'toString', '\u0000', '👩‍⚕️', 'ก็', '𝕏', '"; drop table', '<b>'.repeat(300)])(
  'what is no question is the fallback: %j',
  (text) => expect(sorted(text)).toBe('fallback'),
);

test('the longest question of unknown words is answered in a moment', () => {
  const text = Array.from({ length: 142 }, (_none, at) => `zq${at}xvk`)
    .join(' ')
    .slice(0, 1000);
  const begin = performance.now();
  sorted(text);
  expect(performance.now() - begin).toBeLessThan(1000);
});

const site = { name: 'St. Mary', phone: '+91 44 2345' };
const ask = (text: string, role: Role = 'patient', language: 'en' | 'ta' | 'hi' = 'en') =>
  answerQuestion({ text, language, role, site });

test('danger is answered with the emergency number and the site’s telephone, without links and without a diagnosis', () => {
  for (const [text, language] of [
    ['chest pain since morning, how do I upload my scan', 'en'],
    ['நெஞ்சு வலி', 'ta'],
    ['सीने में दर्द', 'hi'],
  ] as const) {
    const answer = ask(text, 'patient', 'en');
    expect(answer).toMatchObject({ category: 'medical', urgent: true, links: [], language });
    expect(answer.text).toContain('112');
    expect(answer.text).toContain('+91 44 2345');
    expect(answer.text).not.toMatch(/heart attack|pneumonia|you have/i);
  }
  expect(ask('I want to end my life').text).toContain('14416');
  expect(answerQuestion({ text: 'not breathing', language: 'en', role: 'doctor', site: { name: 'X' } }).text).not.toMatch(/[{}]/);
}); // prettier-ignore

test('every topic has an answer in three languages without holes, and links only where the role may go', () => {
  for (const language of ['en', 'ta', 'hi'] as const)
    for (const { text } of listed('en').slice(25)) {
      const answer = ask(text, 'patient', language);
      expect(answer.text, text).not.toMatch(/[{}]|undefined/);
      expect(answer.language).toBe(language);
      expect(answer.links.map(({ to }) => to).filter((to) => !['/patient', '/account', '/help'].includes(to))).toEqual([]);
    }
  expect(ask('edit the prescription templates', 'admin').links[0]).toEqual({
    to: '/templates',
    label: 'Prescription templates',
  });
  expect(ask('where is the system health page', 'admin').links[0]).toEqual({ to: '/system', label: 'System' });
  expect(ask('invite a doctor', 'admin').links).toContainEqual({ to: '/users', label: 'Users' });
}); // prettier-ignore

test('an account may ask thirty times in a minute, another one meanwhile too', () => {
  const pace = new QuestionPace();
  const at = (seconds: number) => new Date(seconds * 1000);
  for (let i = 0; i < 30; i++) expect(pace.take('a', at(i))).toBe(0);
  expect(pace.take('a', at(30))).toBe(30);
  expect(pace.take('b', at(30))).toBe(0);
  expect(pace.take('a', at(61))).toBe(0);
});
