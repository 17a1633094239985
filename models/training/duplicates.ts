import { createHash } from 'node:crypto';
import { IMAGE_SIDE } from './mobilenet.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { PIXELS } from './pixels.ts';
import type { Progress } from './progress.ts';
import { floatTensor, openGraph } from './session.ts';

/** Above this correlation two images are the same picture: one is dropped. */
export const SAME = 0.9995;
/** Above this they are so alike that they must be in the same part of the split. */
export const ALIKE = 0.985;

const SMALL = 48;
const BLOCK = 1024;

/** SHA-256 of the decoded pixels: finds copies that were saved again with other metadata. */
export function pixelDigest(image: Uint8Array): string {
  return createHash('sha256').update(image).digest('hex');
}

/**
 * Whether an image is a drawn mask instead of a film: nearly all pixels at the two ends of the grey scale and both
 * ends in use. A film keeps most of its pixels between.
 */
export function looksLikeMask(image: Uint8Array): boolean {
  let [dark, bright] = [0, 0];
  for (const value of image) {
    if (value < 12) dark++;
    else if (value > 243) bright++;
  }
  return dark + bright > 0.95 * PIXELS && bright > 0.02 * PIXELS && dark > 0.02 * PIXELS;
}

/** 48 x 48 means, shifted to mean 0 and scaled to length 1, so that a dot product is a correlation. */
function thumbnail(image: Uint8Array): Float32Array {
  const sums = new Float32Array(SMALL * SMALL);
  const counts = new Float32Array(SMALL * SMALL);
  for (let y = 0; y < IMAGE_SIDE; y++) {
    const row = Math.floor((y * SMALL) / IMAGE_SIDE) * SMALL;
    for (let x = 0; x < IMAGE_SIDE; x++) {
      const cell = row + Math.floor((x * SMALL) / IMAGE_SIDE);
      sums[cell] = (sums[cell] ?? 0) + (image[y * IMAGE_SIDE + x] ?? 0);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }
  const means = sums.map((sum, cell) => sum / (counts[cell] ?? 1));
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  const centred = means.map((value) => value - mean);
  const length = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0)) || 1;
  return centred.map((value) => value / length);
}

export interface Pair {
  one: number;
  other: number;
  correlation: number;
}

/** All pairs above `ALIKE`, by one large matrix product a block: minutes in plain loops, seconds so. */
export async function alikePairs(images: readonly Uint8Array[], progress: Progress): Promise<Pair[]> {
  const graph = new OnnxGraph('correlation');
  const width = SMALL * SMALL;
  const [rows, columns] = [
    graph.input('rows', 'float32', ['R', width]),
    graph.input('columns', 'float32', ['C', width]),
  ];
  const transposed = graph.op('Transpose', [columns], { perm: [1, 0] });
  graph.output(graph.op('MatMul', [rows, transposed]), 'correlation', 'float32', ['R', 'C']);
  const runner = await openGraph(graph.finish());
  const count = images.length;
  const all = new Float32Array(count * width);
  images.forEach((image, index) => all.set(thumbnail(image), index * width));
  const block = (start: number): { data: Float32Array; size: number } => {
    const size = Math.min(BLOCK, count - start);
    return { data: all.subarray(start * width, (start + size) * width), size };
  };
  const pairs: Pair[] = [];
  const bar = progress('near copies', count);
  for (let top = 0; top < count; top += BLOCK) {
    const upper = block(top);
    for (let left = top; left < count; left += BLOCK) {
      const right = block(left);
      const { correlation = new Float32Array() } = await runner.run({
        rows: floatTensor(upper.data, [upper.size, width]),
        columns: floatTensor(right.data, [right.size, width]),
      });
      for (let at = 0; at < correlation.length; at++) {
        const value = correlation[at] ?? 0;
        if (value <= ALIKE) continue;
        const one = top + Math.floor(at / right.size);
        const other = left + (at % right.size);
        if (one < other) pairs.push({ one, other, correlation: value });
      }
    }
    bar(Math.min(count, top + BLOCK));
  }
  await runner.close();
  return pairs;
}
