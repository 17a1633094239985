import type { DiagnosticReport, Task } from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { inputOf, outputOf } from '../../server/core/workflow/review-tasks.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { analyze } from '../../server/work/analyze.ts';
import {
  change,
  complete,
  conclusion,
  open,
  read,
  reviewWorld,
  steps,
  type Opened,
  type ReviewWorld,
} from './review-world.ts';

// The roads beside a plain result of the AI: none wanted, none possible, none in time.
let place: ReviewWorld;
const text = (words: string) => ({ text: words });
const job = (task: { id: string }) => taken({ kind: 'analyze', key: task.id, data: { task: task.id } });
const coordination = (review: Opened) => read<Task>(place.world, 'Task', review.coordinationId);
const status = async (review: Opened) => statusOf((await coordination(review)).businessStatus);

beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());

test('a doctor goes on without AI, and must conclude', async () => {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'cancelled', statusReason: text('lateral view') });
  expect(await status(review)).toBe('AI_SKIPPED');
  await analyze(place.world, job(step));
  expect(await status(review)).toBe('AI_SKIPPED');
  const verification = await open(place.world, review, 'physician-verification');
  await expect(complete(place.world, place.people.doctor, verification, { note: [text('x')] })).rejects.toMatchObject({
    code: 'business-rule',
  });
  await change(place.world, place.people.doctor, verification, {
    status: 'completed',
    note: [text('x')],
    output: [conclusion('Normal')],
  });
  expect(await status(review)).toBe('DOCTOR_VERIFIED');
});

test('a result that comes after the step was cancelled is not written', async () => {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  const held = place.world.classifier.hold();
  const classify: typeof held.classify = async (...image) => {
    const result = await held.classify(...image);
    await change(place.world, place.people.doctor, step, { status: 'cancelled', statusReason: text('not needed') });
    return result;
  };
  const slow = { ...place.world, classifier: { ...place.world.classifier, hold: () => ({ ...held, classify }) } };
  await analyze(slow, job(step));
  expect(await status(review)).toBe('AI_SKIPPED');
  expect(outputOf(await read<Task>(place.world, 'Task', review.coordinationId), 'ai-finding')).toBeUndefined();
});

test('an image that cannot be decoded fails the step with a coded reason; a fresh one waits', async () => {
  const review = await place.image({
    modality: 'DX',
    transferSyntax: '1.2.840.10008.1.2.4.90',
    patientId: 'BROKEN',
    pixels: { fragments: [new Uint8Array([1, 2, 3, 4])] },
  });
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'in-progress' });
  await analyze(place.world, job(step));
  const failed = await read<Task>(place.world, 'Task', step.id);
  expect(failed.status).toBe('failed');
  expect(failed.statusReason!.coding![0]!.code).toBe('broken-pixel-data');
  expect(await status(review)).toBe('PENDING_AI');
  const again = await open(place.world, review, 'ai-inference');
  expect(inputOf(again, 'retry-of')).toEqual({ reference: `Task/${step.id}` });
  const report = outputOf(await coordination(review), 'report')!.reference.split('/')[1]!;
  expect((await read<DiagnosticReport>(place.world, 'DiagnosticReport', report)).status).toBe('registered');
  await change(place.world, place.people.doctor, again, { status: 'cancelled', statusReason: text('read without AI') });
  expect(await status(review)).toBe('AI_SKIPPED');
});

test('a CT goes on to the doctor with the coded reason, and the AI cannot be started', async () => {
  const review = await place.image({ modality: 'CT', patientId: 'CT-1', rows: 64, columns: 64 });
  expect(await status(review)).toBe('AI_SKIPPED');
  const [step] = await steps(place.world, review.coordinationId);
  expect(step).toMatchObject({
    status: 'cancelled',
    statusReason: {
      coding: [
        { system: systems.reviewReason, code: 'not-eligible' },
        { system: systems.scanFinding, code: 'unsupported-modality' },
      ],
    },
  });
  expect((await open(place.world, review, 'physician-verification')).status).toBe('requested');
  await expect(change(place.world, place.people.doctor, step!, { status: 'accepted' })).rejects.toMatchObject({
    code: 'conflict',
  });
});
