import { expect, test } from 'vitest';
import { cleanWords, refusalBy, type RelayAnswer } from '../../../server/core/deliveries/relay-answer.ts';
import { afterRefusal, giveUpSeconds, relayPause, tellAfter } from '../../../server/core/deliveries/retry-policy.ts';

test.each<[Partial<RelayAnswer>, string]>([
  [{ step: 'sign-in', code: 'EAUTH', reply: 535, status: '5.7.8' }, 'relay'],
  [{ step: 'sign-in', code: 'EAUTH' }, 'relay'],
  [{ step: 'connection', code: 'ETLS', reply: 502 }, 'relay'],
  [{ step: 'connection', code: 'ESOCKET ECONNREFUSED' }, 'relay'],
  [{ step: 'connection', reply: 554 }, 'relay'],
  [{ step: 'sender', reply: 530, status: '5.7.0' }, 'relay'],
  [{ step: 'sender', reply: 550, status: '5.1.8' }, 'relay'],
  [{ step: 'sender', reply: 553 }, 'relay'],
  [{ step: 'sender', reply: 421 }, 'relay'],
  [{ step: 'recipient', reply: 421, status: '4.7.0' }, 'relay'],
  [{ step: 'recipient', reply: 550, status: '5.7.1' }, 'relay'],
  [{ step: 'recipient', reply: 554, status: '5.7.1' }, 'relay'],
  [{ step: 'recipient', reply: 554 }, 'relay'],
  [{ step: 'recipient', reply: 530 }, 'relay'],
  [{ step: 'recipient', reply: 452, status: '4.3.1' }, 'relay'],
  [{ step: 'recipient', reply: 452 }, 'mailbox'],
  [{ step: 'recipient', reply: 452, status: '4.2.2' }, 'mailbox'],
  [{ step: 'recipient', reply: 552, status: '5.2.2' }, 'mailbox'],
  [{ step: 'recipient', reply: 550, status: '5.2.2' }, 'mailbox'],
  [{ step: 'message', reply: 552, status: '5.2.2' }, 'mailbox'],
  [{ step: 'message', reply: 552 }, 'mailbox'],
  [{ step: 'recipient', reply: 450, status: '4.2.0' }, 'later'],
  [{ step: 'recipient', reply: 451, status: '4.7.1' }, 'later'],
  [{ step: 'recipient', reply: 451 }, 'later'],
  [{ step: 'recipient', reply: 550, status: '5.4.4' }, 'later'],
  [{ step: 'recipient', reply: 550, status: '5.1.1' }, 'address'],
  [{ step: 'recipient', reply: 550 }, 'address'],
  [{ step: 'recipient', reply: 551 }, 'address'],
  [{ step: 'recipient', reply: 553, status: '5.1.3' }, 'address'],
  [{ step: 'recipient', reply: 550, status: '5.2.1' }, 'address'],
  [{ step: 'message', reply: 550, status: '5.1.1' }, 'address'],
  [{ step: 'message', reply: 554, status: '5.6.0' }, 'message'],
  [{ step: 'message', reply: 550, status: '5.7.1' }, 'message'],
  [{ step: 'message', reply: 554 }, 'message'],
  [{ step: 'message', reply: 552, status: '5.3.4' }, 'message'],
  [{ step: 'sender', reply: 552, status: '5.3.4' }, 'message'],
  [{ step: 'message', code: 'EMESSAGE' }, 'message'],
  [{ step: 'message', reply: 451, status: '4.3.0' }, 'relay'],
  [{ step: 'message', reply: 451, status: '4.7.1' }, 'later'],
])('%j is about the %s', (answer, refusal) => {
  expect(refusalBy({ step: 'connection', ...answer })).toBe(refusal);
}); // prettier-ignore

test('tries come apart from 5 seconds to 4 hours, and end after five days', () => {
  const gaps: number[] = [];
  let age = 0;
  for (let tries = 1; tries < 1000; tries++) {
    const next = afterRefusal('report', 'relay', { tries, age });
    if (next.state !== 'waiting') break;
    gaps.push(next.seconds);
    age += next.seconds;
  }
  expect([gaps[0], gaps[1], Math.max(...gaps)]).toEqual([5, 10, 4 * 3600]);
  expect(age).toBeGreaterThan(giveUpSeconds - 4 * 3600);
  expect(age).toBeLessThanOrEqual(giveUpSeconds);
  expect(gaps.length).toBeLessThan(60);
});

test('what is worth nothing later is not tried later; who tests sees the answer now', () => {
  expect(afterRefusal('sign-in-code', 'relay', { tries: 7, age: 290, useful: 300 })).toEqual({ state: 'ended' });
  expect(afterRefusal('test', 'relay', { tries: 1, age: 0 })).toEqual({ state: 'ended' });
  expect(afterRefusal('report', 'address', { tries: 1, age: 0 })).toEqual({ state: 'refused' });
  expect(afterRefusal('report', 'message', { tries: 1, age: 0 })).toEqual({ state: 'ended' });
});

test('an outage is told at once where it is ours to mend, and a relay that fails is left alone for some minutes', () => {
  expect(tellAfter('relay', { step: 'sign-in', code: 'EAUTH', reply: 535 })).toBe(0);
  expect(tellAfter('relay', { step: 'connection', code: 'ESOCKET DEPTH_ZERO_SELF_SIGNED_CERT' })).toBe(0);
  expect(tellAfter('relay', { step: 'connection', code: 'ETLS', reply: 502 })).toBe(0);
  expect(tellAfter('relay', { step: 'connection', code: 'ESOCKET ECONNREFUSED' })).toBe(300);
  expect(tellAfter('relay', { step: 'sign-in', code: 'EAUTH', reply: 454 })).toBe(300);
  expect([1, 2, 3, 4, 30].map(relayPause)).toEqual([0, 0, 20, 40, 900]);
});

test('words of a relay are shown without addresses and secrets, on one line', () => {
  const words =
    '5.1.1 <john.doe@example.org>: no such user\r\nsee https://x.example/?t=QUJDREVGR0hJSktMTU5PUFFSU1RVVg==\u0007';
  const shown = cleanWords(words);
  expect(shown).not.toMatch(/john|QUJD|[\r\n\u0007]/);
  expect(shown).toContain('no such user');
  expect(cleanWords('x '.repeat(1000)).length).toBeLessThanOrEqual(200);
});
