import { imageTensor, type Runner } from './session.ts';

/** Known answers for images that a formula makes, so that a runtime can be checked before it serves. */
export interface Golden {
  /** Two images; pixel (y, x, channel) of image k is `formula`. */
  formula: string;
  /** Absolute difference that is allowed on probabilities and gate; relative to the largest value elsewhere. */
  tolerance: number;
  images: {
    probabilities: number[];
    logits: number[];
    gate: number[];
    distance: number[];
    /** Of the class with the highest probability, 49 values. */
    gradcam: number[];
    /** Mean of the embedding. */
    embeddingMean: number;
  }[];
}

const COUNT = 2;
/** Runtimes add in another order. */
const TOLERANCE = 1e-3;
/** In 8 bits a result that lies between two steps goes one way in one kernel and the other way in another. */
const TOLERANCE_INT8 = 0.1;

/** The images of `golden.json`, uint8 [2,224,224,3]. */
export function goldenImages(): Uint8Array {
  const pixels = new Uint8Array(COUNT * 224 * 224 * 3);
  let at = 0;
  for (let k = 0; k < COUNT; k++) {
    for (let y = 0; y < 224; y++) {
      for (let x = 0; x < 224; x++) {
        const value = k === 0 ? (x + y) >> 1 : ((x * y) >> 6) ^ (x & 31);
        for (let channel = 0; channel < 3; channel++) pixels[at++] = value & 255;
      }
    }
  }
  return pixels;
}

/** Runs the deployed graph over the golden images. */
export async function goldenAnswers(runner: Runner, precision: 'float32' | 'int8' = 'float32'): Promise<Golden> {
  const results = await runner.run({ image: imageTensor(goldenImages(), COUNT) });
  const row = (name: string, index: number): number[] => {
    const data = results[name] ?? new Float32Array();
    const width = data.length / COUNT;
    return [...data.subarray(index * width, (index + 1) * width)];
  };
  return {
    formula: 'k=0: (x + y) >> 1; k=1: ((x * y) >> 6) ^ (x & 31); all & 255, equal in three channels',
    tolerance: precision === 'int8' ? TOLERANCE_INT8 : TOLERANCE,
    images: Array.from({ length: COUNT }, (_, index) => {
      const probabilities = row('probabilities', index);
      const top = probabilities.indexOf(Math.max(...probabilities));
      const embedding = row('embedding', index);
      return {
        probabilities,
        logits: row('logits', index),
        gate: row('gate', index),
        distance: row('distance', index),
        gradcam: row('gradcam', index).slice(top * 49, (top + 1) * 49),
        embeddingMean: embedding.reduce((sum, value) => sum + value, 0) / embedding.length,
      };
    }),
  };
}
