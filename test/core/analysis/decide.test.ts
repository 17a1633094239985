import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decide } from '../../../server/core/analysis/decide.ts';
import { readModelDescription, type ModelDescription } from '../../../server/core/analysis/model-description.ts';

const untouched = readModelDescription(
  JSON.parse(readFileSync(new URL('../../../models/chest-mobilenet-v2/model.json', import.meta.url), 'utf8')),
);
/** The shipped description without limits, so that the tests do not depend on a training. */
const model: ModelDescription = {
  ...untouched,
  uncertain: { threshold: 0.75 },
  labels: untouched.labels.map((label) => ({ ...label, threshold: 0.75 })),
  gate: { classes: ['chest', 'cardiac', 'other'], minimum: null },
  distance: { values: ['mahalanobis', 'residual'], limits: null },
};
const film = { modality: 'DX', viewPosition: 'PA', bodyPart: 'CHEST' };

/** Six probabilities with `top` for the class at `index`, the rest shared. */
function says(top: number, index = 3, over: Partial<ModelDescription> = {}, gate = [1, 0, 0], distance = [1, 1]) {
  const probabilities = Array.from({ length: 6 }, (_, i) => (i === index ? top : (1 - top) / 5));
  return { model: { ...model, ...over }, probabilities, gate, distance };
}

test.each([
  [0.7499, 'Uncertain'],
  [0.75, 'Normal'],
  [0.7501, 'Normal'],
  [1, 'Normal'],
] as const)('a top probability of %f is %s at threshold 0.75', (top, answer) => {
  expect(decide(says(top), film, 0.75)).toMatchObject({ answer, probability: top, threshold: 0.75 });
});

test('the site’s threshold counts; a class with a stricter one of its own keeps it', () => {
  expect(decide(says(0.6), film, 0.5).answer).toBe('Normal');
  const labels = model.labels.map((label) => (label.label === 'Normal' ? { ...label, threshold: 0.9 } : label));
  expect(decide(says(0.8, 3, { labels }), film, 0.5)).toMatchObject({ answer: 'Uncertain', threshold: 0.9 });
});

test.each([
  [{ modality: 'CT' }, 'unsupported-modality'],
  [{ modality: 'US', bodyPart: 'CHEST' }, 'unsupported-modality'],
  [{ ...film, viewPosition: 'LL' }, 'unsupported-view'],
  [{ ...film, viewPosition: 'LATERAL' }, 'unsupported-view'],
  [{ ...film, bodyPart: 'HAND' }, 'unsupported-body-part'],
  [{ modality: 'MR', bodyPart: 'BRAIN' }, 'unsupported-body-part'],
] as const)('%j is refused as %s, however sure the model is', (tags, refusal) => {
  expect(decide(says(0.99), tags, 0.75)).toMatchObject({ answer: 'Unsupported', refusal });
});

test.each([{}, { modality: 'OT' }, { modality: 'SC' }, film, { modality: 'MR', bodyPart: 'HEART' }])(
  '%j is left to the model',
  (tags) => {
    expect(decide(says(0.99), tags, 0.75).answer).toBe('Normal');
  },
);

test('the model’s gate and distance refuse where it knows their limits', () => {
  const gate = { classes: model.gate.classes, minimum: 0.8 };
  const distance = { values: model.distance.values, limits: [10, 20] };
  const refused = { answer: 'Unsupported', refusal: 'not-like-training-images' };
  expect(decide(says(0.99, 3, { gate }, [0.1, 0.1, 0.8]), film, 0.75)).toMatchObject(refused);
  expect(decide(says(0.99, 3, { gate }, [0.79, 0.2, 0.01]), film, 0.75)).toMatchObject(refused);
  expect(decide(says(0.99, 3, { gate }, [0.8, 0.1, 0.1]), film, 0.75).answer).toBe('Normal');
  expect(decide(says(0.99, 3, { distance }, [1, 0, 0], [10, 20]), film, 0.75).answer).toBe('Normal');
  expect(decide(says(0.99, 3, { distance }, [1, 0, 0], [10.1, 1]), film, 0.75)).toMatchObject(refused);
  expect(decide(says(0.99, 3, { distance }, [1, 0, 0], [1, Number.NaN]), film, 0.75)).toMatchObject(refused);
});

test('a cardiac class on what the gate calls a chest film is a contradiction, so no answer', () => {
  const gate = { classes: model.gate.classes, minimum: 0.8 };
  expect(decide(says(0.99, 4, { gate }, [0.9, 0.1, 0]), film, 0.75).answer).toBe('Uncertain');
});

test.each([[[Number.NaN, 0, 0, 0, 0, 1]], [[0.5, 0.5]], [[0.9, 0.9, 0, 0, 0, 0]], [[-0.5, 1.5, 0, 0, 0, 0]]])(
  '%j are no probabilities',
  (probabilities) => {
    expect(() => decide({ ...says(1), probabilities }, film, 0.75)).toThrow(
      expect.objectContaining({ code: 'exception' }) as Error,
    );
  },
);
