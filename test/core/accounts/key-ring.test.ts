import { expect, test } from 'vitest';
import { freshRing, keysAt, turned, withNext, type KeyRing } from '../../../server/core/accounts/key-ring.ts';

const day = 24 * 60 * 60 * 1000;
const times = { everyMs: 90 * day, announcedMs: 1.5 * day, keptMs: 15 * day };
const start = Date.parse('2026-01-01T00:00:00Z');
const on = (days: number) => new Date(start + days * day);

/** Keys are numbers here, in the order in which they are made. */
function maker(): () => Promise<number> {
  let made = 0;
  return async () => ++made;
}

async function keptFor(days: number): Promise<{ ring: KeyRing<number>; signed: number[]; verified: Set<number>[] }> {
  const make = maker();
  let ring = await freshRing(on(0), make);
  const signed: number[] = [];
  const verified: Set<number>[] = [];
  for (let now = 0; now < days; now += 0.25) {
    ring = (await turned(ring, on(now), times, make)) ?? ring;
    const keys = keysAt(ring, on(now));
    signed.push(keys[0]!);
    verified.push(new Set(keys));
  }
  return { ring, signed, verified };
}

test('a key signs for 90 days, is known a day before it signs, and verifies as long as what it signed is good', async () => {
  const { signed, verified } = await keptFor(400);
  expect([...new Set(signed)]).toEqual([1, 2, 3, 4, 5]);
  for (let key = 1; key <= 4; key++) {
    const turn = signed.filter((one) => one === key).length / 4;
    expect(turn).toBeGreaterThanOrEqual(89.5);
    expect(turn).toBeLessThanOrEqual(91);
    const last = signed.lastIndexOf(key);
    // Whoever looked a day before it signed, and whoever looks until its last token is over, knows it.
    if (key > 1) expect(verified[signed.indexOf(key) - 4]).toContain(key);
    expect(verified[last + 15 * 4 - 4]).toContain(key);
    expect(verified[last + 17 * 4]).not.toContain(key);
  }
});

test('a ring in which nothing is due is left as it is', async () => {
  const make = maker();
  const ring = await freshRing(on(0), make);
  expect(await turned(ring, on(10), times, make)).toBeUndefined();
});

test('an announced key signs nothing before its turn, and a second one is not announced meanwhile', async () => {
  const make = maker();
  const ring = await withNext(await freshRing(on(0), make), on(1), times, make);
  expect(keysAt(ring, on(2))).toEqual([1, 2]);
  expect(await turned(ring, on(2), times, make)).toBeUndefined();
  expect(keysAt(ring, on(3))).toEqual([2, 1]);
});

test('a clock that is behind has a key all the same', async () => {
  expect(keysAt(await freshRing(on(5), maker()), on(0))).toEqual([1]);
});

test('processes that were off for a year do not sign with keys that nobody knows', async () => {
  const make = maker();
  const ring = (await turned(await freshRing(on(0), make), on(365), times, make))!;
  expect(keysAt(ring, on(365))).toEqual([1, 2]);
  expect(keysAt(ring, on(367))).toEqual([2, 1]);
});
