import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { LoadedModel } from './model-file.ts';
import type { BatchAnswer, BatchItem, BatchQuestion, Opened, SessionSetup } from './inference-messages.ts';

export interface SessionOptions {
  /** Tried in this order. */
  providers: readonly string[];
  /** Sessions on the CPU, by default one a core; an accelerator has one. */
  workers?: number;
  /** Longest time for one run. */
  timeoutMs: number;
  /** Images in one run at most, on an accelerator; on the CPU one, unless `onCpu`. */
  batch: { size: number; onCpu?: boolean };
  /** What a session thread runs. */
  script?: URL;
}

export interface Seat {
  worker: Worker;
  provider: string;
  busy?: Run;
}

interface Run {
  end(outcome: RunOutcome): void;
  timer: NodeJS.Timeout;
}

/** `lost`: the provider failed, these images need another; `crash`, `timeout`: the thread was lost over them. */
export type RunOutcome = { answers: BatchItem[] } | { failed: 'lost' | 'crash' | 'timeout' };

/** Pauses before a crashed thread is started again, so that a model that kills its thread does not spin. */
const restartPauses = [0, 1_000, 5_000, 30_000];

/**
 * The threads that run the model, all on one provider. One that crashes or hangs is started again; a provider that
 * fails while it works is left for the next in the order, which is self-tested first.
 */
export class Sessions {
  /** The provider that runs the model now. */
  provider = 'none';
  /** Providers that worked and failed, with the reason. */
  readonly lost: string[] = [];
  /** Why no thread can be had; undefined while some can. */
  broken: string | undefined;
  /** Called when a seat is free, or when `broken` changed. */
  onChange: () => void = () => undefined;
  readonly #model: LoadedModel;
  readonly #options: SessionOptions;
  readonly #seats = new Set<Seat>();
  #providers: readonly string[];
  #crashes = 0;
  #growing = false;
  #closed = false;

  constructor(model: LoadedModel, options: SessionOptions) {
    this.#model = model;
    this.#options = options;
    this.#providers = options.providers;
  }

  /** How many sessions there may be. */
  get size(): number {
    return this.provider === 'cpu' ? (this.#options.workers ?? availableParallelism()) : 1;
  }

  /** Images in one run at most. */
  get batch(): number {
    const { size, onCpu } = this.#options.batch;
    return this.provider === 'cpu' && !onCpu ? 1 : size;
  }

  /** The first thread finds the provider. @throws Error with each provider's reason if none works. */
  async open(): Promise<void> {
    await this.#start(this.#providers);
  }

  idle(): Seat | undefined {
    for (const seat of this.#seats) if (!seat.busy) return seat;
    return undefined;
  }

  /** A session takes a hundred megabytes: the second and further ones start when images wait for the first. */
  grow(): void {
    if (this.#growing || this.#closed || this.#seats.size === 0 || this.#seats.size >= this.size) return;
    this.#growing = true;
    this.#start([this.provider])
      .catch(() => undefined) // the seats that are there go on
      .finally(() => (this.#growing = false));
  }

  /** Runs images on an idle seat. The images are copied: they may be needed again. */
  run(seat: Seat, images: Uint8Array[]): Promise<RunOutcome> {
    return new Promise((resolve) => {
      const end = (outcome: RunOutcome) => {
        clearTimeout(timer);
        delete seat.busy;
        resolve(outcome);
      };
      const timer = setTimeout(() => {
        this.#leave(seat);
        end({ failed: 'timeout' });
        this.#restart();
      }, this.#options.timeoutMs);
      seat.busy = { end, timer };
      seat.worker.postMessage({ images } satisfies BatchQuestion);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#seats].map(({ worker }) => worker.terminate()));
  }

  /** Starts a thread; resolves when it passed the self-test on one of the providers. */
  #start(providers: readonly string[]): Promise<void> {
    const { bytes, description, golden } = this.#model;
    const { batch, script } = this.#options;
    const setup: SessionSetup = {
      bytes,
      description,
      golden,
      providers,
      batch: batch.size,
      batchOnCpu: batch.onCpu ?? false,
    };
    const worker = new Worker(script ?? new URL('./inference-worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    return new Promise((resolve, reject) => {
      // Without a listener an error in a thread ends the process.
      worker.on('error', (error) => reject(error));
      worker.once('exit', () => reject(new Error('the worker thread ended before it was ready')));
      worker.once('message', (opened: Opened) => {
        if (!opened.ready) {
          void worker.terminate();
          reject(new Error(opened.reason));
          return;
        }
        if (this.#closed) return void worker.terminate();
        this.#take({ worker, provider: opened.provider }, opened.refused);
        resolve();
      });
    });
  }

  #take(seat: Seat, refused: readonly string[]): void {
    if (this.provider !== 'none' && this.provider !== seat.provider) this.lost.push(...refused);
    this.provider = seat.provider;
    this.#providers = this.#providers.slice(Math.max(0, this.#providers.indexOf(seat.provider)));
    this.broken = undefined;
    this.#seats.add(seat);
    seat.worker.on('message', (answer: BatchAnswer) => this.#answered(seat, answer));
    seat.worker.once('exit', () => {
      if (!this.#leave(seat)) return;
      seat.busy?.end({ failed: 'crash' });
      this.#restart();
    });
    this.onChange();
  }

  #answered(seat: Seat, answer: BatchAnswer): void {
    if (!this.#seats.has(seat)) return;
    if ('answers' in answer) {
      this.#crashes = 0;
      seat.busy?.end(answer);
      this.onChange();
      return;
    }
    this.#leave(seat);
    this.lost.push(`${seat.provider}: ${answer.lost}`);
    const others = this.#providers.filter((name) => name !== seat.provider);
    if (others.length > 0) this.#providers = others;
    else this.#broke(`${seat.provider} failed: ${answer.lost}`);
    seat.busy?.end({ failed: 'lost' });
    if (others.length > 0) this.#replace();
  }

  /** No thread can be had now; perhaps later. */
  #broke(reason: string): void {
    this.broken = reason;
    this.onChange();
    setTimeout(() => this.#replace(), restartPauses.at(-1)).unref();
  }

  /** @returns false if the seat was given up already. */
  #leave(seat: Seat): boolean {
    const was = this.#seats.delete(seat);
    if (was) void seat.worker.terminate();
    return was;
  }

  #restart(): void {
    const pause = restartPauses[Math.min(this.#crashes++, restartPauses.length - 1)]!;
    setTimeout(() => this.#replace(), pause).unref();
  }

  #replace(): void {
    if (this.#closed) return;
    this.#start(this.#providers).catch((error: unknown) => {
      if (this.#seats.size === 0)
        this.#broke(error instanceof Error ? error.message : 'the model could not be started');
    });
  }
}
