import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { keepHouse, type Chore, type House } from '../../server/core/house-keeping.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function keep(chores: Chore[], house: Partial<House> = {}): () => Promise<void> {
  const end = keepHouse(chores, {
    unlessBusy: (_kind, work) => work(),
    onDone: () => undefined,
    onFault: () => undefined,
    ...house,
  });
  ends.push(end);
  return end;
}

/** A chore of which each turn waits to be let go. */
function slow(): Chore & { begun: number; most: number; letGo(): void } {
  let running = 0;
  let letGo = () => {};
  const chore = {
    kind: 'slow',
    everyMs: 1,
    begun: 0,
    most: 0,
    letGo: () => letGo(),
    async work() {
      chore.begun++;
      chore.most = Math.max(chore.most, ++running);
      await new Promise<void>((done) => (letGo = done));
      running--;
      return 1;
    },
  };
  return chore;
}

const until = async (claim: () => boolean) => {
  for (let i = 0; i < 1000 && !claim(); i++) await sleep(2);
  expect(claim()).toBe(true);
};

test('a chore that is slow is never begun twice, does not pile up, and holds up no other', async () => {
  const chore = slow();
  let quick = 0;
  keep([chore, { kind: 'quick', everyMs: 1, work: async () => ++quick }]);
  await until(() => quick > 20);
  expect([chore.begun, chore.most]).toEqual([1, 1]);
  chore.letGo();
  await until(() => chore.begun === 2);
  expect(chore.most).toBe(1);
  chore.letGo();
});

test('a chore that another process has in hand is left to it, and asked again', async () => {
  let tries = 0;
  const done: number[] = [];
  keep([{ kind: 'one', everyMs: 1, work: async () => 7 }], {
    unlessBusy: async (_kind, work) => (++tries < 5 ? undefined : work()),
    onDone: ({ count }) => done.push(count),
  });
  await until(() => done.length > 0);
  expect(tries).toBeGreaterThanOrEqual(5);
  expect(done[0]).toBe(7);
});

test('a chore that fails is heard of and has its next turn', async () => {
  const faults: string[] = [];
  keep([{ kind: 'bad', everyMs: 1, work: () => Promise.reject(new Error('no')) }], {
    onFault: (error, kind) => faults.push(`${kind}: ${(error as Error).message}`),
  });
  await until(() => faults.length > 2);
  expect(new Set(faults)).toEqual(new Set(['bad: no']));
});

test('the end waits for a chore under way and begins no more', async () => {
  const chore = slow();
  const end = keep([chore]);
  await until(() => chore.begun === 1);
  let over = false;
  const ending = end().then(() => (over = true));
  await sleep(20);
  expect(over).toBe(false);
  chore.letGo();
  await ending;
  await sleep(20);
  expect(chore.begun).toBe(1);
});

test('the first turn may come sooner than the others', async () => {
  let turns = 0;
  keep([{ kind: 'hourly', everyMs: 3_600_000, firstMs: 1, work: async () => ++turns }]);
  await until(() => turns === 1);
});
