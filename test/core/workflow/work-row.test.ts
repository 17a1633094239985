import { expect, test } from 'vitest';
import { rowOfFacts } from '../../../server/core/workflow/work/row-of-facts.ts';
import type { FactOf, KnownFact, StepFact } from '../../../server/core/workflow/work/work-facts.ts';
import { wordsAsked, wordsOf } from '../../../server/core/workflow/work/words.ts';

// A row from its facts: what each column says in each state of a review.
const at = (minute: number) => `2026-11-27T10:${String(minute).padStart(2, '0')}:00.000Z`;
const head = (more: Partial<FactOf<'review'>> = {}): KnownFact => ({
  key: 'Task/r-12345678',
  version: 1,
  fact: { of: 'review', status: 'AI_ANALYZED', priority: 'routine', uploadedAt: at(0), changedAt: at(1), patient: 'Patient/p', study: 'ImagingStudy/s', ai: 'Observation/a', medications: [], ...more },
}); // prettier-ignore
let steps = 0;
const step = (kind: StepFact['kind'], status: StepFact['status'], more: Partial<StepFact> = {}): KnownFact => ({
  key: `Task/step-${++steps}`,
  version: 1,
  fact: { of: 'step', kind, status, priority: 'routine', madeAt: at(steps % 60), ...more },
});
const answer = (finding: string, probability = 0.982): KnownFact => ({
  key: 'Observation/a',
  version: 1,
  fact: { of: 'observation', valid: true, finding, probability },
});
const row = (...facts: KnownFact[]) => rowOfFacts('r-12345678', facts)!;
const reading = () => step('physician-verification', 'requested');

test('without its coordination Task there is no row, and what is not known is empty or absent', () => {
  expect(rowOfFacts('r-12345678', [reading()])).toBeUndefined();
  expect(row(head())).toMatchObject({ scan: '12345678', patient: { id: 'p', name: '' }, study: { id: 's', uid: '', images: 0 }, ai: 'none', steps: [] }); // prettier-ignore
  expect(row(head({ accession: 'ACC-1' }))).toMatchObject({ scan: 'ACC-1', accession: 'ACC-1' });
});

test.each([
  ['COVID', 'finding', 0.982],
  ['Normal', 'normal', 0.982],
  ['Uncertain', 'uncertain', 0.982],
  ['Unsupported', 'unsupported', undefined],
])('the answer %s is of the kind %s', (label, kind, probability) => {
  const { finding, ai } = row(head(), answer(label), reading());
  expect([finding, ai]).toEqual([{ label, kind, ...(probability !== undefined && { probability }) }, 'done']);
});

test('why the AI says nothing is told: not asked, waiting, running, failed, not for these images', () => {
  const pending = head({ status: 'PENDING_AI' });
  const failed = step('ai-inference', 'failed', { reason: 'The model failed' });
  expect(row(pending, step('ai-inference', 'requested')).ai).toBe('waiting');
  expect(row(pending, step('ai-inference', 'accepted')).ai).toBe('running');
  expect(row(pending, failed, step('ai-inference', 'requested'))).toMatchObject({ ai: 'failed', aiFailure: 'The model failed', reasons: ['analysis-failed'] }); // prettier-ignore
  expect(row(pending, failed, step('ai-inference', 'in-progress')).ai).toBe('running');
  const skipped = step('ai-inference', 'cancelled', { notEligible: true });
  expect(row(head({ status: 'AI_SKIPPED' }), skipped, reading())).toMatchObject({ ai: 'none', finding: { label: 'not-eligible', kind: 'not-served' } }); // prettier-ignore
});

test('reasons stand beside the priority, which is that of the most urgent open step', () => {
  const urgent = step('physician-verification', 'requested', { priority: 'stat', newImages: true });
  expect(row(head(), answer('Uncertain'), urgent)).toMatchObject({ priority: 'stat', reasons: ['urgent-finding', 'uncertain', 'new-images'] }); // prettier-ignore
  expect(row(head({ priority: 'stat' }), answer('Normal'), reading())).toMatchObject({ priority: 'stat', reasons: ['stat-order'] }); // prettier-ignore
  const done = { ...urgent.fact, status: 'completed' } as StepFact;
  expect(row(head({ status: 'DOCTOR_VERIFIED' }), answer('Uncertain'), { ...urgent, fact: done })).toMatchObject({ priority: 'routine', reasons: [] }); // prettier-ignore
  const amendment = step('report-amendment', 'requested', { amends: true });
  expect(row(head({ status: 'REPORT_READY' }), amendment).reasons).toEqual(['amendment']);
});

test('who read and when is told of the reading that counts, not of one that was sent back', () => {
  const read = step('physician-verification', 'completed', { owner: 'Practitioner/d', endedAt: at(30) });
  expect(row(head({ status: 'DOCTOR_VERIFIED' }), read, step('pharmacist-review', 'requested'))).toMatchObject({ verifiedAt: at(30), verifiedBy: 'Practitioner/d', people: ['Practitioner/d'] }); // prettier-ignore
  expect(row(head({ status: 'RETURNED' }), read, reading())).not.toHaveProperty('verifiedAt');
});

test('steps of people come before those of the software', () => {
  const late = step('ai-inference', 'accepted');
  expect(row(head(), late, reading()).steps.map(({ kind }) => kind)).toEqual(['physician-verification', 'ai-inference']); // prettier-ignore
});

test('a search is bounded, and no sign of it is left that an index could take for its own', () => {
  const asked = wordsAsked(`${'x'.repeat(500)} ' & | ! ( ) : * \\ \u0000 ${'word '.repeat(50)}`);
  expect(asked).toHaveLength(12);
  expect(asked.flatMap(({ parts }) => parts).join('')).toMatch(/^[xword]+$/);
  const words = wordsOf({ ...row(head()), patient: { id: 'p', name: 'na me '.repeat(10_000) + 'ü'.repeat(10_000) } });
  expect(words.length).toBeLessThanOrEqual(200);
  expect(Math.max(...words.map((word) => word.length))).toBeLessThanOrEqual(60);
});
