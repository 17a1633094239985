import { Worker } from 'node:worker_threads';
import type { Augmentation } from './augment.ts';
import { blockOutput } from './mobilenet.ts';
import { floatTensor } from './session.ts';
import { frozenGraph } from './trainable-graph.ts';
import type { Weights } from './tensor.ts';
import type { Tensor } from 'onnxruntime-node';

export interface FeatureSetup {
  graph: Uint8Array;
  /** File of a pixel store. */
  pixels: string;
  augmentation: Augmentation;
}

export interface FeatureRequest {
  /** Records of the pixel store. */
  indices: readonly number[];
  /** Augments each image by what this seed and its place give; as it is without. */
  seed?: number;
}

export interface FeatureSource {
  /** Results of the frozen blocks, [N, C, H, W]. Requests are answered in their order. */
  next(request: FeatureRequest): Promise<Tensor>;
  close(): Promise<void>;
}

/**
 * Prepares batches in a thread of its own while another one is trained on: augmentation and the frozen blocks are
 * a quarter of the work.
 *
 * @param from first trained block; the features are the result of the one before.
 */
export function openFeatures(
  weights: Weights,
  from: number,
  pixels: string,
  augmentation: Augmentation,
): FeatureSource {
  const setup: FeatureSetup = { graph: frozenGraph(weights, from), pixels, augmentation };
  const worker = new Worker(new URL('./feature-worker.ts', import.meta.url), { workerData: setup });
  const waiting: { resolve(data: Float32Array): void; reject(error: Error): void }[] = [];
  worker.on('message', (data: Float32Array) => waiting.shift()?.resolve(data));
  const fail = (error: Error): void => waiting.splice(0).forEach(({ reject }) => reject(error));
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('the thread that prepares images ended')));
  return {
    async next(request) {
      const data = await new Promise<Float32Array>((resolve, reject) => {
        waiting.push({ resolve, reject });
        worker.postMessage(request);
      });
      return floatTensor(data, [request.indices.length, ...blockOutput(from - 1)]);
    },
    close: async () => void (await worker.terminate()),
  };
}
