import { availableParallelism } from 'node:os';
import type { Classifier } from '../../core/ports.ts';
import { Problem } from '../../core/problem.ts';
import { ImageLine } from './image-line.ts';
import { loadModel } from './model-file.ts';
import { Sessions } from './sessions.ts';

export interface ClassifierOptions {
  /** Folder with model.json, the model and its known answers. */
  folder: string;
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
  /** What a session thread runs; by default onnxruntime (`inference-worker.ts`). */
  sessionScript?: URL;
}

/**
 * Starts the classifier: checks the model file against its description, opens a session, tests it against known
 * answers. It never rejects: a server without a usable model serves everything else and says in `state()` what is wrong.
 *
 * On the CPU there is one session a core and one image a run; on an accelerator one session and whole batches. Pixel
 * threads prepare images for both.
 */
export async function startClassifier(options: ClassifierOptions): Promise<Classifier & { close(): Promise<void> }> {
  const { folder, providers, workers, timeoutMs = 30_000, waiting = 64, sessionScript } = options;
  const { size = 16, delayMs = 5, onCpu = false } = options.batch ?? {};
  const model = await loadModel(folder).catch((error: Error) => error);
  if (model instanceof Error) return refusing({ ready: false, reason: model.message });
  const sessions = new Sessions(model, {
    providers,
    timeoutMs,
    batch: { size, onCpu },
    ...(workers !== undefined && { workers }),
    ...(sessionScript && { script: sessionScript }),
  });
  try {
    await sessions.open();
  } catch (error) {
    return refusing({ ready: false, reason: (error as Error).message, model: model.description });
  }
  const line = new ImageLine(model, sessions, {
    threads: workers ?? availableParallelism(),
    timeoutMs,
    waiting,
    delayMs,
  });
  return {
    state: () => line.state(),
    classify: (frame, presentation, turn = {}) => line.join(frame, presentation, turn),
    close: () => line.close(),
  };
}

function refusing(
  state: Extract<ReturnType<Classifier['state']>, { ready: false }>,
): Classifier & { close(): Promise<void> } {
  return {
    state: () => state,
    classify: () =>
      Promise.reject(new Problem('transient', `The classifier is not ready: ${state.reason}`, { retryAfter: 30 })),
    close: () => Promise.resolve(),
  };
}
