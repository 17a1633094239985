import { Problem } from '../../core/problem.ts';

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']); // disk, quota, what the file system takes
const scarce = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EBUSY']);
/** Unmounted, read-only, broken or out of reach: an operator mends it, and then the same request is right. */
const away = new Set(
  'ENOENT ENOTDIR EROFS EIO ESTALE EACCES EPERM ENODEV ENXIO ENOTCONN ETIMEDOUT EHOSTDOWN EHOSTUNREACH'.split(' '),
);

/** The Problem that an error of the file system is to a caller; undefined for a Problem and for all other errors. */
export function diskProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return undefined;
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code !== 'string') return undefined;
  if (full.has(code)) return new Problem('no-store', 'The image store is full', { cause: error });
  if (away.has(code)) return storeAway(error);
  return scarce.has(code)
    ? new Problem('transient', 'Too many files are in use; try again.', { retryAfter: 2, cause: error })
    : undefined;
}

export function storeAway(cause: unknown): Problem {
  return new Problem('transient', 'The image store is not available; try again.', { retryAfter: 10, cause });
}

/** Throws an error of the file system as its Problem, anything else as it is. */
export function throwDiskProblem(error: unknown): never {
  throw diskProblem(error) ?? error;
}
