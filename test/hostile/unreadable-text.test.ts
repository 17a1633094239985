import { expect, test } from 'vitest';
import { hasControls, hasInk } from '../../server/core/readable-text.ts';

const named = (text: string) =>
  [...text].map((one) => `U+${one.codePointAt(0)!.toString(16).padStart(4, '0')}`).join(' ');

test.each(
  [
    ...['', ' ', '\t\r\n', '\u00a0', '\u2003', '\u3000', '\u2028\u2029', '\u0085', '\u0000'],
    ...[
      '\u200b\u200b\u200d\ufeff',
      '\u2060',
      '\u00ad',
      '\u034f',
      '\u061c',
      '\u180e',
      '\u200e\u200f',
      '\u202e',
      '\u2066\u2069',
    ],
    ...['\u115f', '\u1160', '\u3164', '\uffa0', '\u17b4\u17b5', '\u2800', '\u2800\u2800 \u3164'],
    ...['\u0301', '\u20dd', '\ufe0f', '\u{e0100}', '\u{e0041}', '\u{1d159}', '\u{1d173}', '\u{13441}', '\ufffc'],
    ...['\ue000', '\u{f0000}', '\ufdd0', '\uffff', '\ud800', '\u0378'],
  ].map((text) => [named(text), text]),
)('%s is nothing to read', (_, text) => {
  expect(hasInk(text)).toBe(false);
  expect(hasInk(`${text}a${text}`)).toBe(true);
});

test.each(['a', '7', '-', '…', '+', '€', '肺', 'ع', 'क', '👍', '①', '\u200ba', 'e\u0301'])('%j can be read', (text) => {
  expect(hasInk(text)).toBe(true);
});

test('a missing text is nothing to read; line ends and tabs are no control characters', () => {
  expect(hasInk(undefined)).toBe(false);
  expect(['a\tb\r\nc', 'ä', '\u200b'].some(hasControls)).toBe(false);
  expect(['a\u0000', '\u001b[0m', '\u007f', '\u0085'].every(hasControls)).toBe(true);
});
