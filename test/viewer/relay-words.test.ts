import { expect, test } from 'vitest';
import { relayWord } from '../../viewer/src/components/deliveries/relay-words.ts';
import en from '../../viewer/src/locales/en/index.ts';

// Codes as the page gets them: the mail library's word, the reply (RFC 5321), the enhanced code (RFC 3463).
test.each([
  ['EAUTH 535 5.7.8', 'signIn'],
  ['EAUTH', 'signIn'],
  ['530 5.7.0', 'noTls'],
  ['ETLS', 'noTls'],
  ['ECONNECTION', 'unreachable'],
  ['ECONNREFUSED', 'unreachable'],
  ['ETIMEDOUT', 'timeout'],
  ['EDNS', 'noSuchHost'],
  ['ECERT', 'certificate'],
  ['552 5.2.2', 'full'],
  ['452', 'full'],
  ['452 4.2.2', 'full'],
  ['550 5.1.1', 'noSuchAddress'],
  ['550', 'noSuchAddress'],
  ['550 5.7.1', 'policy'],
  ['554', 'policy'],
  ['553 5.1.8', 'sender'],
  ['552 5.3.4', 'tooLarge'],
  ['450 4.2.0', 'later'],
  ['451 4.7.1', 'later'],
  ['421 4.3.2', 'later'],
  ['failed', 'other'],
  ['', 'other'],
] as const)('%s is told as %s', (answer, word) => {
  expect(relayWord(answer)).toBe(word);
  expect(en.deliveries.answer[word]).toMatch(/\.$/);
});
