import { availableParallelism } from 'node:os';
import type { Classifier, ClassifierState } from '../../core/analysis/classifier.ts';
import { Problem } from '../../core/problem.ts';
import { ImageLine } from './image-line.ts';
import { loadModel } from './model-file.ts';
import { Refused } from './refused.ts';
import { Sessions } from './sessions.ts';

export interface ClassifierOptions {
  /** Folder with model.json, the model and its known answers. */
  folder: string;
  /** SHA-256 of the model that must lie there; by default whichever does. */
  digest?: string;
  /** Tried in this order. */
  providers: readonly string[];
  /** Sessions on the CPU, and threads for pixels; by default one a core. */
  workers?: number;
  /** Longest time for one run of the model, and for the pixels of one image. */
  timeoutMs?: number;
  /** Images that may wait; more are refused, and the job queue keeps them. */
  waiting?: number;
  /**
   * Images in one run on an accelerator at most (default 16), and how long the first waits for others (default 5 ms).
   * On the CPU batches do not help (measured) and a run takes one image, unless `onCpu`.
   */
  batch?: { size?: number; delayMs?: number; onCpu?: boolean };
  /** Longest time until a session is open and has passed its self-test. */
  startMs?: number;
  /** Memory that one session may use, in MiB; by default 2 GiB and four times the model's file. */
  memoryMiB?: number;
  /** Sessions give way to everything else on the machine: nobody waits for them. */
  background?: boolean;
  /** Awaited before each step of an image: see `LineOptions`. */
  giveWay?: () => Promise<void>;
  /** What a session process runs; by default onnxruntime (`inference-process.ts`). */
  sessionScript?: URL;
}

const mebibyte = 1024 ** 2;

/**
 * Starts the classifier: checks the model file against its description, opens a session, tests it against known
 * answers. It never rejects: a server without a usable model serves everything else and says in `state()` what is wrong.
 *
 * On the CPU there is one session a core and one image a run; on an accelerator one session and whole batches. Each
 * session is a process of its own; pixel threads prepare images for them.
 */
export async function startClassifier(options: ClassifierOptions): Promise<Classifier & { close(): Promise<void> }> {
  const { folder, digest, providers, workers, timeoutMs = 30_000, waiting = 64, sessionScript } = options;
  const { startMs = 60_000, background = false } = options;
  const { size = 16, delayMs = 5, onCpu = false } = options.batch ?? {};
  const model = await loadModel(folder, digest).catch((error: Error) => error);
  if (model instanceof Error) return refusing(notReady(model));
  const sessions = new Sessions(model, {
    providers,
    timeoutMs,
    startMs,
    memoryMiB: options.memoryMiB ?? Math.ceil(2048 + (4 * model.bytes.length) / mebibyte),
    background,
    batch: { size, onCpu },
    ...(workers !== undefined && { workers }),
    ...(sessionScript && { script: sessionScript }),
  });
  try {
    await sessions.open();
  } catch (error) {
    return refusing({ ...notReady(error as Error), model: model.description });
  }
  const line = new ImageLine(model, sessions, {
    threads: workers ?? availableParallelism(),
    timeoutMs,
    waiting,
    delayMs,
    giveWay: options.giveWay,
  });
  return {
    state: () => line.state(),
    classify: (frame, presentation, turn = {}) => line.join(frame, presentation, turn),
    close: () => line.close(),
  };
}

type NotReady = Extract<ClassifierState, { ready: false }>;

function notReady(error: Error): NotReady {
  return { ready: false, reason: error.message, ...(error instanceof Refused && { code: error.code }) };
}

function refusing(state: NotReady): Classifier & { close(): Promise<void> } {
  return {
    state: () => state,
    classify: () =>
      Promise.reject(new Problem('transient', `The classifier is not ready: ${state.reason}`, { retryAfter: 30 })),
    close: () => Promise.resolve(),
  };
}
