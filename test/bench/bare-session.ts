// The bound: onnxruntime and nothing else. A thread with one session runs images that lie ready, one after another.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

interface Setup {
  folder: string;
  /** Intra-op threads of the session. */
  threads: number;
  count: number;
}

/** Runs `count` images on `sessions` sessions of `threads` threads each; loading is not counted. */
export async function bareLoop(
  folder: string,
  sessions: number,
  threads: number,
  count: number,
): Promise<{ times: number[]; seconds: number }> {
  const share = Math.ceil(count / sessions);
  const workers = Array.from(
    { length: sessions },
    () => new Worker(new URL(import.meta.url), { workerData: { folder, threads, count: share } satisfies Setup }),
  );
  const next = <T>(worker: Worker) =>
    new Promise<T>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await Promise.all(workers.map((worker) => next(worker)));
  const start = performance.now();
  const times = await Promise.all(
    workers.map((worker) => {
      const answer = next<number[]>(worker);
      worker.postMessage('go');
      return answer;
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return { times: times.flat().sort((a, b) => a - b), seconds };
}

if (parentPort && workerData) {
  const { folder, threads, count } = workerData as Setup;
  const model = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as {
    model: { file: string };
    preprocessing: { width: number; height: number };
  };
  const session = await InferenceSession.create(await readFile(join(folder, model.model.file)), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const { width, height } = model.preprocessing;
  const image = Uint8Array.from({ length: width * height * 3 }, (_, i) => i & 255);
  const run = () =>
    session.run({ image: new Tensor('uint8', image, [1, height, width, 3]) }, [
      'probabilities',
      'gradcam',
      'gate',
      'distance',
    ]);
  for (let i = 0; i < 10; i++) await run();
  const measure = async () => {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const before = performance.now();
      await run();
      times.push(performance.now() - before);
    }
    parentPort!.postMessage(times);
  };
  parentPort.once('message', () => void measure());
  parentPort.postMessage('ready');
}
