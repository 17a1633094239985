import { existsSync } from 'node:fs';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelDescription } from '../../core/analysis/model-description.ts';
import { type ModelOutputs, outputNames } from './model-outputs.ts';
import { type Golden, goldenImage, selfTest } from './self-test.ts';

// A provider that is not there is our finding to report, not a line on standard error.
env.logLevel = 'fatal';

export interface OpenSession {
  provider: string;
  /** Providers that were tried before this one, with the reason why they do not serve. */
  refused: string[];
  /** All images in one run of the model; outputs in their order. */
  run(images: readonly Uint8Array[]): Promise<ModelOutputs[]>;
}

/** Opens the model on one execution provider; a test may open something else under its name. */
export type CreateSession = (bytes: Uint8Array, provider: string) => Promise<Pick<InferenceSession, 'run'>>;

/** A provider other than the CPU must need less for an image to be tried any further: a software adapter passes for a GPU and takes seconds. */
const slowestMs = 1_000;

/** So many times the time of one core is no accelerator; in between, what else the machine does may decide. */
const worthIt = 2;

export const createSession: CreateSession = (bytes, provider) => {
  if (provider === 'webgpu' && !hasGraphics()) return Promise.reject(new Error('this machine has no graphics device'));
  return InferenceSession.create(bytes, {
    executionProviders: [provider],
    // One image at a time, one thread each: two cores do more with two sessions than with one on two threads.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
};

/** On Linux, WebGPU without a device is certain to fail, and says so on standard error before it does. */
function hasGraphics(): boolean {
  if (process.platform !== 'linux' || process.env['VK_DRIVER_FILES'] || process.env['VK_ICD_FILENAMES']) return true;
  return ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'].some((device) => existsSync(device));
}

/**
 * Opens the model on the first execution provider that starts, passes the self-test (also with a whole batch) and
 * is not far slower than one core of the CPU. A provider whose library is missing rejects; there is no silent way from CUDA to the CPU.
 *
 * @param options.batch largest number of images in one run, on a provider other than the CPU or with `batchOnCpu`.
 * @throws Error with each provider's reason if none works.
 */
export async function openSession(
  bytes: Uint8Array,
  model: ModelDescription,
  golden: Golden,
  providers: readonly string[],
  options: { batch?: number; batchOnCpu?: boolean; create?: CreateSession } = {},
): Promise<OpenSession> {
  const { batch = 1, batchOnCpu = false, create = createSession } = options;
  const refused: string[] = [];
  for (const provider of providers) {
    try {
      const session = await create(bytes, provider);
      const accelerator = provider !== 'cpu';
      const run = (images: readonly Uint8Array[]) => infer(session, model, images, accelerator);
      const slowest = await selfTest(
        run,
        golden,
        model.preprocessing.width,
        accelerator || batchOnCpu ? batch : 1,
        accelerator ? slowestMs : Infinity,
      );
      if (slowest > slowestMs && accelerator) throw new Error(`takes ${Math.round(slowest)} ms for an image`);
      if (accelerator && providers.includes('cpu')) {
        const processor = await create(bytes, 'cpu');
        const { width } = model.preprocessing;
        const [took, needed] = [
          await quickest(run, width, batch),
          await quickest((images) => infer(processor, model, images, false), width, 1),
        ];
        if (took > worthIt * needed)
          throw new Error(
            `takes ${took.toFixed(1)} ms for an image of a batch, a core of the processor ${needed.toFixed(1)} ms`,
          );
      }
      return { provider, refused, run };
    } catch (error) {
      refused.push(`${provider}: ${error instanceof Error ? firstLine(error.message) : 'failed'}`);
    }
  }
  throw new Error(`no execution provider runs the model (${refused.join('; ')})`);
}

/** Milliseconds for an image of a run, when caches are warm. */
async function quickest(run: OpenSession['run'], side: number, count: number): Promise<number> {
  const images = Array.from({ length: count }, () => goldenImage(0, side));
  let least = Infinity;
  for (let n = 0; n < 3; n++) {
    const begun = performance.now();
    await run(images);
    least = Math.min(least, (performance.now() - begun) / count);
  }
  return least;
}

async function infer(
  session: Pick<InferenceSession, 'run'>,
  model: ModelDescription,
  images: readonly Uint8Array[],
  accelerator: boolean,
): Promise<ModelOutputs[]> {
  const { width, height } = model.preprocessing;
  const size = width * height * 3;
  // An accelerator prepares itself anew for each number of images: it is to see few different ones.
  const count = accelerator ? 2 ** Math.ceil(Math.log2(images.length)) : images.length;
  const pixels = new Uint8Array(count * size);
  images.forEach((image, i) => pixels.set(image, i * size));
  const results = await session.run({ [model.input.name]: new Tensor('uint8', pixels, [count, height, width, 3]) }, [
    ...outputNames,
  ]);
  return images.map((_, i) => {
    const own = outputNames.map((name) => {
      const all = results[name]!.data as Float32Array;
      return [name, all.slice((i * all.length) / count, ((i + 1) * all.length) / count)];
    });
    return Object.fromEntries(own) as ModelOutputs;
  });
}

function firstLine(message: string): string {
  return message.split('\n')[0]!.slice(0, 200);
}
