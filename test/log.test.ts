import { expect, test } from 'vitest';
import { Problem } from '../server/core/problem.ts';
import { parsePatch } from './harness/thrower.ts';
import { createLogger } from '../server/log.ts';

const secret = 'Rao^Arjun';

function logged(err: unknown): Record<string, unknown> {
  let line = '';
  const log = createLogger('info', { write: (text: string) => (line = text) });
  log.error({ err, patient: secret, requestId: 'r-1' }, 'unexpected fault');
  expect(line).not.toContain(secret);
  expect(JSON.parse(line)).toMatchObject({ requestId: 'r-1', msg: 'unexpected fault' });
  return (JSON.parse(line) as { err: Record<string, unknown> }).err;
}

test('a Problem is told with its sentence, its code and what caused it', () => {
  const cause = Object.assign(new Error(`connect ECONNREFUSED ${secret}`), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  });
  expect(logged(new Problem('transient', 'The database is not available.', { cause }))).toMatchObject({
    type: 'Problem',
    message: 'The database is not available.',
    code: 'transient',
    cause: { type: 'Error', code: 'ECONNREFUSED', syscall: 'connect' },
  });
});

test("PostgreSQL's errors are told by state, constraint, table and routine, never by the words that quote a value", () => {
  const err = Object.assign(new Error(`duplicate key value: ${secret}`), {
    code: '23505', severity: 'ERROR', constraint: 'account_email', table: 'account', routine: '_bt_check_unique', detail: `Key (email)=(${secret}) exists`,
  }); // prettier-ignore
  expect(logged(err)).toMatchObject({ code: '23505', constraint: 'account_email', table: 'account' });
  expect(logged(err)).not.toHaveProperty('message');
});

test.each([
  ['JSON.parse', () => JSON.parse(`{"name":${secret}`) as unknown],
  ['URL', () => new URL(secret)],
  ['BigInt', () => BigInt(secret)],
  ['Buffer', () => Buffer.alloc(secret as unknown as number)],
  ['a key of nothing', () => (undefined as unknown as Record<string, unknown>)[secret]],
  ['Intl', () => new Intl.DateTimeFormat('en', { timeZone: secret })],
  ['a message that looks like a stack', () => { throw new Error(`x\n    at ${secret} (y:1:1)`); }],
])('what %s says of a value stays out of the log', (_what, fail) => {
  let caught: unknown;
  try { fail(); } catch (error) { caught = error; }
  expect(caught).toBeInstanceOf(Error);
  expect((logged(caught).stack as string[]).length).toBeGreaterThan(0);
}); // prettier-ignore

test("the engine's own error in our code is told, without what it quotes", () => {
  let caught: unknown;
  try { parsePatch(secret); } catch (error) { caught = error; }
  expect(logged(caught)).toMatchObject({ type: 'SyntaxError' });
}); // prettier-ignore

test('relays and the operating system are told by their codes', () => {
  const refused = Object.assign(new Error(`535 ${secret}`), {
    code: 'EAUTH',
    responseCode: 535,
    command: 'AUTH PLAIN',
  });
  expect(logged(refused)).toMatchObject({ code: 'EAUTH', responseCode: 535, command: 'AUTH PLAIN' });
  expect(logged(Object.assign(new Error(secret), { code: `bad ${secret}` }))).not.toHaveProperty('code');
});
