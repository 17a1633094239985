import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { target, vocabulary } from '../../../scripts/build-vocabulary.ts';

test('the web application has the words of the server as they are now (node scripts/build-vocabulary.ts)', () => {
  expect(readFileSync(target, 'utf8')).toBe(vocabulary());
});
