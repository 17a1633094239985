import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adamStep, average, freshAdam, type AdamState } from './adam.ts';
import { classWeights, lossFeeds } from './batches.ts';
import { deployedGraph } from './deployed-graph.ts';
import { infer } from './infer.ts';
import { confusion, negativeLogLikelihood, softmaxRows, summarise, topClasses, type Summary } from './metrics.ts';
import { openFeatures, type FeatureSource } from './feature-source.ts';
import { fold, unfold } from './normalisation.ts';
import { batchStatistics, networkStatistics } from './statistics.ts';
import type { PixelStore } from './pixels.ts';
import type { Progress } from './progress.ts';
import { derivedSeed, seededRandom, shuffle } from './random.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { openGraph, weightFeeds, type Runner } from './session.ts';
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

/** Training images whose statistics stand for all when the normalisation is folded into the convolutions. */
const STATISTICS_IMAGES = 1024;

/**
 * Second stage: blocks `fromBlock` to 16, the last convolution and the head, with batch normalisation and fresh
 * augmentation in every epoch.
 *
 * After each epoch the averaged weights are folded and measured on the validation part and the whole state is written,
 * so that an interrupted run goes on where it was and gives the same weights as an uninterrupted one.
 *
 * @param folded the network with a trained head.
 * @returns the averaged weights, folded, of the best epoch by `choiceScore` on validation, and the history.
 */
export async function fineTune(
  folded: Weights,
  store: PixelStore,
  parts: { train: readonly LabelledImage[]; validation: readonly LabelledImage[] },
  settings: TrainingSettings,
  folder: string,
  progress: Progress,
): Promise<{ weights: Weights; history: EpochRecord[]; bestEpoch: number }> {
  const files = checkpointFiles(folder);
  const sample = shuffle([...parts.train], seededRandom(derivedSeed(settings.seed, 'statistics')))
    .slice(0, STATISTICS_IMAGES)
    .map(({ index }) => index);
  const start = unfold(folded, await networkStatistics(folded, store, sample, settings));
  const training = fineTuningGraph(start, settings.fromBlock);
  const resumed = existsSync(files.state);
  const done: Progressed = resumed
    ? (JSON.parse(readFileSync(files.state, 'utf8')) as Progressed)
    : { epoch: 0, step: 0, reduction: 1, sinceBetterLoss: 0, bestLoss: Infinity, bestEpoch: 0, history: [] };
  const { weights, averaged, adam } = resumed
    ? readCheckpoint(files.tensors(done.epoch), start, training.parameters, done.step)
    : { weights: copyWeights(start), averaged: copyWeights(start), adam: freshAdam(start, training.parameters) };
  const measure = (network: Weights, epoch: number): Promise<Omit<EpochRecord, 'trainingLoss' | 'rate' | 'seconds'>> =>
    validate(network, store, parts.validation, settings.threads, progress, epoch);
  const save = (): void => {
    writeCheckpoint(files.tensors(done.epoch), weights, averaged, adam, training.parameters);
    writeJson(files.state, done);
  };
  if (!resumed) {
    const measured = await measure(folded, 0);
    done.history.push({ ...measured, trainingLoss: null, rate: 0, seconds: 0 });
    done.bestLoss = measured.validationLoss;
    writeSafetensors(files.best, folded);
    save();
  }
  const features = openFeatures(start, settings.fromBlock, store.file, settings.augmentation);
  const runner = await openGraph(training.file, settings.threads);
  const perClass = classWeights(
    parts.train.map(({ truth }) => truth),
    settings.balance,
  );
  try {
    while (done.epoch < settings.epochs && done.sinceBetterLoss < settings.stopAfter) {
      const began = Date.now();
      const epoch = done.epoch + 1;
      const { loss, rate } = await trainEpoch(
        { runner, weights, averaged, adam, parameters: training.parameters, features, perClass, settings, progress },
        parts.train,
        epoch,
        done,
      );
      const network = fold(averaged, await batchStatistics(averaged, features, sample, settings));
      const measured = await measure(network, epoch);
      done.epoch = epoch;
      done.history.push({ ...measured, trainingLoss: loss, rate, seconds: Math.round((Date.now() - began) / 1000) });
      const best = done.history[done.bestEpoch];
      if (!best || choiceScore(measured) > choiceScore(best)) {
        done.bestEpoch = epoch;
        writeSafetensors(files.best, network);
      }
      done.sinceBetterLoss = measured.validationLoss < done.bestLoss ? 0 : done.sinceBetterLoss + 1;
      done.bestLoss = Math.min(done.bestLoss, measured.validationLoss);
      if (done.sinceBetterLoss > 0 && done.sinceBetterLoss % settings.reduceAfter === 0)
        done.reduction *= settings.reduceBy;
      save();
    }
  } finally {
    await runner.close();
    await features.close();
  }
  return { weights: readSafetensors(files.best).weights, history: done.history, bestEpoch: done.bestEpoch };
}

interface EpochTools {
  runner: Runner;
  weights: Weights;
  averaged: Weights;
  adam: AdamState;
  parameters: readonly string[];
  features: FeatureSource;
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
  const { runner, weights, averaged, adam, parameters, features, perClass, settings, progress } = tools;
  // The streams depend on the epoch alone, so a resumed run draws the same numbers.
  const random = seededRandom(derivedSeed(settings.seed, 'fine-tuning', epoch));
  const order = shuffle([...items], random);
  // A last batch of a few images has no statistics worth the name; those images come again in the next epoch.
  const perEpoch = Math.max(1, Math.floor(order.length / settings.batch));
  const batchOf = (at: number): LabelledImage[] => order.slice(at * settings.batch, (at + 1) * settings.batch);
  const prepare = (at: number): ReturnType<FeatureSource['next']> =>
    features.next({
      indices: batchOf(at).map(({ index }) => index),
      seed: derivedSeed(settings.seed, 'batch', epoch, at),
    });
  const bar = progress(`epoch ${epoch}`, perEpoch);
  let [sum, rate] = [0, 0];
  let prepared = prepare(0);
  for (let at = 0; at < perEpoch; at++) {
    const current = await prepared;
    if (at + 1 < perEpoch) prepared = prepare(at + 1);
    const factor = rateFactor(done.step, settings.epochs * perEpoch, settings.warmUpSteps) * done.reduction;
    rate = settings.rate * factor;
    const truth = batchOf(at).map((item) => item.truth);
    const results = await runner.run({
      features: current,
      ...lossFeeds(truth, perClass, settings, random),
      ...weightFeeds(weights, parameters),
    });
    const loss = results['loss']?.[0] ?? Number.NaN;
    if (!Number.isFinite(loss))
      throw new RangeError(`the loss of epoch ${epoch} is not finite: lower the learning rate`);
    const gradients = new Map(parameters.map((name) => [name, results[`grad:${name}`] ?? new Float32Array()]));
    adamStep(weights, gradients, adam, (name) => tensorRate(weights, name, settings, factor));
    average(averaged, weights, parameters, Math.min(settings.averageKeep, (done.step + 1) / (done.step + 10)));
    done.step++;
    sum += loss;
    bar(at + 1, `loss ${(sum / (at + 1)).toFixed(4)}`);
  }
  return { loss: sum / perEpoch, rate };
}

/** `rate` is relative to the size of a weight in a row of length 1; scales and shifts are near 1 and move slower. */
function tensorRate(weights: Weights, name: string, settings: TrainingSettings, factor: number): number {
  if (name.startsWith('head.')) return settings.fineHeadRate * factor;
  if (!name.endsWith('.weight')) return settings.rate * 0.2 * factor;
  const { dims, data } = named(weights, name);
  return (settings.rate * factor) / Math.sqrt(data.length / (dims[0] ?? 1));
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
