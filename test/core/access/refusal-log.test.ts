import { expect, test } from 'vitest';
import { hasRow, RefusalLog } from '../../../server/core/access/refusal-log.ts';
import type { AuditRow } from '../../../server/core/access/audit-trail.ts';
import { systemPrincipal } from '../../../server/core/principal.ts';
import { Problem } from '../../../server/core/problem.ts';

function log() {
  const rows: AuditRow[] = [];
  const clock = { ms: 0 };
  const audit = { append: (row: AuditRow) => Promise.resolve(void rows.push(row)) };
  const refusals = new RefusalLog({ read: (work) => work({ audit }) }, () => new Date(clock.ms));
  const stranger = (sourceAddress: string) =>
    refusals.note(new Problem('login', 'Sign in.'), {
      action: 'R',
      event: 'fhir:read',
      principal: undefined,
      sourceAddress,
    });
  return { rows, clock, refusals, stranger };
}

test('what strangers are refused is written five times for a network in ten minutes, then counted and summed up once', async () => {
  const { rows, clock, refusals, stranger } = log();
  for (let n = 0; n < 40; n++) await stranger('2001:db8:1:2::' + n.toString(16));
  await stranger('2001:db8:1:3::1');
  expect(rows.length).toBe(6);
  expect(await refusals.sumUp()).toBe(0);
  clock.ms = 10 * 60_000;
  expect(await refusals.sumUp()).toBe(1);
  expect(rows.at(-1)).toMatchObject({ event: 'access:refused', outcome: 'refused', times: 35 });
  await stranger('2001:db8:1:2::1');
  expect(rows.length).toBe(8);
});

test('a flood from everywhere is bounded, too', async () => {
  const { rows, refusals, stranger } = log();
  for (let n = 0; n < 20_000; n++) await stranger(`10.${n >> 8}.${n & 255}.1`);
  expect(rows.length).toBeLessThan(1_010);
  await refusals.sumUp(true);
  expect(rows.reduce((sum, { times = 1 }) => sum + times, 0)).toBe(20_000);
});

test('who is known gets a row each time; what has one, or refuses nobody, gets none', async () => {
  const { rows, refusals } = log();
  const row = { action: 'U', event: 'fhir:update', principal: systemPrincipal('known') } as const;
  for (let n = 0; n < 20; n++) await refusals.note(new Problem('lock-error', 'Changed.'), row);
  expect(rows.length).toBe(20);
  const noted = new Problem('forbidden', 'No.');
  hasRow(noted);
  await refusals.note(noted, row);
  for (const code of ['value', 'not-found', 'transient', 'exception'] as const)
    await refusals.note(new Problem(code, 'x'), row);
  await refusals.note(new Error('x'), row);
  expect(rows.length).toBe(20);
});
