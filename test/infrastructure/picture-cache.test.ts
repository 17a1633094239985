import { expect, test } from 'vitest';
import { PictureCache } from '../../server/infrastructure/codecs/picture-cache.ts';

function drawn(bytes: number) {
  let times = 0;
  const draw = () => {
    times++;
    return Promise.resolve(new Uint8Array(bytes));
  };
  return { draw, times: () => times };
}

test('a picture is drawn once, also for two who ask at a time', async () => {
  const cache = new PictureCache();
  const picture = drawn(1_000);
  const [one, two] = await Promise.all([cache.of('a', picture.draw), cache.of('a', picture.draw)]);
  expect(two).toBe(one);
  expect(await cache.of('a', picture.draw)).toBe(one);
  expect(picture.times()).toBe(1);
});

test('what could not be drawn is tried again, also by who waited for it', async () => {
  const cache = new PictureCache();
  const picture = drawn(10);
  const failing = cache.of('a', () => Promise.reject(new Error('its caller left')));
  const waiting = cache.of('a', picture.draw);
  await expect(failing).rejects.toThrow('its caller left');
  expect((await waiting).length).toBe(10);
});

test('the pictures asked for longest ago make room, and a very long one is not kept', async () => {
  const cache = new PictureCache();
  const old = drawn(1 << 20);
  const used = drawn(1 << 20);
  await cache.of('old', old.draw);
  await cache.of('used', used.draw);
  for (let n = 0; n < 31; n++) {
    await cache.of(`other ${n}`, drawn(1 << 20).draw);
    await cache.of('used', used.draw);
  }
  await cache.of('old', old.draw);
  expect([old.times(), used.times()]).toEqual([2, 1]);
  const long = drawn(3 << 20);
  await cache.of('long', long.draw);
  await cache.of('long', long.draw);
  expect(long.times()).toBe(2);
});
