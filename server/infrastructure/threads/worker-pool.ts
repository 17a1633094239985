import { Worker } from 'node:worker_threads';
import { Problem } from '../../core/problem.ts';

export interface PoolLimits {
  threads: number;
  /** Tasks that may wait beyond those running; more are refused, so that memory and waiting time stay bounded. */
  waiting: number;
  /** A last resort: what a task may cost is limited in the task itself, because time says more of the machine's load. */
  timeoutMs: number;
  /** JavaScript heap of a thread. */
  heapMb: number;
  /** Its young generation: without a limit it grows to tens of megabytes, and stays. */
  youngMb?: number;
  /** Depth of its calls. */
  stackMb?: number;
  /** What a task is about, for messages: `image` unless said. */
  subject?: string;
  /** All threads start at once, so that the first task need not wait for one; otherwise each when it is needed. */
  started?: boolean;
}

/** Whose task it is. */
export interface Errand {
  /** Who has many tasks waits behind who has few. */
  caller?: string;
  /** Nobody waits for the answer any more. */
  signal?: AbortSignal;
}

/** A thread that is at work for nobody is ended after this time: starting another costs about as much. */
const patienceMs = 1_000;

interface Waiting<Task, Answer extends object> {
  /** `ping`: the thread's script answers with any object. */
  task: Task | 'ping';
  handOver: readonly ArrayBuffer[];
  errand: Errand;
  /** Undoes what makes it leave the line. */
  stay?(): void;
  resolve(answer: Answer): void;
  reject(reason: Error): void;
}

interface Thread<Answer> {
  worker: Worker;
  /** The task that it is at. */
  work?: { settle(): void; resolve(answer: Answer): void; reject(reason: Error): void };
  /** Why it ended. */
  reason?: Error & { code?: string };
}

/**
 * Worker threads that do one task at a time and may be lost at any time: one that runs out of time or memory,
 * or crashes, is ended and its task refused; the next task gets a new thread. An answer with `spoiled` ends its thread too.
 */
export class WorkerPool<Task, Answer extends object> {
  readonly #script: URL;
  readonly #limits: PoolLimits;
  readonly #idle: Thread<Answer>[] = [];
  readonly #all = new Set<Thread<Answer>>();
  readonly #waiting: Waiting<Task, Answer>[] = [];
  #closed = false;
  /** Whose task was begun last. */
  #served: string | undefined;
  #aliveAt = -Infinity;

  constructor(script: URL, limits: PoolLimits) {
    this.#script = script;
    this.#limits = limits;
    if (limits.started) for (let n = 0; n < limits.threads; n++) this.#idle.push(this.#start());
  }

  /**
   * @param handOver buffers of the task that the thread gets without a copy; they cannot be used here afterwards
   * @throws Problem `transient` when too many wait, `timeout`, `too-costly` when the thread ran out of memory.
   */
  run(task: Task, handOver: readonly ArrayBuffer[] = [], errand: Errand = {}): Promise<Answer> {
    if (this.#closed) return Promise.reject(new Problem('transient', 'The server is stopping', { retryAfter: 5 }));
    if (this.#waiting.length >= this.#limits.waiting)
      return Promise.reject(this.#problem('transient', 'waits behind too many others; try again'));
    const { signal } = errand;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const waiting: Waiting<Task, Answer> = { task, handOver, errand, resolve, reject };
      const leave = () => this.#leave(waiting);
      signal?.addEventListener('abort', leave, { once: true });
      waiting.stay = () => signal?.removeEventListener('abort', leave);
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  /** A task of nobody that waits is not begun. */
  #leave(waiting: Waiting<Task, Answer>): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.reject(waiting.errand.signal!.reason as Error);
  }

  /** The one that has waited longest, but for those of the caller who was served last: callers take turns. */
  #take(): Waiting<Task, Answer> {
    const other = this.#waiting.findIndex(
      ({ errand }) => errand.caller === undefined || errand.caller !== this.#served,
    );
    const [next] = this.#waiting.splice(Math.max(0, other), 1);
    this.#served = next!.errand.caller;
    next!.stay?.();
    return next!;
  }

  /**
   * Resolves when a thread answers, or when there is none, because nothing was to be decoded yet. While all are at
   * work, one that began or ended within the time that a task may take is answer enough.
   */
  async ping(): Promise<void> {
    if (this.#all.size === 0 && !this.#limits.started) return;
    const allBusy = this.#idle.length === 0 && this.#all.size === this.#limits.threads;
    if (allBusy && performance.now() - this.#aliveAt < this.#limits.timeoutMs + 1_000) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.unshift({ task: 'ping', handOver: [], errand: {}, resolve: () => resolve(), reject });
      this.#next();
    });
  }

  load(): { threads: number; busy: number; waiting: number } {
    const threads = this.#all.size;
    return { threads, busy: threads - this.#idle.length, waiting: this.#waiting.length };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0))
      reject(new Problem('transient', 'The server is stopping', { retryAfter: 5 }));
    await Promise.all([...this.#all].map(({ worker }) => worker.terminate()));
  }

  #problem(code: 'transient' | 'too-costly' | 'timeout', words: string): Problem {
    const message = `The ${this.#limits.subject ?? 'image'} ${words}`;
    return new Problem(code, message, code === 'transient' ? { retryAfter: 2 } : {});
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const thread = this.#idle.pop() ?? (this.#all.size < this.#limits.threads ? this.#start() : undefined);
    if (thread) this.#give(thread, this.#take());
  }

  #start(): Thread<Answer> {
    const { heapMb, youngMb, stackMb } = this.#limits;
    const worker = new Worker(this.#script, {
      resourceLimits: {
        maxOldGenerationSizeMb: heapMb,
        ...(youngMb !== undefined && { maxYoungGenerationSizeMb: youngMb }),
        ...(stackMb !== undefined && { stackSizeMb: stackMb }),
      },
    });
    worker.unref();
    const thread: Thread<Answer> = { worker };
    this.#all.add(thread);
    this.#aliveAt = performance.now();
    // Once for each thread: a task may be shorter than it takes to change listeners.
    worker.on('message', (answer: Answer) => this.#answered(thread, answer));
    worker.on('error', (error) => (thread.reason = error));
    worker.once('exit', () => this.#lost(thread));
    return thread;
  }

  #give(thread: Thread<Answer>, { task, handOver, errand: { signal }, resolve, reject }: Waiting<Task, Answer>): void {
    const { worker } = thread;
    let patience: NodeJS.Timeout | undefined;
    const abandon = () => (patience = setTimeout(() => void worker.terminate(), patienceMs));
    signal?.addEventListener('abort', abandon, { once: true });
    const timer = setTimeout(() => this.#late(thread), this.#limits.timeoutMs);
    const settle = () => {
      delete thread.work;
      clearTimeout(timer);
      clearTimeout(patience);
      signal?.removeEventListener('abort', abandon);
    };
    thread.work = { settle, resolve, reject };
    worker.ref();
    worker.postMessage(task, handOver);
  }

  #answered(thread: Thread<Answer>, answer: Answer): void {
    const { work, worker } = thread;
    if (!work) return; // it was given up, and ends
    work.settle();
    this.#aliveAt = performance.now();
    worker.unref();
    if ('spoiled' in answer && answer.spoiled) void worker.terminate();
    else this.#idle.push(thread);
    work.resolve(answer);
    this.#next();
  }

  #late({ work, worker }: Thread<Answer>): void {
    work?.settle();
    void worker.terminate();
    work?.reject(this.#problem('timeout', 'could not be worked on in time'));
  }

  #lost(thread: Thread<Answer>): void {
    const { work, reason } = thread;
    this.#all.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
    work?.settle();
    if (reason?.code === 'ERR_WORKER_OUT_OF_MEMORY')
      work?.reject(this.#problem('too-costly', 'needs more memory than is allowed'));
    else work?.reject(reason ?? new Error('the thread ended by itself'));
    if (!this.#closed) this.#next();
  }
}
