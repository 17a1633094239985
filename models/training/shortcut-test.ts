import { deployedGraph } from './deployed-graph.ts';
import { infer } from './infer.ts';
import { confusion, summarise, topClasses, type Summary } from './metrics.ts';
import { IMAGE_SIDE } from './mobilenet.ts';
import type { PixelStore } from './pixels.ts';
import type { Progress } from './progress.ts';
import { trainHead } from './train-head.ts';
import type { LabelledImage } from './fine-tune.ts';
import type { Weights } from './tensor.ts';
import type { TrainingSettings } from './training-settings.ts';

const WIDE = 170;
const HIGH = 180;

/** The image with its centre, where the lungs are, painted black. */
export function blackenCentre(image: Uint8Array): Uint8Array {
  const result = Uint8Array.from(image);
  const [left, top] = [(IMAGE_SIDE - WIDE) / 2, (IMAGE_SIDE - HIGH) / 2];
  for (let y = top; y < top + HIGH; y++) result.fill(0, y * IMAGE_SIDE + left, y * IMAGE_SIDE + left + WIDE);
  return result;
}

/**
 * How much of the answer is in the frame around the lungs (Maguolo and Nanni 2020): a new head is trained and tested
 * on images whose centre is black, on the shipped network's features. An accuracy near the real one means that the
 * collections can be told apart without looking at the lungs, and that the test accuracy overstates what was learned
 * about disease. A head for whole images, trained in the same way on the same images, stands beside it.
 */
export async function shortcutTest(
  trained: Weights,
  store: PixelStore,
  train: readonly LabelledImage[],
  test: readonly LabelledImage[],
  settings: TrainingSettings,
  progress: Progress,
): Promise<{ trainingImages: number; whole: Summary; centreBlack: Summary }> {
  const base: Weights = new Map([...trained].filter(([name]) => /^(stem|block|top)/.test(name)));
  const quick = { ...settings, headCopies: 0 };
  const run = async (paint: (image: Uint8Array) => Uint8Array): Promise<Summary> => {
    const painted: PixelStore = { ...store, image: (index) => paint(store.image(index)) };
    const weights = await trainHead(base, painted, train, quick, progress);
    const images = { count: test.length, image: (row: number) => painted.image(test[row]?.index ?? 0) };
    const { logits = new Float32Array() } = await infer(
      deployedGraph(weights),
      images,
      ['logits'],
      progress,
      'shortcut test',
      settings.threads,
    );
    return summarise(
      confusion(
        test.map(({ truth }) => truth),
        topClasses(logits),
      ),
    );
  };
  return { trainingImages: train.length, whole: await run((image) => image), centreBlack: await run(blackenCentre) };
}
