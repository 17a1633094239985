import { availableParallelism } from 'node:os';
import type { Blobs } from '../../core/studies/blobs.ts';
import type { PixelDecoder, PixelErrand } from '../../core/studies/pixel-decoder.ts';
import { Problem } from '../../core/problem.ts';
import type { PixelAnswer, PixelResults, PixelTask } from './decode-worker.ts';
import { encodePicture } from './encode-picture.ts';
import { encodedFile } from './encoded-file.ts';
import { explicitFile } from './explicit-file.ts';
import { movingPicture } from './moving-picture.ts';
import { sliceOfFrame } from './frame-slice.ts';
import { PictureCache } from './picture-cache.ts';
import { WorkerPool } from '../threads/worker-pool.ts';

export interface PixelThreads extends PixelDecoder {
  /** Resolves when a thread answers, or when none was needed yet. */
  ping(): Promise<void>;
  load(): { threads: number; busy: number; waiting: number };
  close(): Promise<void>;
}

/**
 * The pixel port on worker threads; they start when first needed and do not keep the process alive.
 *
 * @param options.threads how many images are decoded at once; without it one core is left to the event loop
 * @param options.timeoutMs longest time for one frame
 * @param options.waiting tasks that may queue before others are refused
 */
export function threadedPixels(
  blobs: Pick<Blobs, 'pathOf' | 'open'>,
  options: { threads?: number; timeoutMs?: number; waiting?: number } = {},
): PixelThreads {
  const pool = new WorkerPool<PixelTask, PixelAnswer>(new URL('./decode-worker.ts', import.meta.url), {
    threads: options.threads ?? Math.min(8, Math.max(1, availableParallelism() - 1)),
    waiting: options.waiting ?? 512,
    timeoutMs: options.timeoutMs ?? 10_000,
    heapMb: 512,
  });

  async function perform<Kind extends keyof PixelResults>(
    task: Omit<PixelTask, 'path'> & { kind: Kind },
    errand?: PixelErrand,
  ): Promise<PixelResults[Kind]> {
    const path = blobs.pathOf(task.instance.inflated ?? task.instance.blob);
    const answer = await pool.run({ ...task, path }, [], errand);
    if ('problem' in answer) throw new Problem(answer.problem.code, answer.problem.message);
    if ('crash' in answer) throw Object.assign(new Error('a pixel worker failed'), { stack: answer.crash });
    return answer.result as PixelResults[Kind];
  }

  const pictures = new PictureCache();
  const decode: PixelDecoder['decode'] = async (instance, frame, errand) =>
    perform({ kind: 'decode', ...sliceOfFrame(instance, frame) }, errand);
  const encode: PixelDecoder['encode'] = async (instance, frame, transferSyntax, errand) => {
    const task = { kind: 'encode' as const, ...sliceOfFrame(instance, frame), encoded: { transferSyntax } };
    return (await perform(task, errand)).data;
  };
  const render: PixelDecoder['render'] = (instance, frame, look, errand) =>
    pictures.of(`${instance.blob} ${frame} ${JSON.stringify(look)}`, async () =>
      encodePicture(
        await perform({ kind: 'display', ...sliceOfFrame(instance, frame), shown: frame, window: look.window }, errand),
        look,
      ),
    );
  return {
    decode,
    render,
    animate: (instance, frames, delays, look, errand) =>
      movingPicture(frames.length, delays, (i, one) => render(instance, frames[i]!, one, errand), look),
    explicit: (instance, coercion) =>
      explicitFile(instance, () => perform({ kind: 'surroundings', instance, frame: 0, coercion }), decode, blobs),
    transcode: (instance, transferSyntax, coercion) =>
      encodedFile(
        instance,
        (ratio) =>
          perform({
            kind: 'surroundings',
            instance,
            frame: 0,
            coercion,
            encoded: { transferSyntax, ...(ratio !== undefined && { ratio }) },
          }),
        (frame) => encode(instance, frame, transferSyntax),
      ),
    encode,
    ping: () => pool.ping(),
    load: () => pool.load(),
    close: () => pool.close(),
  };
}
