import { HIDDEN } from './deployed-graph.ts';
import { LABELS, MODALITIES } from './labels.ts';
import { EMBEDDING } from './mobilenet.ts';
import { derivedSeed, gaussian, seededRandom } from './random.ts';
import { tensor, type Tensor, type Weights } from './tensor.ts';

/** He initialisation, seeded. */
function random(dims: readonly [number, number], seed: number): Tensor {
  const next = seededRandom(seed);
  const deviation = Math.sqrt(2 / dims[1]);
  return tensor(
    dims,
    Float32Array.from({ length: dims[0] * dims[1] }, () => deviation * gaussian(next)),
  );
}

/** The two dense layers before any training. */
export function freshHead(seed: number): Weights {
  return new Map([
    ['head.hidden.weight', random([HIDDEN, EMBEDDING], derivedSeed(seed, 'hidden'))],
    ['head.hidden.bias', tensor([HIDDEN])],
    ['head.classes.weight', random([LABELS.length, HIDDEN], derivedSeed(seed, 'classes'))],
    ['head.classes.bias', tensor([LABELS.length])],
  ]);
}

/** Calibration, gate and distance that say nothing: temperature 1, equal gate, one centre at the origin. */
export function neutralChecks(): Weights {
  const components = tensor([EMBEDDING, 1]);
  components.data[0] = 1;
  return new Map([
    ['temperature', tensor([], Float32Array.of(1))],
    ['gate.weight', tensor([EMBEDDING, MODALITIES.length])],
    ['gate.bias', tensor([MODALITIES.length])],
    ['distance.mean', tensor([EMBEDDING])],
    ['distance.components', components],
    ['distance.deviations', tensor([1], Float32Array.of(1))],
    ['distance.centres', tensor([1, 1])],
  ]);
}
