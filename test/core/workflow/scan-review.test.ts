import { expect, test } from 'vitest';
import type { Role } from '../../../server/core/principal.ts';
import type { Problem } from '../../../server/core/problem.ts';
import { displays } from '../../../server/core/vocabulary/displays.ts';
import type { ReviewStatus } from '../../../server/core/vocabulary/review-codes.ts';
import { reviewActs, transitionFor, transitions, type ReviewAct } from '../../../server/core/workflow/scan-review.ts';

const statuses = Object.keys(displays.status) as ReviewStatus[];
const roles: (Role | undefined)[] = ['patient', 'doctor', 'pharmacist', 'admin', undefined];

const both: Role[] = ['doctor', 'admin'];

/** Written down a second time, on purpose: status, act, roles -> next status (and the job in between). */
const legal: [ReviewStatus, ReviewAct, Role[], ReviewStatus, string?][] = [
  ['PENDING_AI', 'analyze', ['doctor'], 'AI_ANALYZED', 'analyze'],
  ['PENDING_AI', 'skip', ['doctor'], 'AI_SKIPPED'],
  ['PENDING_AI', 'reject', ['doctor'], 'REJECTED'],
  ['PENDING_AI', 'cancel', both, 'CANCELLED'],
  ['PENDING_AI', 'retract', both, 'RETRACTED'],
  ['AI_ANALYZED', 'analyze', ['doctor'], 'AI_ANALYZED', 'analyze'],
  ['AI_ANALYZED', 'skip', ['doctor'], 'AI_ANALYZED'],
  ['AI_ANALYZED', 'verify', ['doctor'], 'DOCTOR_VERIFIED'],
  ['AI_ANALYZED', 'reject', ['doctor'], 'REJECTED'],
  ['AI_ANALYZED', 'cancel', both, 'CANCELLED'],
  ['AI_ANALYZED', 'retract', both, 'RETRACTED'],
  ['AI_SKIPPED', 'analyze', ['doctor'], 'AI_ANALYZED', 'analyze'],
  ['AI_SKIPPED', 'skip', ['doctor'], 'AI_SKIPPED'],
  ['AI_SKIPPED', 'verify', ['doctor'], 'DOCTOR_VERIFIED'],
  ['AI_SKIPPED', 'reject', ['doctor'], 'REJECTED'],
  ['AI_SKIPPED', 'cancel', both, 'CANCELLED'],
  ['AI_SKIPPED', 'retract', both, 'RETRACTED'],
  ['RETURNED', 'analyze', ['doctor'], 'RETURNED', 'analyze'],
  ['RETURNED', 'skip', ['doctor'], 'RETURNED'],
  ['RETURNED', 'verify', ['doctor'], 'DOCTOR_VERIFIED'],
  ['RETURNED', 'reject', ['doctor'], 'REJECTED'],
  ['RETURNED', 'cancel', both, 'CANCELLED'],
  ['RETURNED', 'retract', both, 'RETRACTED'],
  ['DOCTOR_VERIFIED', 'amend', ['doctor'], 'RETURNED'],
  ['DOCTOR_VERIFIED', 'prescribe', ['pharmacist'], 'PHARMACIST_COMPLETED'],
  ['DOCTOR_VERIFIED', 'sendBack', ['pharmacist'], 'RETURNED'],
  ['DOCTOR_VERIFIED', 'cancel', both, 'CANCELLED'],
  ['DOCTOR_VERIFIED', 'retract', both, 'RETRACTED'],
  ['PHARMACIST_COMPLETED', 'approve', ['admin'], 'REPORT_READY', 'issue-report'],
  ['PHARMACIST_COMPLETED', 'sendBack', ['admin'], 'RETURNED'],
  ['PHARMACIST_COMPLETED', 'cancel', both, 'CANCELLED'],
  ['PHARMACIST_COMPLETED', 'retract', both, 'RETRACTED'],
  ['REPORT_READY', 'addendum', both, 'REPORT_READY'],
  ['REPORT_READY', 'reword', ['doctor'], 'REPORT_READY'],
  ['REPORT_READY', 'drop', ['doctor'], 'REPORT_READY'],
  ['REPORT_READY', 'prescribe', ['pharmacist'], 'REPORT_READY'],
  ['REPORT_READY', 'sendBack', ['pharmacist', 'admin'], 'REPORT_READY'],
  ['REPORT_READY', 'approve', ['admin'], 'REPORT_READY', 'issue-report'],
  ['REPORT_READY', 'retract', both, 'RETRACTED'],
  ['REJECTED', 'retract', both, 'RETRACTED'],
  ['CANCELLED', 'retract', both, 'RETRACTED'],
];
const performs = new Set(legal.flatMap(([, act, by]) => by.map((role) => `${act} ${role}`)));

const cells = statuses.flatMap((status) => reviewActs.flatMap((act) => roles.map((role) => ({ status, act, role }))));

test.each(cells)('$status, $act, $role', ({ status, act, role }) => {
  const row = legal.find(([from, does, by]) => from === status && does === act && role && by.includes(role));
  if (row) {
    const expected = { by: row[2], to: row[3], ...(row[4] && { after: row[4] }) };
    expect(transitionFor(status, act, role)).toEqual(expected);
    return;
  }
  const code = performs.has(`${act} ${role}`) ? 'conflict' : 'forbidden';
  expect(() => transitionFor(status, act, role)).toThrow(expect.objectContaining({ code }) as Problem);
});

test('the table has no other row, and every status that is no end has a way on', () => {
  const rows = statuses.flatMap((status) => Object.keys(transitions[status]).map((act) => `${status} ${act}`));
  expect(rows.sort()).toEqual(legal.map(([status, act]) => `${status} ${act}`).sort());
  const ends = statuses.filter((status) => Object.keys(transitions[status]).every((act) => act === 'retract'));
  expect(ends.sort()).toEqual(['CANCELLED', 'REJECTED', 'RETRACTED']);
});

test('a refusal names what is possible', () => {
  expect(() => transitionFor('PENDING_AI', 'verify', 'doctor')).toThrow(/PENDING_AI.*analyze, skip, reject/);
});
