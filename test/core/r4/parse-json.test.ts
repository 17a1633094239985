import { expect, test } from 'vitest';
import { parseJson, parseLongJson } from '../../../server/core/r4/parse-json.ts';

const withNames = (number: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: number }, (_, i) => [`p${i}`, i])));

test('an object has a thousand properties at most, and lists as many values as a body', () => {
  expect(() => parseJson(withNames(1_000))).not.toThrow();
  expect(() => parseJson(withNames(1_001))).toThrow('1000 properties');
  expect(parseJson(`[${'0,'.repeat(100_000)}0]`)).toHaveLength(100_001);
});

test.each([
  ['escaped quotes', JSON.stringify({ text: '"'.repeat(400_000) })],
  ['slashes', JSON.stringify({ text: '\\'.repeat(400_000) })],
  ['a name with escapes', JSON.stringify({ '"\\"': 'x' })],
  ['nothing', '{"text":""}'],
])('%s in a text are what they say, in one step or in many', async (_name, text) => {
  expect(parseJson(text)).toEqual(JSON.parse(text));
  expect(await parseLongJson(text)).toEqual(JSON.parse(text));
});

test.each(['{"a":"b', '{"a":"b\\', `{"a":"${'\\"'.repeat(400_000)}`, '"', '{"a":1,"a":2}', '{"a\\"":1,"a\\"":2}'])(
  'a text that is broken is refused',
  async (text) => {
    expect(() => parseJson(text)).toThrow();
    await expect(parseLongJson(text)).rejects.toMatchObject({ code: 'structure' });
  },
);
