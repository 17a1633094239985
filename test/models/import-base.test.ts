import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { importTflite, readBase } from '../../models/training/import-base.ts';
import { OnnxGraph } from '../../models/training/onnx-graph.ts';
import { blocks, convolution, convolutionNames, scaleImage, topMap } from '../../models/training/mobilenet.ts';
import { imageTensor, openGraph } from '../../models/training/session.ts';
import { readTflite } from '../../models/training/tflite.ts';
import { SHIPPED } from './shipped.ts';

/** A folder with `mobilenet_v2_1.0_224_quant.tflite` and `natural/*.jpg` of google-coral/test_data. */
const folder = process.env['CSSS_BASE_WEIGHTS'] ?? '';
const tflite = join(folder, 'mobilenet_v2_1.0_224_quant.tflite');

/** ImageNet class (0 is background) that each photograph shows. */
const PHOTOGRAPHS = {
  cat: 286,
  bird: 20,
  grace_hopper: 653,
  dragonfly: 320,
  missvickie_potato_chips: 693,
  dog_segmentation_256: 259,
  hot_dog: 935,
} as const;

describe('the importer of base weights', () => {
  it.skipIf(!existsSync(tflite))(
    'recognises seven photographs with the imported TFLite weights (needs CSSS_BASE_WEIGHTS)',
    async () => {
      const weights = importTflite(readFileSync(tflite));
      const graph = new OnnxGraph('imagenet');
      const map = topMap(
        graph,
        weights,
        blocks(graph, weights, scaleImage(graph, graph.input('image', 'uint8', ['N', 224, 224, 3])), 0, 16),
      );
      const mean = graph.op('ReduceMean', [map], { axes: [2, 3], keepdims: 1 });
      graph.output(graph.op('Flatten', [convolution(graph, weights, 'imagenet', mean)]), 'scores', 'float32', [
        'N',
        1001,
      ]);
      const runner = await openGraph(graph.finish());
      for (const [name, expected] of Object.entries(PHOTOGRAPHS)) {
        const pixels = await sharp(join(folder, 'natural', `${name}.jpg`))
          .removeAlpha()
          .resize(224, 224, { fit: 'fill' })
          .raw()
          .toBuffer();
        const { scores = new Float32Array() } = await runner.run({ image: imageTensor(new Uint8Array(pixels), 1) });
        expect([name, scores.indexOf(Math.max(...scores))]).toEqual([name, expected]);
      }
      await runner.close();
    },
  );

  it('refuses what is not a TFLite file', () => {
    expect(() => readTflite(new Uint8Array())).toThrow(RangeError);
    expect(() => readTflite(Buffer.from('GIF89a and more bytes'))).toThrow('TFL3');
  });

  it('stays inside the file whatever its offsets say', () => {
    const hostile = new Uint8Array(64).fill(255);
    hostile.set(Buffer.from('TFL3'), 4);
    expect(() => readTflite(hostile)).toThrow(RangeError);
    hostile.fill(0, 8);
    hostile[0] = 8;
    expect(() => importTflite(hostile)).toThrow(RangeError);
  });

  it('takes a shipped model as the base of the next training', () => {
    const weights = readBase(SHIPPED.model);
    for (const name of convolutionNames()) expect(weights.has(`${name}.weight`), name).toBe(true);
  });
});
