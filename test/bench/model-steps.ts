import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { presentationOf } from '../../server/core/dicom/presentation.ts';
import type { DecodedFrame, InstanceRow } from '../../server/core/dicom/instance.ts';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { diskBlobs } from '../../server/infrastructure/blobs/disk.ts';
import { threadedPixels } from '../../server/infrastructure/codecs/pixel-decoder.ts';
import { WorkerPool } from '../../server/infrastructure/threads/worker-pool.ts';
import { dicomReader } from '../../server/infrastructure/dicom-reader/threaded-reader.ts';
import { startClassifier } from '../../server/infrastructure/onnx/classifier.ts';
import type { PixelAnswer, PixelQuestion } from '../../server/infrastructure/onnx/inference-messages.ts';
import { openSession } from '../../server/infrastructure/onnx/inference-session.ts';
import { loadModel } from '../../server/infrastructure/onnx/model-file.ts';
import { newUID } from './ct-instances.ts';
import { bareLoop } from './bare-session.ts';
import { at, measure, median, report } from './measure.ts';

/** One 1024 x 1024 film through each step by itself, and a backlog of images through the classifier against the bare loop. */
export async function modelSteps(folder: string): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), 'csss-bench-model-'));
  const blobs = await diskBlobs(place);
  const [reader, decoder] = [dicomReader(), threadedPixels(blobs)];
  const pixels = new WorkerPool<PixelQuestion, PixelAnswer>(
    new URL('../../server/infrastructure/onnx/pixel-worker.ts', import.meta.url),
    { threads: 1, waiting: 10, timeoutMs: 30_000, heapMb: 512 },
  );
  const { bytes, description, golden } = await loadModel(folder);
  try {
    const instance = await storedFilm(blobs, reader);
    const frame = await decoder.decode(instance, 0);
    const presentation = presentationOf(instance, 0, () => undefined);
    const answer = await pixels.run({ kind: 'input', frame, presentation, wholeFrame: false, description });
    if (!('input' in answer)) throw new Error('the film was refused');
    const { image, preview, content } = answer.input;
    const session = await openSession(bytes, description, golden, ['cpu']);
    const [found] = await session.run([image]);
    const steps: Record<string, () => Promise<unknown>> = {
      decode: () => decoder.decode(instance, 0),
      preprocess: () => pixels.run({ kind: 'input', frame, presentation, wholeFrame: false, description }),
      'run, one core': () => session.run([image]),
      'heat map': () => pixels.run({ kind: 'heat-map', preview, content, map: found!.gradcam.slice(0, 49) }),
    };
    for (const [name, step] of Object.entries(steps)) {
      const { p50, p95 } = await measure(async () => void (await step()), 100);
      report(
        `step: ${name}, film ${frame.columns} x ${frame.rows}, ms`,
        `p50 ${p50.toFixed(1)}`,
        `p95 ${p95.toFixed(1)}`,
        name.startsWith('run') && p50 <= 8 ? '<= 8' : '',
      );
    }
    await imageBacklog(folder, frame, presentation);
  } finally {
    await Promise.all([reader.close(), decoder.close(), pixels.close()]);
    await rm(place, { recursive: true, force: true });
  }
}

async function storedFilm(
  blobs: Awaited<ReturnType<typeof diskBlobs>>,
  reader: ReturnType<typeof dicomReader>,
): Promise<InstanceRow> {
  const film = await chestFilm('film-1.jpg', {
    patientId: 'BENCH1', patientName: 'Bench^One', birthDate: '19700101', sex: 'M', studyUID: newUID(), accession: '', description: '', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  const received = await blobs.receive(once(film));
  await received.written;
  const read = await reader.read(received.path);
  await blobs.keep([received]);
  const { inflated: _none, ...row } = read;
  return { ...row, blob: received.digest, size: received.size };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Decoded frames through the classifier (pixels, model, heat map) in turns with the bare loop. */
async function imageBacklog(
  folder: string,
  frame: DecodedFrame,
  presentation: ReturnType<typeof presentationOf>,
): Promise<void> {
  const classifier = await startClassifier({ folder, providers: ['cpu'], workers: 2, waiting: 1000 });
  const count = 200;
  const film = (): DecodedFrame => ({ ...frame, pixels: frame.pixels.slice() });
  await Promise.all(Array.from({ length: 8 }, () => classifier.classify(film(), presentation)));
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let round = 0; round < 3; round++) {
    bare.push((await bareLoop(folder, 2, 1, count)).seconds);
    const frames = Array.from({ length: count }, film);
    const start = performance.now();
    await Promise.all(frames.map((one) => classifier.classify(one, presentation)));
    ours.push((performance.now() - start) / 1000);
  }
  await classifier.close();
  const [mine, bound] = [
    at(
      ours.sort((a, b) => a - b),
      0,
    ),
    at(
      bare.sort((a, b) => a - b),
      0,
    ),
  ];
  report(
    `classifier, backlog of ${count} images, images/s, best of 3`,
    (count / mine).toFixed(0),
    `bare ${(count / bound).toFixed(0)}`,
    `${(mine / bound).toFixed(2)}x time`,
  );
  report(
    'the same, median of 3',
    (count / median(ours)).toFixed(0),
    `bare ${(count / median(bare)).toFixed(0)}`,
    `${(median(ours) / median(bare)).toFixed(2)}x time`,
  );
}
