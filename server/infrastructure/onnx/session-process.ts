import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import type { BatchAnswer, BatchQuestion, Opened, SentSetup, SessionSetup } from './inference-messages.ts';
import { Refused } from './refused.ts';

export interface SessionProcessOptions {
  /** What the process runs. */
  script: URL;
  /** Longest time until it is open, self-test included. */
  startMs: number;
  /** Memory of its own (RssAnon: without files mapped) that it may have, in MiB. Held where there is a /proc (Linux). */
  memoryMiB: number;
  /** Gives way to everything else on the machine. */
  background: boolean;
}

/** Of the environment a session gets only this: no passwords, no addresses of databases. */
const inherited =
  /^(PATH|HOME|TMPDIR|TEMP|TMP|SystemRoot|LANG|(DY)?LD_LIBRARY_PATH|MALLOC_ARENA_MAX|NODE_COMPILE_CACHE|(CUDA|NVIDIA|VK|ORT|OMP)_.*)$/;
const lookEveryMs = 200;
/** The kernel ends this process rather than the server when the machine has no memory left (proc(5), oom_score_adj). */
const firstToGo = '500';

/**
 * A process that runs one session of a model. onnxruntime is native code that reads a file from outside: when it
 * crashes, hangs or takes all memory, that ends this process and not the server, which a thread could not promise.
 */
export class SessionProcess {
  /** @throws Refused `self-test`, `crash`, `timeout`, `memory`. */
  readonly opened: Promise<Extract<Opened, { ready: true }>>;
  /** Resolves with the reason when the process is gone, whoever ended it. */
  readonly ended: Promise<Refused>;
  onAnswer: (answer: BatchAnswer) => void = () => undefined;
  readonly #child: ChildProcess;
  readonly #options: SessionProcessOptions;
  #why: Refused | undefined;

  constructor({ bytes, ...setup }: SessionSetup, options: SessionProcessOptions) {
    this.#options = options;
    const environment = Object.entries(process.env).filter(([name]) => inherited.test(name));
    const child = fork(options.script, {
      execArgv: ['--disable-warning=ExperimentalWarning', '--disable-proto=delete', '--max-old-space-size=512'],
      env: Object.fromEntries(environment),
      serialization: 'advanced',
      stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    });
    this.#child = child;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(this.#why ?? crashed(code, signal)));
      // Without a process (no memory, no more processes) there is no exit.
      child.on('error', (error) => child.pid === undefined && resolve(new Refused('crash', error)));
    });
    this.opened = this.#open();
    child.stdin!.on('error', () => undefined); // it ended before it had read everything: `ended` says why
    child.stdin!.end(bytes);
    child.send({ ...setup, size: bytes.length } satisfies SentSetup, () => undefined);
    this.#restrain();
  }

  ask(question: BatchQuestion): void {
    this.#child.send(question, () => undefined); // to one that ended: `ended` is what counts
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #open(): Promise<Extract<Opened, { ready: true }>> {
    const { startMs } = this.#options;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#endFor(new Refused('timeout', `it did not start within ${startMs / 1000} seconds`));
      }, startMs);
      void this.ended.then((why) => {
        clearTimeout(late);
        reject(why);
      });
      this.#child.once('message', (opened: Opened) => {
        clearTimeout(late);
        this.#child.on('message', (answer: BatchAnswer) => this.onAnswer(answer));
        if (opened.ready) resolve(opened);
        else reject(new Refused('self-test', opened.reason));
      });
    });
  }

  /** Limits that the operating system offers; where it does not, the session works without. */
  #restrain(): void {
    const { pid } = this.#child;
    const { memoryMiB, background } = this.#options;
    if (pid === undefined) return;
    attempt(() => writeFileSync(`/proc/${pid}/oom_score_adj`, firstToGo));
    if (background) attempt(() => setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL));
    const watch = setInterval(() => {
      if ((ownMemoryMiB(pid) ?? 0) > memoryMiB)
        this.#endFor(new Refused('memory', `it used more than ${memoryMiB} MiB of memory`));
    }, lookEveryMs);
    watch.unref();
    void this.ended.then(() => clearInterval(watch));
  }

  #endFor(why: Refused): void {
    this.#why ??= why;
    this.#child.kill('SIGKILL');
  }
}

function crashed(code: number | null, signal: NodeJS.Signals | null): Refused {
  const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  return new Refused('crash', `the process that ran it ${how}`);
}

function ownMemoryMiB(pid: number): number | undefined {
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  const kilobytes = status && /^RssAnon:\s+(\d+) kB/m.exec(status)?.[1];
  return kilobytes ? Number(kilobytes) / 1024 : undefined;
}

/** The process may be gone already, and other systems have other ways. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
