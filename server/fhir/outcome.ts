/** Errors as FHIR sees them: HTTP status and OperationOutcome (FHIR http.html#Status-Codes, valueset-issue-type). */
import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';
import { Problem, type ProblemCode } from '../core/problem.ts';

type IssueCode = OperationOutcomeIssue['code'];

/** Every problem has its row: a new code does not compile until it has one. */
const rows: Record<ProblemCode, { status: number; issue: IssueCode }> = {
  structure: { status: 400, issue: 'structure' },
  required: { status: 400, issue: 'required' },
  value: { status: 400, issue: 'value' },
  invariant: { status: 400, issue: 'invariant' },
  'code-invalid': { status: 400, issue: 'code-invalid' },
  login: { status: 401, issue: 'login' },
  expired: { status: 401, issue: 'expired' },
  reauthenticate: { status: 401, issue: 'login' },
  forbidden: { status: 403, issue: 'forbidden' },
  'not-found': { status: 404, issue: 'not-found' },
  deleted: { status: 410, issue: 'deleted' },
  duplicate: { status: 409, issue: 'duplicate' },
  'multiple-matches': { status: 412, issue: 'multiple-matches' },
  conflict: { status: 409, issue: 'conflict' },
  'lock-error': { status: 412, issue: 'conflict' },
  'business-rule': { status: 422, issue: 'business-rule' },
  'not-supported': { status: 400, issue: 'not-supported' },
  'too-long': { status: 413, issue: 'too-long' },
  'too-costly': { status: 400, issue: 'too-costly' },
  throttled: { status: 429, issue: 'throttled' },
  transient: { status: 503, issue: 'transient' },
  timeout: { status: 504, issue: 'timeout' },
  'no-store': { status: 507, issue: 'no-store' },
  exception: { status: 500, issue: 'exception' },
  'not-acceptable': { status: 406, issue: 'not-supported' },
  'media-type': { status: 415, issue: 'not-supported' },
};

export interface Refusal {
  status: number;
  outcome: OperationOutcome;
  retryAfter?: number;
}

/**
 * What the caller is told. Anything that is not a Problem is our own fault and says nothing about itself:
 * its text may hold SQL, paths or health data.
 */
export function refusal(error: unknown): Refusal {
  const problem =
    error instanceof Problem ? error : new Problem('exception', 'The server failed; the fault has been logged.');
  const { status, issue } = rows[problem.code];
  return {
    status,
    outcome: outcomeOf([
      {
        severity: status >= 500 ? 'fatal' : 'error',
        code: issue,
        diagnostics: problem.message,
        ...at(problem.expression),
      },
    ]),
    ...(problem.retryAfter !== undefined && { retryAfter: problem.retryAfter }),
  };
}

const at = (expression: string | undefined) => (expression === undefined ? {} : { expression: [expression] });

/** An issue for what was done all the same. */
export function warning(diagnostics: string, code: IssueCode = 'not-supported'): OperationOutcomeIssue {
  return { severity: 'warning', code, diagnostics };
}

export function information(diagnostics: string): OperationOutcomeIssue {
  return { severity: 'information', code: 'informational', diagnostics };
}

export const outcomeOf = (issue: OperationOutcomeIssue[]): OperationOutcome => ({
  resourceType: 'OperationOutcome',
  issue,
});
