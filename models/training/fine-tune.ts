import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adamStep, average, freshAdam, type AdamState } from './adam.ts';
import { augment } from './augment.ts';
import { classWeights, lossFeeds } from './batches.ts';
import { deployedGraph } from './deployed-graph.ts';
import { infer } from './infer.ts';
import { confusion, negativeLogLikelihood, softmaxRows, summarise, topClasses, type Summary } from './metrics.ts';
import { toThreeChannels, type PixelStore } from './pixels.ts';
import type { Progress } from './progress.ts';
import { derivedSeed, seededRandom, shuffle, type Random } from './random.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { floatTensor, imageTensor, openGraph, type Feeds, type Runner } from './session.ts';
import { copyWeights, named, type Weights } from './tensor.ts';
import { fineTuningGraph } from './trainable-graph.ts';
import { rateFactor, type TrainingSettings } from './training-settings.ts';
import { writeJson } from './write-whole.ts';

export interface LabelledImage {
  index: number;
  truth: number;
}

export interface EpochRecord extends Summary {
  /** 0 is the state before fine-tuning: the trained head on the frozen network. */
  epoch: number;
  /** Null before the first epoch. */
  trainingLoss: number | null;
  validationLoss: number;
  /** Learning rate of the network at the end of the epoch. */
  rate: number;
  seconds: number;
}

interface Progressed {
  epoch: number;
  step: number;
  reduction: number;
  sinceBetterLoss: number;
  bestLoss: number;
  bestEpoch: number;
  history: EpochRecord[];
}

/** Which of two states is the better one: half accuracy, half macro-F1, so that small classes count. */
export function choiceScore({ accuracy, macroF1 }: Summary): number {
  return (accuracy + macroF1) / 2;
}

/**
 * Second stage: blocks `fromBlock` to 16, the last convolution and the head, with fresh augmentation in every epoch.
 *
 * After each epoch the averaged weights are measured on the validation part and the whole state is written, so that
 * an interrupted run goes on where it was and gives the same weights as an uninterrupted one.
 *
 * @returns the averaged weights of the best epoch by `choiceScore` on validation, and the history.
 */
export async function fineTune(
  start: Weights,
  store: PixelStore,
  parts: { train: readonly LabelledImage[]; validation: readonly LabelledImage[] },
  settings: TrainingSettings,
  folder: string,
  progress: Progress,
): Promise<{ weights: Weights; history: EpochRecord[]; bestEpoch: number }> {
  const training = fineTuningGraph(start, settings.fromBlock);
  const files = checkpointFiles(folder);
  const resumed = existsSync(files.state);
  const done: Progressed = resumed
    ? (JSON.parse(readFileSync(files.state, 'utf8')) as Progressed)
    : { epoch: 0, step: 0, reduction: 1, sinceBetterLoss: 0, bestLoss: Infinity, bestEpoch: 0, history: [] };
  const { weights, averaged, adam } = resumed
    ? readCheckpoint(files.tensors(done.epoch), start, training.parameters, done.step)
    : { weights: copyWeights(start), averaged: copyWeights(start), adam: freshAdam(start, training.parameters) };
  const measure = (epoch: number): Promise<Omit<EpochRecord, 'trainingLoss' | 'rate' | 'seconds'>> =>
    validate(averaged, store, parts.validation, settings.threads, progress, epoch);
  const save = (): void => {
    writeCheckpoint(files.tensors(done.epoch), weights, averaged, adam, training.parameters);
    writeJson(files.state, done);
  };
  if (!resumed) {
    const measured = await measure(0);
    done.history.push({ ...measured, trainingLoss: null, rate: 0, seconds: 0 });
    done.bestLoss = measured.validationLoss;
    writeSafetensors(files.best, averaged);
    save();
  }
  const runner = await openGraph(training.file, settings.threads);
  const perClass = classWeights(parts.train.map(({ truth }) => truth));
  while (done.epoch < settings.epochs && done.sinceBetterLoss < settings.stopAfter) {
    const began = Date.now();
    const epoch = done.epoch + 1;
    const { loss, rate } = await trainEpoch(
      { runner, weights, averaged, adam, training, store, perClass, settings, progress },
      parts.train,
      epoch,
      done,
    );
    const measured = await measure(epoch);
    done.epoch = epoch;
    done.history.push({ ...measured, trainingLoss: loss, rate, seconds: Math.round((Date.now() - began) / 1000) });
    const best = done.history[done.bestEpoch];
    if (!best || choiceScore(measured) > choiceScore(best)) {
      done.bestEpoch = epoch;
      writeSafetensors(files.best, averaged);
    }
    done.sinceBetterLoss = measured.validationLoss < done.bestLoss ? 0 : done.sinceBetterLoss + 1;
    done.bestLoss = Math.min(done.bestLoss, measured.validationLoss);
    if (done.sinceBetterLoss > 0 && done.sinceBetterLoss % settings.reduceAfter === 0)
      done.reduction *= settings.reduceBy;
    save();
  }
  await runner.close();
  return { weights: readSafetensors(files.best).weights, history: done.history, bestEpoch: done.bestEpoch };
}

interface EpochTools {
  runner: Runner;
  weights: Weights;
  averaged: Weights;
  adam: AdamState;
  training: { parameters: string[] };
  store: PixelStore;
  perClass: readonly number[];
  settings: TrainingSettings;
  progress: Progress;
}

async function trainEpoch(
  tools: EpochTools,
  items: readonly LabelledImage[],
  epoch: number,
  done: Progressed,
): Promise<{ loss: number; rate: number }> {
  const { runner, weights, averaged, adam, training, store, perClass, settings, progress } = tools;
  // The stream depends on the epoch alone, so a resumed run draws the same numbers.
  const random = seededRandom(derivedSeed(settings.seed, 'fine-tuning', epoch));
  const order = shuffle([...items], random);
  const perEpoch = Math.ceil(order.length / settings.batch);
  const bar = progress(`epoch ${epoch}`, perEpoch);
  let [sum, rate] = [0, 0];
  for (let at = 0; at < perEpoch; at++) {
    const batch = order.slice(at * settings.batch, (at + 1) * settings.batch);
    const factor = rateFactor(done.step, settings.epochs * perEpoch, settings.warmUpSteps) * done.reduction;
    rate = settings.rate * factor;
    const results = await runner.run(
      batchFeeds(batch, store, weights, training.parameters, perClass, settings, random),
    );
    const loss = results['loss']?.[0] ?? Number.NaN;
    if (!Number.isFinite(loss))
      throw new RangeError(`the loss of epoch ${epoch} is not finite: lower the learning rate`);
    const gradients = new Map(training.parameters.map((name) => [name, results[`grad:${name}`] ?? new Float32Array()]));
    adamStep(weights, gradients, adam, (name) => (name.startsWith('head.') ? settings.fineHeadRate * factor : rate));
    average(averaged, weights, training.parameters, Math.min(settings.averageKeep, (done.step + 1) / (done.step + 10)));
    done.step++;
    sum += loss;
    bar(at + 1, `loss ${(sum / (at + 1)).toFixed(4)}`);
  }
  return { loss: sum / perEpoch, rate };
}

function batchFeeds(
  batch: readonly LabelledImage[],
  store: PixelStore,
  weights: Weights,
  parameters: readonly string[],
  perClass: readonly number[],
  settings: TrainingSettings,
  random: Random,
): Feeds {
  const images = batch.map(({ index }) => augment(store.image(index), random, settings.augmentation));
  const feeds: Feeds = {
    image: imageTensor(toThreeChannels(images), batch.length),
    ...lossFeeds(
      batch.map(({ truth }) => truth),
      perClass,
      settings,
      random,
    ),
  };
  for (const name of parameters) feeds[name] = floatTensor(named(weights, name).data, named(weights, name).dims);
  return feeds;
}

async function validate(
  weights: Weights,
  store: PixelStore,
  items: readonly LabelledImage[],
  threads: number,
  progress: Progress,
  epoch: number,
): Promise<Omit<EpochRecord, 'trainingLoss' | 'rate' | 'seconds'>> {
  const images = { count: items.length, image: (row: number) => store.image(items[row]?.index ?? 0) };
  const { logits = new Float32Array() } = await infer(
    deployedGraph(weights),
    images,
    ['logits'],
    progress,
    'validation',
    threads,
  );
  const truth = items.map(({ truth: label }) => label);
  const validationLoss = negativeLogLikelihood(softmaxRows(logits), truth);
  const summary = summarise(confusion(truth, topClasses(logits)));
  progress('measured', 1)(
    1,
    `epoch ${epoch} loss ${validationLoss.toFixed(4)} accuracy ${summary.accuracy.toFixed(4)} macro-F1 ${summary.macroF1.toFixed(4)}`,
  );
  return { epoch, validationLoss, ...summary };
}

interface CheckpointFiles {
  state: string;
  best: string;
  tensors: (epoch: number) => string;
}

function checkpointFiles(folder: string): CheckpointFiles {
  // Two files in turn: the state names the finished one, so a crash while writing the other loses nothing.
  const tensors = (epoch: number): string => join(folder, `fine-tuning.${epoch % 2}.safetensors`);
  return { state: join(folder, 'fine-tuning.json'), best: join(folder, 'best.safetensors'), tensors };
}

function writeCheckpoint(
  path: string,
  weights: Weights,
  averaged: Weights,
  adam: AdamState,
  parameters: readonly string[],
): void {
  const all: Weights = new Map();
  for (const name of parameters) {
    all.set(`weights:${name}`, named(weights, name));
    all.set(`averaged:${name}`, named(averaged, name));
    all.set(`first:${name}`, named(adam.first, name));
    all.set(`second:${name}`, named(adam.second, name));
  }
  writeSafetensors(path, all);
}

function readCheckpoint(
  path: string,
  start: Weights,
  parameters: readonly string[],
  step: number,
): { weights: Weights; averaged: Weights; adam: AdamState } {
  const { weights: all } = readSafetensors(path);
  const part = (prefix: string): Weights => new Map(parameters.map((name) => [name, named(all, `${prefix}:${name}`)]));
  return {
    weights: new Map([...copyWeights(start), ...part('weights')]),
    averaged: new Map([...copyWeights(start), ...part('averaged')]),
    adam: { step, first: part('first'), second: part('second') },
  };
}
