// A session process without a model, in the place of an accelerator: each run takes 40 ms and says in `distance` which
// run it was and how many images shared it. The first byte of an image makes it misbehave.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelOutputs } from '../../server/infrastructure/onnx/model-outputs.ts';
import { serveSession } from '../../server/infrastructure/onnx/serve-session.ts';
import { fromParent } from '../../server/infrastructure/onnx/session-port.ts';

const ends = 13;
const hangs = 66;
const breaksTheProvider = 99;
let runs = 0;

const { port, setup } = await fromParent();
await serveSession(port, setup, async ({ providers, description }) => {
  const provider = providers[0]!;
  return {
    provider,
    refused: [],
    async run(images) {
      const marks = images.map((image) => image[0]);
      const run = ++runs;
      if (marks.includes(ends)) process.exit(1);
      if (marks.includes(hangs)) await new Promise(() => {});
      if (marks.includes(breaksTheProvider) && provider === 'cuda')
        throw new Error('CUDA failure 700: an illegal memory access was encountered');
      await sleep(40);
      return images.map((image): ModelOutputs => ({
        probabilities: Float32Array.from(description.labels, (_, i) => (i === 3 ? 1 : 0)),
        logits: new Float32Array(description.labels.length),
        gradcam: new Float32Array(description.labels.length * 49),
        gate: Float32Array.of(1, 0, image[0]!),
        distance: Float32Array.of(run, images.length),
      }));
    },
  };
});
