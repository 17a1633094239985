import type { ProblemCode } from '../../core/problem.ts';

/**
 * HTTP status of each problem where a face has no table of its own (RFC 9110 15, PS3.18 8.5); one without a row does
 * not compile.
 */
export const statusOf: Record<ProblemCode, number> = {
  structure: 400,
  required: 400,
  value: 400,
  invariant: 400,
  'code-invalid': 400,
  login: 401,
  expired: 401,
  reauthenticate: 401,
  forbidden: 403,
  'not-found': 404,
  deleted: 410,
  duplicate: 409,
  'multiple-matches': 409,
  conflict: 409,
  'lock-error': 412,
  'business-rule': 409,
  'not-supported': 501,
  'too-long': 413,
  'too-costly': 413,
  throttled: 429,
  transient: 503,
  timeout: 504,
  'no-store': 507,
  exception: 500,
  'not-acceptable': 406,
  'media-type': 415,
};
