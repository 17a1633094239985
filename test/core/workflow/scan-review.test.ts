import { expect, test } from 'vitest';
import type { Role } from '../../../server/core/principal.ts';
import type { Problem } from '../../../server/core/problem.ts';
import { displays } from '../../../server/core/vocabulary/displays.ts';
import type { ReviewStatus } from '../../../server/core/vocabulary/review-codes.ts';
import { reviewActs, transitionFor, transitions, type ReviewAct } from '../../../server/core/workflow/scan-review.ts';

const statuses = Object.keys(displays.status) as ReviewStatus[];
const roles: (Role | undefined)[] = ['patient', 'doctor', 'pharmacist', 'admin', undefined];

/** Written down a second time, on purpose: status, act, role -> next status (and the job in between). */
const legal: [ReviewStatus, ReviewAct, Role, ReviewStatus, string?][] = [
  ['PENDING_AI', 'analyze', 'doctor', 'AI_ANALYZED', 'analyze'],
  ['PENDING_AI', 'skip', 'doctor', 'AI_SKIPPED'],
  ['PENDING_AI', 'reject', 'doctor', 'REJECTED'],
  ['AI_ANALYZED', 'analyze', 'doctor', 'AI_ANALYZED', 'analyze'],
  ['AI_ANALYZED', 'skip', 'doctor', 'AI_ANALYZED'],
  ['AI_ANALYZED', 'verify', 'doctor', 'DOCTOR_VERIFIED'],
  ['AI_ANALYZED', 'reject', 'doctor', 'REJECTED'],
  ['AI_SKIPPED', 'analyze', 'doctor', 'AI_ANALYZED', 'analyze'],
  ['AI_SKIPPED', 'skip', 'doctor', 'AI_SKIPPED'],
  ['AI_SKIPPED', 'verify', 'doctor', 'DOCTOR_VERIFIED'],
  ['AI_SKIPPED', 'reject', 'doctor', 'REJECTED'],
  ['RETURNED', 'analyze', 'doctor', 'RETURNED', 'analyze'],
  ['RETURNED', 'skip', 'doctor', 'RETURNED'],
  ['RETURNED', 'verify', 'doctor', 'DOCTOR_VERIFIED'],
  ['RETURNED', 'reject', 'doctor', 'REJECTED'],
  ['DOCTOR_VERIFIED', 'amend', 'doctor', 'DOCTOR_VERIFIED'],
  ['DOCTOR_VERIFIED', 'prescribe', 'pharmacist', 'PHARMACIST_COMPLETED'],
  ['DOCTOR_VERIFIED', 'sendBack', 'pharmacist', 'RETURNED'],
  ['PHARMACIST_COMPLETED', 'approve', 'admin', 'REPORT_READY', 'issue-report'],
  ['PHARMACIST_COMPLETED', 'sendBack', 'admin', 'RETURNED'],
];
const performs = new Set(legal.map(([, act, role]) => `${act} ${role}`));

const cells = statuses.flatMap((status) => reviewActs.flatMap((act) => roles.map((role) => ({ status, act, role }))));

test.each(cells)('$status, $act, $role', ({ status, act, role }) => {
  const row = legal.find(([from, does, by]) => from === status && does === act && by === role);
  if (row) {
    const expected = { by: role, to: row[3], ...(row[4] && { after: row[4] }) };
    expect(transitionFor(status, act, role)).toEqual(expected);
    return;
  }
  const code = performs.has(`${act} ${role}`) ? 'conflict' : 'forbidden';
  expect(() => transitionFor(status, act, role)).toThrow(expect.objectContaining({ code }) as Problem);
});

test('the table has no other row, and every status that is no end has a way on', () => {
  const rows = statuses.flatMap((status) => Object.keys(transitions[status]).map((act) => `${status} ${act}`));
  expect(rows.sort()).toEqual(legal.map(([status, act]) => `${status} ${act}`).sort());
  const ends = statuses.filter((status) => Object.keys(transitions[status]).length === 0);
  expect(ends.sort()).toEqual(['CANCELLED', 'REJECTED', 'REPORT_READY', 'RETRACTED']);
});

test('a refusal names what is possible', () => {
  expect(() => transitionFor('PENDING_AI', 'verify', 'doctor')).toThrow(/PENDING_AI.*analyze, skip, reject/);
});
