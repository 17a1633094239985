import type { ModelInput } from '../../core/analysis/preprocess.ts';
import type { Presentation } from '../../core/dicom/presentation.ts';
import type {
  Classification,
  ClassifierLoad,
  ClassifierState,
  ClassifyOptions,
} from '../../core/analysis/classifier.ts';
import type { DecodedFrame } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import { WorkerPool } from '../threads/worker-pool.ts';
import type { BatchItem, PixelAnswer, PixelQuestion } from './inference-messages.ts';
import type { ModelOutputs } from './model-outputs.ts';
import type { LoadedModel } from './model-file.ts';
import type { RunOutcome, Seat, Sessions } from './sessions.ts';
import { WaitingLine } from './waiting-line.ts';

export interface LineOptions {
  /** Threads for pixels before and after the model. */
  threads: number;
  timeoutMs: number;
  /** Images that may wait; more are refused. */
  waiting: number;
  /** How long an image that is ready waits for others to share its run, where runs are shared. */
  delayMs: number;
  /** Awaited before each step of an image, by a line that gives way to another. */
  giveWay?: (() => Promise<void>) | undefined;
}

const none = new Uint8Array();

/** Analyses under way beyond those in the model: their rows are read and written meanwhile, which takes longer than a run. */
const besides = 4;

/** One image on its way: waiting, its pixels prepared, ready for the model, running, its heat map drawn. */
interface Image {
  frame: DecodedFrame;
  presentation: Presentation;
  wholeFrame: boolean;
  picture: boolean;
  priority: number;
  /** Place in the order of arrival. */
  arrived: number;
  since: number;
  /** The model's input, once prepared. */
  input?: ModelInput;
  /** From then on it does not wait for others. */
  due: number;
  /** Was in a run that took its process with it: it runs by itself from now on. */
  alone?: boolean;
  /** Milliseconds of work on it so far. */
  spent: number;
  resolve(classification: Classification): void;
  reject(problem: Problem): void;
  /** Answered or given up: what still comes is dropped. */
  settled?: boolean;
}

/** The way of images to the model and back. Urgent ones go first wherever images wait. */
export class ImageLine {
  readonly #model: LoadedModel;
  readonly #sessions: Sessions;
  readonly #options: LineOptions;
  readonly #pixels: WorkerPool<PixelQuestion, PixelAnswer>;
  readonly #waiting = new WaitingLine<Image>();
  readonly #ready = new WaitingLine<Image>();
  #preparing = 0;
  #running = 0;
  #arrivals = 0;
  #answered = 0;
  #meanWait = 0;
  #meanBatch = 0;
  #closed = false;

  constructor(model: LoadedModel, sessions: Sessions, options: LineOptions) {
    this.#model = model;
    this.#sessions = sessions;
    sessions.onChange = () => this.advance();
    this.#options = options;
    this.#pixels = new WorkerPool(new URL('./pixel-worker.ts', import.meta.url), {
      threads: options.threads,
      waiting: Infinity, // bounded here, before the pixels
      timeoutMs: options.timeoutMs,
      heapMb: 512,
    });
  }

  state(): ClassifierState {
    const { description: model } = this.#model;
    const { broken, provider, size, batch, lost } = this.#sessions;
    if (this.#closed) return { ready: false, reason: 'stopped', model };
    if (broken !== undefined) return { ready: false, reason: broken, model };
    const load: ClassifierLoad = {
      waiting: this.#waiting.length + this.#preparing + this.#ready.length,
      running: this.#running,
      meanWait: Math.round(this.#meanWait * 10) / 10,
      meanBatch: Math.round(this.#meanBatch * 10) / 10,
      answered: this.#answered,
    };
    return {
      ready: true,
      provider,
      workers: size,
      parallel: size * batch + besides,
      model,
      load,
      ...(lost.length > 0 && { lost: [...lost] }),
    };
  }

  join(frame: DecodedFrame, presentation: Presentation, turn: ClassifyOptions): Promise<Classification> {
    const state = this.state();
    if (!state.ready)
      return Promise.reject(
        new Problem('transient', `The classifier is not ready: ${state.reason}`, { retryAfter: 30 }),
      );
    if (this.#waiting.length >= this.#options.waiting) {
      return Promise.reject(new Problem('transient', 'Too many images wait for the classifier.', { retryAfter: 5 }));
    }
    return new Promise((resolve, reject) => {
      const { priority = 0, wholeFrame = false, picture = true, signal } = turn;
      const image: Image = {
        frame,
        presentation,
        wholeFrame,
        picture,
        priority,
        arrived: ++this.#arrivals,
        since: performance.now(),
        due: 0,
        spent: 0,
        resolve,
        reject,
      };
      const giveUp = () => this.#refuse(image, new Problem('conflict', 'The analysis was given up.'));
      if (signal?.aborted) return giveUp();
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(image);
      this.advance();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const image of [...this.#waiting.clear(), ...this.#ready.clear()]) {
      this.#refuse(image, stopping());
    }
    await Promise.all([this.#pixels.close(), this.#sessions.close()]);
  }

  /** Moves on what can move: called whenever an image came, was prepared or answered, or a session became free. */
  advance(): void {
    const { broken } = this.#sessions;
    if (broken !== undefined) {
      const left = [...this.#waiting.clear(), ...this.#ready.clear()];
      for (const image of left) this.#refuse(image, new Problem('transient', `The classifier is not ready: ${broken}`));
    }
    this.#prepareNext();
    this.#runNext();
  }

  /** As few images as keep threads and model busy are prepared ahead: the others can still be overtaken or given up. */
  #prepareNext(): void {
    const ahead = this.#sessions.size * this.#sessions.batch;
    while (this.#waiting.length > 0 && this.#preparing < this.#options.threads && this.#ready.length < ahead) {
      void this.#prepare(this.#waiting.shift()!);
    }
  }

  async #prepare(image: Image): Promise<void> {
    const { frame, presentation, wholeFrame } = image;
    this.#preparing++;
    const answer = await this.#work(
      image,
      { kind: 'input', frame, presentation, wholeFrame, description: this.#model.description },
      handedOver(frame),
    );
    await this.#options.giveWay?.();
    this.#preparing--;
    if (answer && 'input' in answer && !image.settled) {
      image.input = answer.input;
      const delay = this.#sessions.batch > 1 ? this.#options.delayMs : 0;
      image.due = performance.now() + delay;
      this.#ready.add(image);
      if (delay > 0) setTimeout(() => this.#runNext(), delay);
    }
    this.advance();
  }

  #runNext(): void {
    for (let seat = this.#sessions.idle(); seat; seat = this.#sessions.idle()) {
      const batch = this.#nextBatch();
      if (batch.length === 0) return;
      void this.#run(seat, batch);
    }
    if (this.#ready.length > 0) this.#sessions.grow();
  }

  /** Images for one run, most urgent first: a full batch at once, a smaller one when its first image is due. */
  #nextBatch(): Image[] {
    const most = this.#sessions.batch;
    if (this.#ready.first?.alone) return this.#ready.take(1);
    const now = performance.now();
    // A timer may fire a moment early by this clock.
    const isDue = this.#ready.length >= most || this.#ready.some(({ due }) => due <= now + 1);
    return isDue ? this.#ready.take(most, ({ alone }) => !alone) : [];
  }

  async #run(seat: Seat, batch: Image[]): Promise<void> {
    const begun = performance.now();
    this.#running += batch.length;
    this.#meanBatch = mean(this.#meanBatch, batch.length);
    for (const { since, spent } of batch) this.#meanWait = mean(this.#meanWait, begun - since - spent);
    const outcome = await this.#sessions.run(
      seat,
      batch.map(({ input }) => input!.image),
    );
    this.#running -= batch.length;
    const took = performance.now() - begun;
    for (const image of batch) image.spent += took;
    if ('answers' in outcome) batch.forEach((image, i) => void this.#finish(image, outcome.answers[i]!, seat.provider));
    else this.#putBack(batch, outcome.failed);
    this.advance();
  }

  /** Images of a run that was lost: one that was alone in it is to blame, others get a run of their own. */
  #putBack(batch: Image[], failed: Extract<RunOutcome, { failed: unknown }>['failed']): void {
    for (const image of batch) {
      if (image.settled) continue;
      if (this.#closed) this.#refuse(image, stopping());
      else if (failed === 'timeout' && batch.length === 1)
        this.#refuse(image, new Problem('timeout', 'The model did not answer in time.'));
      else if (failed === 'crash' && batch.length === 1)
        this.#refuse(image, new Problem('exception', 'The process that ran the model was lost.'));
      else {
        image.alone = failed !== 'lost';
        this.#ready.add(image);
      }
    }
  }

  async #finish(image: Image, item: BatchItem, provider: string): Promise<void> {
    if ('problem' in item) return this.#refuse(image, new Problem(item.problem.code, item.problem.message));
    if (image.settled) return;
    const { outputs } = item;
    const { preview, content } = image.input!;
    const cells = outputs.gradcam.length / outputs.probabilities.length;
    const top = outputs.probabilities.indexOf(Math.max(...outputs.probabilities));
    const map = outputs.gradcam.slice(top * cells, (top + 1) * cells);
    const drawn = image.picture ? await this.#work(image, { kind: 'heat-map', preview, content, map }) : { jpeg: none };
    if (!drawn || !('jpeg' in drawn) || image.settled) return;
    image.settled = true;
    this.#answered++;
    const heatMap = { jpeg: drawn.jpeg, width: preview.width, height: preview.height };
    image.resolve({ ...classificationOf(this.#model, outputs, provider), heatMap, milliseconds: image.spent });
  }

  /** A question to a pixel thread; undefined when it refused the image, which is said to whoever waits for it. */
  async #work(image: Image, question: PixelQuestion, handOver: ArrayBuffer[] = []): Promise<PixelAnswer | undefined> {
    await this.#options.giveWay?.();
    const begun = performance.now();
    try {
      const answer = await this.#pixels.run(question, handOver);
      image.spent += performance.now() - begun;
      if (!('problem' in answer)) return answer;
      this.#refuse(image, new Problem(answer.problem.code, answer.problem.message));
    } catch (error) {
      if (this.#closed) this.#refuse(image, stopping());
      else
        this.#refuse(
          image,
          error instanceof Problem
            ? error
            : new Problem('exception', 'The thread that works on pixels was lost.', { cause: error }),
        );
    }
    return undefined;
  }

  #refuse(image: Image, problem: Problem): void {
    if (image.settled) return;
    image.settled = true;
    this.#waiting.remove(image);
    this.#ready.remove(image);
    image.reject(problem);
  }
}

function classificationOf({ description: model }: LoadedModel, outputs: ModelOutputs, provider: string) {
  const cells = outputs.gradcam.length / model.labels.length;
  return {
    model,
    provider,
    probabilities: [...outputs.probabilities],
    heatMaps: model.labels.map((_, i) => [...outputs.gradcam.subarray(i * cells, (i + 1) * cells)]),
    heatMapSize: Math.sqrt(cells),
    gate: [...outputs.gate],
    distance: [...outputs.distance],
  };
}

function stopping(): Problem {
  return new Problem('transient', 'The server is stopping.', { retryAfter: 5 });
}

/** The recent ones weigh most. */
function mean(before: number, value: number): number {
  return before === 0 ? value : before * 0.9 + value * 0.1;
}

/** The pixel buffer goes to the thread without a copy where it is whole. */
function handedOver({ pixels }: DecodedFrame): ArrayBuffer[] {
  const { buffer } = pixels;
  return buffer instanceof ArrayBuffer && pixels.byteLength === buffer.byteLength ? [buffer] : [];
}
