import type { ModelOutputs } from './model-outputs.ts';

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
 * Runs the known images through a session before it may serve, one by one and as a whole batch: a provider that
 * computes something else, or silently fell back to something broken, is found here and not in a report.
 *
 * @param batch images in the largest run
 * @param patience a provider that needs more milliseconds for an image is not asked for a whole batch
 * @returns milliseconds of the last single run, when caches are warm.
 * @throws Error naming the output that differs.
 */
export async function selfTest(
  run: (images: readonly Uint8Array[]) => Promise<ModelOutputs[]>,
  golden: Golden,
  side: number,
  batch = 1,
  patience = Infinity,
): Promise<number> {
  if (!Array.isArray(golden.images) || golden.images.length === 0)
    throw new Error('there are no known answers to test against');
  const images = golden.images.map((_, k) => goldenImage(k, side));
  let took = 0;
  for (const [k, known] of golden.images.entries()) {
    const begun = performance.now();
    const [found] = await run([images[k]!]);
    took = performance.now() - begun;
    check(found!, known, golden.tolerance);
  }
  if (batch > 1 && took <= patience) {
    const places = Array.from({ length: batch }, (_, i) => i % images.length);
    const found = await run(places.map((k) => images[k]!));
    places.forEach((k, i) => check(found[i]!, golden.images[k]!, golden.tolerance));
  }
  return took;
}

function check(found: ModelOutputs, known: Golden['images'][number], tolerance: number): void {
  const top = known.probabilities.indexOf(Math.max(...known.probabilities));
  const cells = known.gradcam.length;
  compare('probabilities', found.probabilities, known.probabilities, tolerance, 1);
  compare('logits', found.logits, known.logits, tolerance);
  compare('gate', found.gate, known.gate, tolerance, 1);
  compare('distance', found.distance, known.distance, tolerance);
  compare('gradcam', found.gradcam.subarray(top * cells, (top + 1) * cells), known.gradcam, tolerance);
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
