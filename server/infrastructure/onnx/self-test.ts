import type { ModelOutputs } from './inference-session.ts';

/** Known answers for images that a formula makes (models/README.md, `golden`). */
export interface Golden {
  /** Absolute for probabilities and gate, relative to the largest value elsewhere. */
  tolerance: number;
  images: {
    probabilities: number[];
    logits: number[];
    gate: number[];
    distance: number[];
    /** Of the class with the highest probability. */
    gradcam: number[];
  }[];
}

/** Image k of the formula: k = 0 a ramp, k = 1 a texture; three equal channels. */
export function goldenImage(k: number, side: number): Uint8Array {
  const pixels = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const value = k === 0 ? (x + y) >> 1 : ((x * y) >> 6) ^ (x & 31);
      pixels.fill(value & 255, (y * side + x) * 3, (y * side + x) * 3 + 3);
    }
  }
  return pixels;
}

/**
 * Runs the known images through a session before it may serve: a provider that computes something else, or
 * silently fell back to something broken, is found here and not in a report.
 *
 * @throws Error naming the output that differs.
 */
export async function selfTest(
  run: (image: Uint8Array) => Promise<ModelOutputs>,
  golden: Golden,
  side: number,
): Promise<void> {
  if (!Array.isArray(golden.images) || golden.images.length === 0) throw new Error('there are no known answers to test against');
  for (const [k, known] of golden.images.entries()) {
    const found = await run(goldenImage(k, side));
    const top = known.probabilities.indexOf(Math.max(...known.probabilities));
    const cells = known.gradcam.length;
    compare('probabilities', found.probabilities, known.probabilities, golden.tolerance, 1);
    compare('logits', found.logits, known.logits, golden.tolerance);
    compare('gate', found.gate, known.gate, golden.tolerance, 1);
    compare('distance', found.distance, known.distance, golden.tolerance);
    compare('gradcam', found.gradcam.subarray(top * cells, (top + 1) * cells), known.gradcam, golden.tolerance);
  }
}

function compare(name: string, found: Float32Array, known: number[], tolerance: number, scale = largest(known)): void {
  const worst = known.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? Number.NaN))), 0);
  if (found.length !== known.length || !(worst <= tolerance * scale)) {
    throw new Error(`the self-test of the model failed: ${name} differs from the known answer`);
  }
}

function largest(values: number[]): number {
  return Math.max(1e-6, ...values.map(Math.abs));
}
