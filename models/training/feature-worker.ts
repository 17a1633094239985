/** Worker thread of `feature-source.ts`: reads, augments and sends images through the frozen part of the network. */
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { augment } from './augment.ts';
import type { FeatureRequest, FeatureSetup } from './feature-source.ts';
import { PIXELS, toThreeChannels } from './pixels.ts';
import { derivedSeed, seededRandom } from './random.ts';
import { imageTensor, openGraph } from './session.ts';

/** Few at a time: the wide early maps then stay in the processor's cache, which is three times as fast. */
const TOGETHER = 2;

const { graph, pixels, augmentation } = workerData as FeatureSetup;
const file = openSync(pixels, 'r');
const runner = await openGraph(graph, 1);

function readImage(index: number): Uint8Array {
  const image = new Uint8Array(PIXELS);
  readSync(file, image, 0, PIXELS, index * PIXELS);
  return image;
}

async function features({ indices, seed }: FeatureRequest): Promise<Float32Array> {
  const images = indices.map((index, at) => {
    const image = readImage(index);
    return seed === undefined ? image : augment(image, seededRandom(derivedSeed(seed, at)), augmentation);
  });
  let all = new Float32Array();
  for (let start = 0; start < images.length; start += TOGETHER) {
    const some = images.slice(start, start + TOGETHER);
    const { features: found } = await runner.run({ image: imageTensor(toThreeChannels(some), some.length) });
    const width = (found?.length ?? 0) / some.length;
    if (start === 0) all = new Float32Array(width * images.length);
    all.set(found ?? [], start * width);
  }
  return all;
}

parentPort?.on('message', (request: FeatureRequest) => {
  void features(request).then((result) => parentPort?.postMessage(result, [result.buffer as ArrayBuffer]));
});
