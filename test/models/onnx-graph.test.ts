import { describe, expect, it } from 'vitest';
import { OnnxGraph, readInitializers } from '../../models/training/onnx-graph.ts';
import { floatTensor, openGraph } from '../../models/training/session.ts';
import { tensor } from '../../models/training/tensor.ts';

const doubling = (): Uint8Array => {
  const graph = new OnnxGraph('doubling');
  const factor = graph.weight('factor', tensor([2], Float32Array.of(2, 3)));
  graph.output(graph.op('Mul', [graph.input('x', 'float32', ['N', 2]), factor]), 'y', 'float32', ['N', 2]);
  return graph.finish({ purpose: 'test' });
};

describe('the ONNX writer', () => {
  it('makes files that the runtime runs', async () => {
    const runner = await openGraph(doubling());
    const { y } = await runner.run({ x: floatTensor(Float32Array.of(1, 1, 2, 2), [2, 2]) });
    expect([...(y ?? [])]).toEqual([2, 3, 4, 6]);
    await runner.close();
  });

  it('reads its own constants back', () => {
    expect(readInitializers(doubling()).get('factor')).toEqual({ dims: [2], data: Float32Array.of(2, 3) });
  });

  it('answers every cut of a file with a RangeError and never with wrong weights', () => {
    const file = doubling();
    for (let length = 0; length < file.length - 60; length += 3) {
      let read: unknown;
      try {
        read = readInitializers(file.subarray(0, length)).get('factor');
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        continue;
      }
      expect(read).toEqual({ dims: [2], data: Float32Array.of(2, 3) });
    }
  });

  it('refuses data that does not fill its shape', () => {
    expect(() => tensor([2, 2], Float32Array.of(1))).toThrow(RangeError);
  });
});
