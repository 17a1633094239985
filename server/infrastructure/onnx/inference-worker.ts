/**
 * One worker thread: one session, one image at a time. `run()` of onnxruntime blocks the thread that calls it,
 * and pixel work on a large film takes tens of milliseconds; neither may happen on the event loop.
 */
import sharp from 'sharp';
import { parentPort, workerData } from 'node:worker_threads';
import { modelInput, type ScaleToGrey } from '../../core/analysis/preprocess.ts';
import { Problem } from '../../core/problem.ts';
import type { ModelDescription } from '../../core/analysis/model-description.ts';
import { openSession } from './inference-session.ts';
import type { Answer, Opened, Question, WorkerSetup } from './inference-messages.ts';

const { bytes, description, golden, providers } = workerData as WorkerSetup;
const port = parentPort!;
sharp.concurrency(1);

const scale: ScaleToGrey = async (picture, { width, height, fit, kernel }) => {
  const { data, info } = await sharp(picture.data, {
    raw: { width: picture.width, height: picture.height, channels: picture.channels },
    limitInputPixels: 2 ** 28,
  })
    .toColourspace('b-w')
    .resize(width, height, { fit, kernel: kernelOf(kernel), background: '#000' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 1) throw new Problem('structure', 'The image did not become grey.');
  return new Uint8Array(data);
};

/** sharp names the linear kernel by what it is used for here. */
function kernelOf(kernel: ModelDescription['preprocessing']['kernel']) {
  return kernel === 'linear' ? ('linear' as const) : kernel;
}

try {
  const session = await openSession(bytes, description, golden, providers);
  port.on('message', (question: Question) => void answer(question));
  port.postMessage({ ready: true, provider: session.provider } satisfies Opened);

  const answer = async ({ frame, presentation }: Question): Promise<void> => {
    const begun = performance.now();
    try {
      const { image, preview } = await modelInput(frame, presentation, description, scale);
      const found = await session.run(image);
      const cells = found.gradcam.length / description.labels.length;
      const maps = description.labels.map((_, i) => [...found.gradcam.subarray(i * cells, (i + 1) * cells)]);
      port.postMessage({
        classification: {
          model: description,
          provider: session.provider,
          milliseconds: performance.now() - begun,
          probabilities: [...found.probabilities],
          heatMaps: maps,
          heatMapSize: Math.sqrt(cells),
          gate: [...found.gate],
          distance: [...found.distance],
          preview,
        },
      } satisfies Answer);
    } catch (error) {
      const problem = error instanceof Problem ? { code: error.code, message: error.message } : undefined;
      port.postMessage({ problem: problem ?? { code: 'exception', message: 'The model failed on this image.' } } satisfies Answer);
    }
  };
} catch (error) {
  port.postMessage({ ready: false, reason: error instanceof Error ? error.message : 'failed' } satisfies Opened);
}
