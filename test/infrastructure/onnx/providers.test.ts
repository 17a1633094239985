import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import {
  createSession,
  openSession,
  type CreateSession,
} from '../../../server/infrastructure/onnx/inference-session.ts';
import { loadModel } from '../../../server/infrastructure/onnx/model-file.ts';

const folder = join(import.meta.dirname, '../../../models/chest-mobilenet-v2');

/** A provider that runs the model and answers with something else, in one output or only in whole batches. */
function wrong(change: (results: InferenceSession.ReturnType, images: number) => void): CreateSession {
  return async (bytes, provider) => {
    const session = await createSession(bytes, 'cpu');
    if (provider === 'cpu') return session;
    const run = async (feeds: InferenceSession.FeedsType, names: string[]) => {
      const results = await session.run(feeds, names);
      change(results, (Object.values(feeds)[0] as Tensor).dims[0]!);
      return results;
    };
    return { run } as Pick<InferenceSession, 'run'>;
  };
}
const scale = (results: InferenceSession.ReturnType, name: string, by: number) => {
  const data = results[name]!.data as Float32Array;
  data.set(data.map((value) => value * by));
};

test.each([
  ['probabilities', wrong((results) => scale(results, 'probabilities', 0.9)), /probabilities differs/],
  ['logits', wrong((results) => scale(results, 'logits', 1.02)), /logits differs/],
  ['gradcam', wrong((results) => scale(results, 'gradcam', 1.1)), /gradcam differs/],
  ['distance', wrong((results) => scale(results, 'distance', Number.NaN)), /distance differs/],
  ['gate, in whole batches only', wrong((results, images) => images > 1 && scale(results, 'gate', 0.5)), /gate differs/],
  ['nothing: it cannot be opened', (bytes: Uint8Array, provider: string) => (provider === 'cpu' ? createSession(bytes, provider) : Promise.reject(new Error('no such library'))), /no such library/],
] as [string, CreateSession, RegExp][])('a provider that computes otherwise in %s fails the self-test, and the next one is tried', async (_what, create, reason) => {
  const { bytes, description, golden } = await loadModel(folder);
  const session = await openSession(bytes, description, golden, ['cuda', 'webgpu', 'cpu'], { batch: 4, create });
  expect(session.provider).toBe('cpu');
  expect(session.refused).toEqual([expect.stringMatching(reason), expect.stringMatching(reason)]);
  expect(session.refused.map((text) => text.split(':')[0])).toEqual(['cuda', 'webgpu']);
  await expect(openSession(bytes, description, golden, ['cuda'], { batch: 4, create })).rejects.toThrow(reason);
}); // prettier-ignore

test('an accelerator that is slower than a CPU is left, too', async () => {
  const { bytes, description, golden } = await loadModel(folder);
  const slow = wrong(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100));
  const session = await openSession(bytes, description, golden, ['webgpu', 'cpu'], { create: slow });
  expect(session).toMatchObject({
    provider: 'cpu',
    refused: [expect.stringMatching(/^webgpu: takes \d+ ms for an image/)],
  });
});

test('an accelerator that is far slower than one core is left, also when it is no software', async () => {
  const { bytes, description, golden } = await loadModel(folder);
  // Quick enough to pass for a GPU, as one is with the operators of an 8-bit model that it does not have.
  const slow = wrong((_results, images) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150 * images));
  const session = await openSession(bytes, description, golden, ['webgpu', 'cpu'], { batch: 2, create: slow });
  expect(session).toMatchObject({
    provider: 'cpu',
    refused: [
      expect.stringMatching(/^webgpu: takes [\d.]+ ms for an image of a batch, a core of the processor [\d.]+ ms/),
    ],
  });
  const only = await openSession(bytes, description, golden, ['webgpu'], { batch: 2, create: slow });
  expect(only.provider).toBe('webgpu');
});

/** Chromium's software Vulkan: WebGPU without a GPU. */
const driver = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/share/chromium/vk_swiftshader_icd.json'].find(
  (path) => existsSync(path),
);
const loader = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/chromium/libvulkan.so.1'].find((path) =>
  existsSync(path),
);
const missing =
  driver === undefined
    ? 'no vk_swiftshader_icd.json of Chromium'
    : loader === undefined
      ? 'no libvulkan.so.1'
      : undefined;

test.skipIf(missing)(
  `WebGPU gives the answers of the CPU${missing ? ` (skipped: ${missing})` : ''}`,
  async () => {
    const runtime = await mkdtemp(join(tmpdir(), 'csss-webgpu-'));
    const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, '../../harness/webgpu-session.ts'), folder], {
    env: { ...process.env, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: runtime, LD_LIBRARY_PATH: join(loader!, '..') },
    timeout: 170_000,
  }); // prettier-ignore
    await rm(runtime, { recursive: true, force: true });
    const found = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      provider: string;
      differences: Record<string, number>;
      milliseconds: number;
    };
    expect(found.provider).toBe('webgpu');
    for (const [name, difference] of Object.entries(found.differences)) expect(difference, name).toBeLessThan(1e-3);
  },
  180_000,
);
