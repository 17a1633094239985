import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { calibrate, type Checks } from './calibrate.ts';
import { modelCard } from './card.ts';
import { listCollection } from './collection.ts';
import { alikePairs } from './duplicates.ts';
import { evaluate, headline, type Evaluation } from './evaluate.ts';
import { exportModel, modelFile, type RunFacts } from './export-model.ts';
import { sha256 } from './digest.ts';
import { modelCardDocument, modelDevice } from './fhir-card.ts';
import { fineTune, type EpochRecord, type LabelledImage } from './fine-tune.ts';
import { freshHead, neutralChecks } from './head-weights.ts';
import { readBase } from './import-base.ts';
import { LABELS } from './labels.ts';
import { SHIPPED_LICENCE, UNTRAINED_LICENCE } from './licence.ts';
import type { ModelManifest } from './manifest.ts';
import { decodeImage } from './decode-image.ts';
import { storePixels, type PixelStore } from './pixels.ts';
import type { Progress } from './progress.ts';
import { fitQuantisation } from './quantisation-fit.ts';
import { derivedSeed, seededRandom, shuffle } from './random.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { singleSiteClasses, splitCollection, type Part, type Split } from './split.ts';
import type { Weights } from './tensor.ts';
import { trainHead } from './train-head.ts';
import type { TrainingSettings } from './training-settings.ts';
import { writeJson, writeWhole } from './write-whole.ts';

/** Where a run reads and writes; every path is the caller's choice. */
export interface Run {
  /** Root of the image collection. */
  data: string;
  /** Collection table; without it `manifest.csv` in the root, or a folder for each class. */
  csv?: string;
  /** TFLite file of the base network, or an exported model of this pipeline. */
  base: string;
  /** Intermediate results; a stage whose result is there is not run again. */
  work: string;
  /** Folder of the finished model. */
  out: string;
  /** Images that must be refused, with a `manifest.csv` (file, kind), for the evaluation only. */
  foreign?: string;
  version: string;
  /** `int8`: what was trained is rounded to 8 bits, then checked, measured and exported as a model of its own. */
  precision?: ModelManifest['model']['precision'];
  settings: TrainingSettings;
  /** Train although a class has a single site; the card says so. */
  acceptSingleSite: boolean;
  /** Sites (prefixes) whose images may be shown in the Grad-CAM sheet. */
  showable: readonly string[];
  licence?: ModelManifest['licence'];
  progress: Progress;
}

const TRAINED_NOTICE =
  'Research and decision support, not a medical device; a doctor decides. Trained on public collections: retrain before clinical use.';

const path = (run: Run, name: string): string => join(run.work, name);
/** Of what follows training each precision has its own. */
const checkedPath = (run: Run, name: string): string => join(run.work, run.precision === 'int8' ? 'int8' : '.', name);
const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

/** Decoded images of the collection, in the order of its list. */
async function openPixels(run: Run): Promise<{ store: PixelStore; broken: Map<number, string> }> {
  const listed = listCollection(run.data, run.csv);
  return storePixels(
    path(run, 'pixels.u8'),
    listed.map(({ file }) => resolve(run.data, file)),
    decodeImage,
    run.progress,
  );
}

/** `split`: decodes, refuses copies and masks, divides by cluster, writes `split.json`. */
export async function split(run: Run): Promise<Split> {
  const target = path(run, 'split.json');
  if (existsSync(target)) return readJson<Split>(target);
  const listed = listCollection(run.data, run.csv);
  const { store, broken } = await openPixels(run);
  const pairs = await alikePairs(
    listed.map((_, index) => store.image(index)),
    run.progress,
  );
  const result = splitCollection(listed, (index) => store.image(index), pairs, broken, run.settings.seed);
  writeJson(target, result);
  return result;
}

/**
 * `train`: the head, then fine-tuning; goes on after an interruption.
 *
 * @throws RangeError when a class has a single site and the caller did not accept it: such a class can be told by its
 * scanner, markers or borders, and the test would praise that.
 */
export async function train(run: Run): Promise<{ weights: Weights; history: EpochRecord[]; bestEpoch: number }> {
  const { items } = await split(run);
  const single = singleSiteClasses(items);
  if (single.length > 0 && !run.acceptSingleSite) {
    throw new RangeError(
      `all images of ${single.join(', ')} come from one site, so the network can learn the site instead of the finding; ` +
        'add another site, or accept it with --accept-single-site (the model card will say so)',
    );
  }
  const { store } = await openPixels(run);
  const of = (part: Part): LabelledImage[] =>
    items.filter((item) => item.part === part).map(({ index, label }) => ({ index, truth: LABELS.indexOf(label) }));
  const head = path(run, 'head.safetensors');
  if (!existsSync(head))
    writeSafetensors(
      head,
      await trainHead(networkOf(readBase(run.base)), store, of('train'), run.settings, run.progress),
    );
  const parts = { train: of('train'), validation: of('validation') };
  return fineTune(readSafetensors(head).weights, store, parts, run.settings, run.work, run.progress);
}

/** Without the ImageNet classifier, and without the head and checks of an earlier model. */
function networkOf(base: Weights): Weights {
  return new Map([...base].filter(([name]) => /^(stem|top|block\d+)\./.test(name)));
}

/** Training images that a rounding to 8 bits is fitted to. */
const ROUNDING_IMAGES = 512;

/** The best epoch in the asked precision. */
async function finished(run: Run, store: PixelStore, items: Split['items']): Promise<Weights> {
  const best = path(run, 'best.safetensors');
  if (run.precision !== 'int8') return readSafetensors(best).weights;
  const target = checkedPath(run, 'quantised.safetensors');
  if (!existsSync(target)) {
    const train = items.filter(({ part }) => part === 'train').map(({ index }) => index);
    const indices = shuffle(train, seededRandom(derivedSeed(run.settings.seed, 'rounding'))).slice(0, ROUNDING_IMAGES);
    const { weights } = readSafetensors(best);
    writeSafetensors(target, await fitQuantisation(weights, { store, indices }, run.progress));
  }
  return readSafetensors(target).weights;
}

/** `calibrate`: temperature, gate and distance of the best epoch, with their limits. */
export async function calibrated(run: Run): Promise<Checks> {
  const [tensors, notes] = [checkedPath(run, 'checked.safetensors'), checkedPath(run, 'checked.json')];
  if (existsSync(notes))
    return { ...readJson<Omit<Checks, 'weights'>>(notes), weights: readSafetensors(tensors).weights };
  const { items } = await split(run);
  const { store } = await openPixels(run);
  const weights = await finished(run, store, items);
  const checks = await calibrate(weights, store, items, run.settings.seed, run.progress, run.settings.threads);
  writeSafetensors(tensors, checks.weights);
  const { temperature, gateMinimum, distanceLimits } = checks;
  writeJson(notes, { temperature, gateMinimum, distanceLimits });
  return checks;
}

const identity = (run: Run): Pick<RunFacts, 'version' | 'trained' | 'notice'> => ({
  version: run.precision === 'int8' ? `${run.version}+int8` : run.version,
  trained: true,
  notice: TRAINED_NOTICE,
});

/** `evaluate`: measures the file that `export` will write, into `<work>/evaluation` or `<work>/int8/evaluation`. */
export async function measured(run: Run): Promise<Evaluation> {
  const checks = await calibrated(run);
  const { store } = await openPixels(run);
  const { history, bestEpoch } = readJson<{ history: EpochRecord[]; bestEpoch: number }>(path(run, 'fine-tuning.json'));
  const { settings, foreign, showable } = run;
  const input = {
    file: modelFile(checks.weights, identity(run)),
    checks,
    store,
    split: await split(run),
    settings,
    history,
    bestEpoch,
    showable,
  };
  const evaluation = await evaluate(
    checkedPath(run, 'evaluation'),
    { ...input, ...(foreign === undefined ? {} : { foreign }) },
    run.progress,
  );
  process.stderr.write(`${headline(evaluation)}\n`);
  return evaluation;
}

/**
 * `export`: model, golden answers, evaluation with plots, manifest, card in Markdown and FHIR.
 *
 * @throws RangeError when the evaluation measured another file than the one that is exported.
 */
export async function exported(run: Run): Promise<ModelManifest> {
  const checks = await calibrated(run);
  const text = readFileSync(checkedPath(run, 'evaluation/evaluation.json'), 'utf8');
  const evaluation = JSON.parse(text) as Evaluation;
  if (evaluation.model.sha256 !== sha256(modelFile(checks.weights, identity(run)))) {
    throw new RangeError('the evaluation belongs to other weights: run "evaluate" again');
  }
  for (const name of ['evaluation.json', 'confusion.svg', 'reliability.svg', 'training.svg', 'grad-cam.png']) {
    const from = checkedPath(run, `evaluation/${name}`);
    if (existsSync(from)) writeWhole(join(run.out, 'evaluation', name), readFileSync(from));
  }
  const { data, training } = evaluation;
  const manifest = await exportModel(run.out, checks.weights, {
    ...identity(run),
    created: evaluation.created,
    evaluation: { file: 'evaluation/evaluation.json', sha256: sha256(text) },
    training: {
      manifest: { sha256: data.splitSha256, images: data.counts.reduce((sum, { count }) => sum + count, 0) },
      seed: data.seed,
      settings: training.settings,
    },
    licence: run.licence ?? SHIPPED_LICENCE,
    gateMinimum: checks.gateMinimum,
    distanceLimits: checks.distanceLimits,
  });
  writeCard(run.out, manifest, evaluation);
  return manifest;
}

/** `card`: MODEL_CARD.md and its FHIR forms from `model.json` and `evaluation.json` of a finished folder. */
export function card(folder: string): void {
  const manifest = readJson<ModelManifest>(join(folder, 'model.json'));
  if (manifest.evaluation === null) throw new RangeError('an untrained model has no card');
  writeCard(folder, manifest, readJson<Evaluation>(join(folder, manifest.evaluation.file)));
}

function writeCard(folder: string, manifest: ModelManifest, evaluation: Evaluation): void {
  const text = modelCard(manifest, evaluation);
  writeWhole(join(folder, 'MODEL_CARD.md'), text);
  writeJson(join(folder, 'fhir/Device.json'), modelDevice(manifest));
  writeJson(join(folder, 'fhir/DocumentReference.json'), modelCardDocument(manifest, evaluation, text));
}

/** `untrained`: the base network with a random head, for tests of everything around the model. */
export async function untrained(run: Pick<Run, 'base' | 'out' | 'settings'>): Promise<ModelManifest> {
  const weights: Weights = new Map([
    ...networkOf(readBase(run.base)),
    ...freshHead(run.settings.seed),
    ...neutralChecks(),
  ]);
  return exportModel(run.out, weights, {
    version: '0.0.1',
    trained: false,
    notice: 'untrained head, for pipeline tests only',
    created: new Date().toISOString(),
    evaluation: null,
    training: null,
    licence: UNTRAINED_LICENCE,
    gateMinimum: null,
    distanceLimits: null,
  });
}
