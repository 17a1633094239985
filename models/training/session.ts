import * as ort from 'onnxruntime-node';
import { named, type Weights } from './tensor.ts';

export type Feeds = Record<string, ort.Tensor>;
export interface Runner {
  /** Float32 results by name. */
  run(feeds: Feeds, wanted?: readonly string[]): Promise<Record<string, Float32Array>>;
  close(): Promise<void>;
}

/** uint8 images, NHWC. */
export function imageTensor(pixels: Uint8Array, count: number): ort.Tensor {
  return new ort.Tensor('uint8', pixels, [count, 224, 224, 3]);
}

export function floatTensor(data: Float32Array, dims: readonly number[]): ort.Tensor {
  return new ort.Tensor('float32', data, dims);
}

/**
 * A CPU session over a graph in memory. Spinning is off: on a shared machine a spinning thread takes the very core
 * that the other one needs.
 */
export async function openGraph(graph: Uint8Array, threads = 1): Promise<Runner> {
  const session = await ort.InferenceSession.create(graph, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  return {
    async run(feeds, wanted = session.outputNames) {
      const results = await session.run(feeds, [...wanted]);
      return Object.fromEntries(
        Object.entries(results).map(([name, value]) => {
          if (!(value.data instanceof Float32Array)) throw new TypeError(`${name} is ${value.type}, not float32`);
          return [name, value.data];
        }),
      );
    },
    close: () => session.release(),
  };
}

/** The named weights as feeds of a graph that has them as inputs. */
export function weightFeeds(weights: Weights, names: readonly string[]): Feeds {
  return Object.fromEntries(
    names.map((name) => [name, floatTensor(named(weights, name).data, named(weights, name).dims)]),
  );
}
