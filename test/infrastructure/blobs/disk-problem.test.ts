import { expect, test } from 'vitest';
import { Problem } from '../../../server/core/problem.ts';
import { statusOf } from '../../../server/http/answer/problem-status.ts';
import { diskProblem } from '../../../server/infrastructure/blobs/disk-problem.ts';

test.each([
  ['ENOSPC', 507],
  ['EDQUOT', 507],
  ['EFBIG', 507],
  ['EMFILE', 503],
  ['ENFILE', 503],
  ['EROFS', 503],
  ['ENOENT', 503],
  ['EIO', 503],
])('%s of the file system is answered with %i', (code, status) => {
  const problem = diskProblem(Object.assign(new Error(`${code}: /a/path`), { code }));
  expect(statusOf[problem!.code]).toBe(status);
  expect(problem!.message).not.toContain('path');
  expect(problem!.retryAfter !== undefined).toBe(status === 503);
});

test('what else a file system says is our own fault, and a Problem stays what it is', () => {
  expect(diskProblem(Object.assign(new Error('x'), { code: 'EINVAL' }))).toBeUndefined();
  expect(diskProblem(new Problem('value', 'x'))).toBeUndefined();
  expect(diskProblem(undefined)).toBeUndefined();
});
