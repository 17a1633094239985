import { toThreeChannels } from './pixels.ts';
import type { Progress } from './progress.ts';
import { imageTensor, openGraph } from './session.ts';

const BATCH = 16;

/**
 * Runs grey images through a graph with the input `image` and gathers the wanted results, each as one [N, width] array.
 */
export async function infer(
  graph: Uint8Array,
  images: { count: number; image: (index: number) => Uint8Array },
  wanted: readonly string[],
  progress: Progress,
  title: string,
  threads = 1,
): Promise<Record<string, Float32Array>> {
  const runner = await openGraph(graph, threads);
  const gathered: Record<string, Float32Array> = {};
  const bar = progress(title, images.count);
  for (let start = 0; start < images.count; start += BATCH) {
    const size = Math.min(BATCH, images.count - start);
    const batch = Array.from({ length: size }, (_, offset) => images.image(start + offset));
    const results = await runner.run({ image: imageTensor(toThreeChannels(batch), size) }, wanted);
    for (const name of wanted) {
      const data = results[name] ?? new Float32Array();
      const all = (gathered[name] ??= new Float32Array((data.length / size) * images.count));
      all.set(data, (data.length / size) * start);
    }
    bar(start + size);
  }
  await runner.close();
  return gathered;
}
