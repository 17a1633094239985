/**
 * What can go wrong, in the words of FHIR's issue-type value set (FHIR valueset-issue-type), plus the
 * two refusals that only content negotiation knows. Every face renders these from a table of its own;
 * `Record<ProblemCode, ...>` makes a code without a row a compile error.
 */
export type ProblemCode =
  | 'structure' // cannot be parsed at all
  | 'required' // an element that must be there is not
  | 'value' // an element's value is not valid
  | 'invariant' // a rule over several elements is broken
  | 'code-invalid' // a code outside its value set
  | 'login' // no token, or not a valid one
  | 'expired' // the token or session ended
  | 'reauthenticate' // a fresh second factor is wanted (401, RFC 9470)
  | 'forbidden' // known caller, not allowed
  | 'not-found'
  | 'deleted' // was here, is gone (410)
  | 'duplicate' // would exist twice
  | 'multiple-matches' // a conditional interaction matches several
  | 'conflict' // not possible in the present state
  | 'lock-error' // If-Match names another version (412)
  | 'business-rule' // understood, but a rule of the work forbids it (422)
  | 'not-supported'
  | 'too-long' // body over the limit (413)
  | 'too-costly'
  | 'throttled' // (429)
  | 'transient' // try again later (503)
  | 'timeout'
  | 'no-store' // storage is full (507)
  | 'exception' // our own fault (500)
  | 'not-acceptable' // no representation that the caller accepts (406)
  | 'media-type'; // body of a type that is not read here (415)

export interface ProblemDetail {
  /** FHIRPath of the element at fault, for example `Task.note`. */
  expression?: string;
  /** Seconds until another try makes sense (`throttled`, `transient`). */
  retryAfter?: number;
  /** Seconds that a second factor may be old (`reauthenticate`). */
  maxAge?: number;
  cause?: unknown;
}

/**
 * The one error of this code base: a code that faces translate, and a sentence that tells a person what
 * to do. It never carries health data, because messages reach logs and other systems.
 */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly expression: string | undefined;
  readonly retryAfter: number | undefined;
  readonly maxAge: number | undefined;

  constructor(code: ProblemCode, message: string, detail: ProblemDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'Problem';
    this.code = code;
    this.expression = detail.expression;
    this.retryAfter = detail.retryAfter;
    this.maxAge = detail.maxAge;
  }
}
