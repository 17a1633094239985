import { availableParallelism } from 'node:os';
import type { BatchAnswer, BatchItem } from './inference-messages.ts';
import type { LoadedModel } from './model-file.ts';
import { SessionProcess } from './session-process.ts';

export interface SessionOptions {
  /** Tried in this order. */
  providers: readonly string[];
  /** Sessions on the CPU, by default one a core; an accelerator has one. */
  workers?: number;
  /** Longest time for one run, and to start. */
  timeoutMs: number;
  startMs: number;
  /** Of one session, in MiB. */
  memoryMiB: number;
  /** Gives way to everything else on the machine. */
  background: boolean;
  /** Images in one run at most, on an accelerator; on the CPU one, unless `onCpu`. */
  batch: { size: number; onCpu?: boolean };
  /** What a session process runs. */
  script?: URL;
}

export interface Seat {
  process: SessionProcess;
  provider: string;
  busy?: Run;
}

interface Run {
  end(outcome: RunOutcome): void;
  timer: NodeJS.Timeout;
}

/** `lost`: the provider failed, these images need another; `crash`, `timeout`: the process was lost over them. */
export type RunOutcome = { answers: BatchItem[] } | { failed: 'lost' | 'crash' | 'timeout' };

/** Pauses before a crashed process is started again, so that a model that kills its process does not spin. */
const restartPauses = [0, 1_000, 5_000, 30_000];

/**
 * The processes that run the model, all on one provider. One that crashes or hangs is started again; a provider that
 * fails while it works is left for the next in the order, which is self-tested first.
 */
export class Sessions {
  /** The provider that runs the model now. */
  provider = 'none';
  /** Providers that worked and failed, with the reason. */
  readonly lost: string[] = [];
  /** Why no process can be had; undefined while some can. */
  broken: string | undefined;
  /** Called when a seat is free, or when `broken` changed. */
  onChange: () => void = () => undefined;
  readonly #model: LoadedModel;
  readonly #options: SessionOptions;
  readonly #seats = new Set<Seat>();
  readonly #starting = new Set<SessionProcess>();
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

  /** The first process finds the provider. @throws Refused with each provider's reason if none works, `crash`, `timeout`, `memory`. */
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
      seat.process.ask({ images });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#starting, ...[...this.#seats].map(({ process }) => process)];
    await Promise.all(all.map((process) => process.end()));
  }

  /** Starts a process; resolves when it passed the self-test on one of the providers. */
  async #start(providers: readonly string[]): Promise<void> {
    const { batch, script, startMs, memoryMiB, background } = this.#options;
    const process = new SessionProcess(
      { ...this.#model, providers, batch: batch.size, batchOnCpu: batch.onCpu ?? false },
      { script: script ?? new URL('./inference-process.ts', import.meta.url), startMs, memoryMiB, background },
    );
    this.#starting.add(process);
    try {
      const { provider, refused } = await process.opened;
      if (this.#closed) throw new Error('stopped');
      this.#take({ process, provider }, refused);
    } catch (error) {
      void process.end();
      throw error;
    } finally {
      this.#starting.delete(process);
    }
  }

  #take(seat: Seat, refused: readonly string[]): void {
    if (this.provider !== 'none' && this.provider !== seat.provider) this.lost.push(...refused);
    this.provider = seat.provider;
    this.#providers = this.#providers.slice(Math.max(0, this.#providers.indexOf(seat.provider)));
    this.broken = undefined;
    this.#seats.add(seat);
    seat.process.onAnswer = (answer) => this.#answered(seat, answer);
    void seat.process.ended.then(() => {
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

  /** No process can be had now; perhaps later. */
  #broke(reason: string): void {
    this.broken = reason;
    this.onChange();
    setTimeout(() => this.#replace(), restartPauses.at(-1)).unref();
  }

  /** @returns false if the seat was given up already. */
  #leave(seat: Seat): boolean {
    const was = this.#seats.delete(seat);
    if (was) void seat.process.end();
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
