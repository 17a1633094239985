import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Classification, Classifier, ClassifierState, DecodedFrame } from '../../core/ports.ts';
import { Problem } from '../../core/problem.ts';
import { type LoadedModel, loadModel } from './model-file.ts';
import type { Answer, Opened, Question, WorkerSetup } from './inference-messages.ts';

export interface ClassifierOptions {
  /** Folder with model.json, the model and its known answers. */
  folder: string;
  /** Tried in this order. */
  providers: readonly string[];
  /** Worker threads; by default one a core on the CPU, one on a GPU. */
  workers?: number;
  timeoutMs?: number;
  /** Images that may wait; more are refused, and the job queue keeps them. */
  waiting?: number;
}

interface Seat {
  worker: Worker;
  /** The question that it works on. */
  busy?: Pending;
}

interface Pending {
  question: Question;
  resolve(classification: Classification): void;
  reject(problem: Problem): void;
  timer?: NodeJS.Timeout;
}

/** Pauses before a crashed worker is started again, so that a model that kills its thread does not spin. */
const restartPauses = [0, 1_000, 5_000, 30_000];

/**
 * Starts the classifier: checks the model file against its description, opens one session a thread, tests
 * each against known answers. It never rejects: a server without a usable model serves everything else and
 * says in `state()` what is wrong.
 */
export async function startClassifier(options: ClassifierOptions): Promise<Classifier & { close(): Promise<void> }> {
  const pool = new InferencePool(options);
  await pool.open();
  return {
    state: () => pool.state,
    classify: (frame, presentation) => pool.run({ frame, presentation }),
    close: () => pool.close(),
  };
}

class InferencePool {
  state: ClassifierState = { ready: false, reason: 'starting' };
  readonly #options: ClassifierOptions;
  readonly #seats = new Set<Seat>();
  readonly #waiting: Pending[] = [];
  #model: LoadedModel | undefined;
  #providers: readonly string[];
  #crashes = 0;
  #closed = false;

  #growing = false;

  constructor(options: ClassifierOptions) {
    this.#options = options;
    this.#providers = options.providers;
  }

  /** The first worker finds the provider; the others are given it. */
  async open(): Promise<void> {
    try {
      this.#model = await loadModel(this.#options.folder);
      const provider = await this.#seat();
      this.#providers = [provider];
      const workers = this.#options.workers ?? (provider === 'cpu' ? availableParallelism() : 1);
      this.state = { ready: true, provider, workers, model: this.#model.description };
    } catch (error) {
      this.#refuse(error);
    }
  }

  run(question: Question): Promise<Classification> {
    if (!this.state.ready) return Promise.reject(new Problem('transient', `The classifier is not ready: ${this.state.reason}`, { retryAfter: 30 }));
    if (this.#waiting.length >= (this.#options.waiting ?? 64)) {
      return Promise.reject(new Problem('transient', 'Too many images wait for the classifier.', { retryAfter: 5 }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      this.#next();
      this.#grow();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.state = { ready: false, reason: 'stopped' };
    for (const { reject } of this.#waiting.splice(0)) reject(new Problem('transient', 'The server is stopping.', { retryAfter: 5 }));
    await Promise.all([...this.#seats].map(({ worker }) => worker.terminate()));
  }

  /** Starts a worker; resolves with its provider when it passed the self-test. */
  #seat(): Promise<string> {
    const { bytes, description, golden } = this.#model!;
    const setup: WorkerSetup = { bytes, description, golden, providers: this.#providers };
    const worker = new Worker(new URL('./inference-worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    const seat: Seat = { worker };
    return new Promise((resolve, reject) => {
      worker.once('message', (opened: Opened) => {
        if (!opened.ready) {
          void worker.terminate();
          reject(new Error(opened.reason));
          return;
        }
        this.#seats.add(seat);
        worker.on('message', (answer: Answer) => this.#answered(seat, answer));
        resolve(opened.provider);
        this.#next();
      });
      // Without a listener an error in a thread ends the process.
      worker.on('error', (error) => reject(error));
      worker.once('exit', () => {
        reject(new Error('the worker thread ended before it was ready'));
        this.#lost(seat);
      });
    });
  }

  /** A session takes a hundred megabytes: the second and further ones start when images wait for the first. */
  #grow(): void {
    if (this.#waiting.length === 0 || this.#growing || !this.state.ready || this.#seats.size >= this.state.workers) return;
    this.#growing = true;
    this.#seat()
      .catch(() => undefined) // the seats that are there go on
      .finally(() => (this.#growing = false));
  }

  #next(): void {
    for (const seat of this.#seats) {
      if (seat.busy || this.#waiting.length === 0) continue;
      const pending = this.#waiting.shift()!;
      seat.busy = pending;
      pending.timer = setTimeout(() => {
        pending.reject(new Problem('timeout', 'The model did not answer in time.'));
        void seat.worker.terminate();
      }, this.#options.timeoutMs ?? 30_000);
      seat.worker.postMessage(pending.question, handedOver(pending.question.frame));
    }
  }

  #answered(seat: Seat, answer: Answer): void {
    const pending = seat.busy;
    delete seat.busy;
    clearTimeout(pending?.timer);
    this.#crashes = 0;
    if ('classification' in answer) pending?.resolve(answer.classification);
    else pending?.reject(new Problem(answer.problem.code, answer.problem.message));
    this.#next();
  }

  /** A thread that ended takes its image with it; another is started in its place. */
  #lost(seat: Seat): void {
    if (!this.#seats.delete(seat)) return;
    clearTimeout(seat.busy?.timer);
    seat.busy?.reject(new Problem('transient', 'The worker of the classifier was lost.', { retryAfter: 1 }));
    if (this.#closed) return;
    const pause = restartPauses[Math.min(this.#crashes++, restartPauses.length - 1)]!;
    setTimeout(() => this.#replace(), pause).unref();
  }

  #replace(): void {
    if (this.#closed) return;
    this.#seat().then(
      (provider) => {
        const workers = this.#seats.size;
        this.state = this.state.ready ? this.state : { ready: true, provider, workers, model: this.#model!.description };
      },
      (error: unknown) => {
        if (this.#seats.size === 0) this.#refuse(error);
        setTimeout(() => this.#replace(), restartPauses.at(-1)).unref();
      },
    );
  }

  #refuse(error: unknown): void {
    if (this.#closed) return;
    const reason = error instanceof Error ? error.message : 'the model could not be started';
    this.state = { ready: false, reason, ...(this.#model && { model: this.#model.description }) };
    for (const { reject } of this.#waiting.splice(0)) reject(new Problem('transient', `The classifier is not ready: ${reason}`));
  }
}

/** The pixel buffer goes to the worker without a copy where it is whole. */
function handedOver({ pixels }: DecodedFrame): ArrayBuffer[] {
  const { buffer } = pixels;
  return buffer instanceof ArrayBuffer && pixels.byteLength === buffer.byteLength ? [buffer] : [];
}
