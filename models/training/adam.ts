import { named, tensor, type Weights } from './tensor.ts';

export interface AdamSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled weight decay (AdamW), on weights but not on biases. */
  decay: number;
  /** Gradients are scaled down when their common norm is larger. */
  clipNorm: number;
}

export const ADAM: AdamSettings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 1e-4, clipNorm: 5 };

/** Moments of every trained tensor; part of a checkpoint. */
export interface AdamState {
  step: number;
  first: Weights;
  second: Weights;
}

export function freshAdam(weights: Weights, parameters: readonly string[]): AdamState {
  const zeros = (): Weights => new Map(parameters.map((name) => [name, tensor(named(weights, name).dims)]));
  return { step: 0, first: zeros(), second: zeros() };
}

/**
 * One Adam step (Kingma and Ba 2015, algorithm 1, with AdamW's decay), in place.
 *
 * @param rate learning rate of a tensor by its name, so that a new head may learn faster than the network below it.
 * @returns the norm of all gradients before clipping.
 */
export function adamStep(
  weights: Weights,
  gradients: ReadonlyMap<string, Float32Array>,
  state: AdamState,
  rate: (name: string) => number,
  settings: AdamSettings = ADAM,
): number {
  const { beta1, beta2, epsilon, decay, clipNorm } = settings;
  let squares = 0;
  for (const gradient of gradients.values()) for (const value of gradient) squares += value * value;
  const norm = Math.sqrt(squares);
  const scale = norm > clipNorm ? clipNorm / norm : 1;
  state.step++;
  const correction = Math.sqrt(1 - beta2 ** state.step) / (1 - beta1 ** state.step);
  for (const [name, gradient] of gradients) {
    const { data } = named(weights, name);
    const { data: first } = named(state.first, name);
    const { data: second } = named(state.second, name);
    const step = rate(name) * correction;
    const shrink = name.endsWith('.bias') ? 1 : 1 - rate(name) * decay;
    for (let at = 0; at < data.length; at++) {
      const slope = (gradient[at] as number) * scale;
      const m = (first[at] = beta1 * (first[at] as number) + (1 - beta1) * slope);
      const v = (second[at] = beta2 * (second[at] as number) + (1 - beta2) * slope * slope);
      data[at] = (data[at] as number) * shrink - (step * m) / (Math.sqrt(v) + epsilon);
    }
  }
  return norm;
}

/** Exponential average of weights, in place: smoother than the last step, and so a better checkpoint. */
export function average(into: Weights, from: Weights, parameters: readonly string[], keep: number): void {
  for (const name of parameters) {
    const { data: target } = named(into, name);
    const { data: source } = named(from, name);
    for (let at = 0; at < target.length; at++) {
      target[at] = keep * (target[at] as number) + (1 - keep) * (source[at] as number);
    }
  }
}
