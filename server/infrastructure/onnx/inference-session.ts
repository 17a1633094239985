import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelDescription } from '../../core/analysis/model-description.ts';
import { type Golden, selfTest } from './self-test.ts';

// A provider that is not there is our finding to report, not a line on standard error.
env.logLevel = 'fatal';

const outputNames = ['probabilities', 'logits', 'gradcam', 'gate', 'distance'] as const;
export type ModelOutputs = Record<(typeof outputNames)[number], Float32Array>;

export interface OpenSession {
  provider: string;
  run(image: Uint8Array): Promise<ModelOutputs>;
}

/**
 * Opens the model on the first execution provider that both starts and passes the self-test. A provider whose
 * library is missing rejects; there is no silent way from CUDA to the CPU.
 *
 * @throws Error with each provider's reason if none works.
 */
export async function openSession(
  bytes: Uint8Array,
  model: ModelDescription,
  golden: Golden,
  providers: readonly string[],
): Promise<OpenSession> {
  const reasons: string[] = [];
  const own = new Uint8Array(bytes); // the binding takes no shared memory
  for (const provider of providers) {
    try {
      const session = await InferenceSession.create(own, {
        executionProviders: [provider],
        // One image at a time, one thread each: two cores do more with two sessions than with one on two threads.
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        logSeverityLevel: 4,
      });
      const run = (image: Uint8Array) => infer(session, model, image);
      await selfTest(run, golden, model.preprocessing.width);
      return { provider, run };
    } catch (error) {
      reasons.push(`${provider}: ${error instanceof Error ? firstLine(error.message) : 'failed'}`);
    }
  }
  throw new Error(`no execution provider runs the model (${reasons.join('; ')})`);
}

async function infer(session: InferenceSession, model: ModelDescription, image: Uint8Array): Promise<ModelOutputs> {
  const { width, height } = model.preprocessing;
  const feeds = { [model.input.name]: new Tensor('uint8', image, [1, height, width, 3]) };
  const results = await session.run(feeds, [...outputNames]);
  return Object.fromEntries(
    outputNames.map((name) => [name, results[name]!.data as Float32Array]),
  ) as unknown as ModelOutputs;
}

function firstLine(message: string): string {
  return message.split('\n')[0]!.slice(0, 200);
}
