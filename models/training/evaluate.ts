import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks } from './calibrate.ts';
import { camSheet } from './cam-sheet.ts';
import { parseCsv } from './csv.ts';
import { externalReport, internalReport, refusalReport } from './evaluation.ts';
import type { Answers, ExternalReport, InternalReport, RefusalReport } from './evaluation.ts';
import { sha256 } from './digest.ts';
import type { EpochRecord } from './fine-tune.ts';
import { infer } from './infer.ts';
import { LABELS } from './labels.ts';
import { classScores, type Summary } from './metrics.ts';
import { decodePicture, PIXELS, type PixelStore } from './pixels.ts';
import { confusionPlot, reliabilityPlot, trainingPlot } from './plots.ts';
import type { Progress } from './progress.ts';
import { derivedSeed, seededRandom, shuffle } from './random.ts';
import { shortcutTest } from './shortcut-test.ts';
import { singleSiteClasses, type Part, type Split, type SplitItem } from './split.ts';
import type { TrainingSettings } from './training-settings.ts';
import { writeJson, writeWhole } from './write-whole.ts';

/** `evaluation.json`: the only source of every number about the model that is printed anywhere. */
export interface Evaluation {
  schema: 'csss-evaluation/1';
  created: string;
  model: { sha256: string };
  data: {
    splitSha256: string;
    seed: number;
    counts: { label: string; site: string; part: Part; count: number }[];
    refused: { reason: string; count: number }[];
    singleSiteClasses: string[];
    licences: string[];
  };
  training: { settings: TrainingSettings; bestEpoch: number; history: EpochRecord[] };
  checks: { temperature: number; gateMinimum: number; distanceLimits: [number, number] };
  internal: InternalReport;
  shortcut: { trainingImages: number; whole: Summary; centreBlack: Summary };
  external: ExternalReport | null;
  refusals: { inside: RefusalReport[]; foreign: RefusalReport[] };
  /** Licences of the images in the Grad-CAM sheet; empty without a sheet. */
  sheet: string[];
}

export interface EvaluationInput {
  file: Uint8Array;
  checks: Checks;
  store: PixelStore;
  split: Split;
  settings: TrainingSettings;
  history: EpochRecord[];
  bestEpoch: number;
  /** A folder with images that must be refused and a `manifest.csv` (file, kind). */
  foreign?: string;
  /** Sites whose images may be shown in the Grad-CAM sheet (prefixes). */
  showable: readonly string[];
}

const SHORTCUT_IMAGES = 2000;
const RESULTS = ['logits', 'probabilities', 'gate', 'distance'] as const;

/** Measures the very file that is shipped and writes `evaluation.json`, three plots and the Grad-CAM sheet. */
export async function evaluate(folder: string, input: EvaluationInput, progress: Progress): Promise<Evaluation> {
  const { file, checks, store, split, settings } = input;
  const part = (name: Part): SplitItem[] => split.items.filter((item) => item.part === name);
  const ask = (items: readonly SplitItem[], title: string): Promise<Answers> =>
    answers(
      file,
      { count: items.length, image: (row) => store.image(items[row]?.index ?? 0) },
      title,
      settings,
      progress,
    );
  const [test, validation, external] = [part('test'), part('validation'), part('external')];
  const onTest = await ask(test, 'test');
  const onValidation = await ask(validation, 'validation');
  const onExternal = external.length > 0 ? await ask(external, 'external') : undefined;
  const kinds = (items: readonly SplitItem[], name: string): string[] =>
    items.map(({ modality }) => `${name}: ${modality}`);
  const inside = [
    ...refusalReport(kinds(validation, 'validation'), onValidation, checks),
    ...refusalReport(kinds(test, 'test'), onTest, checks),
    ...(onExternal ? refusalReport(kinds(external, 'external'), onExternal, checks) : []),
  ];
  const labelled = (items: readonly SplitItem[]): { index: number; truth: number }[] =>
    items.map(({ index, label }) => ({ index, truth: LABELS.indexOf(label) }));
  const sampled = shuffle(labelled(part('train')), seededRandom(derivedSeed(settings.seed, 'shortcut'))).slice(
    0,
    SHORTCUT_IMAGES,
  );
  const internal = internalReport(test, onTest, settings.seed);
  const showable = test
    .map((_, row) => row)
    .filter((row) => input.showable.some((prefix) => test[row]?.site.startsWith(prefix)));
  const evaluation: Evaluation = {
    schema: 'csss-evaluation/1',
    created: new Date().toISOString(),
    model: { sha256: sha256(file) },
    data: describeData(split),
    training: { settings, bestEpoch: input.bestEpoch, history: input.history },
    checks: { temperature: checks.temperature, gateMinimum: checks.gateMinimum, distanceLimits: checks.distanceLimits },
    internal,
    shortcut: await shortcutTest(checks.weights, store, sampled, labelled(test), settings, progress),
    external: onExternal ? externalReport(external, onExternal, checks, settings.seed) : null,
    refusals: {
      inside,
      foreign: input.foreign === undefined ? [] : await foreignReport(input.foreign, input, progress),
    },
    sheet: licencesOf(showable.map((row) => test[row] as SplitItem)),
  };
  const shown = new Float32Array(
    showable.flatMap((row) => [...onTest.probabilities.subarray(row * LABELS.length, (row + 1) * LABELS.length)]),
  );
  if (showable.length > 0) {
    const sheet = await camSheet(
      checks.weights,
      store,
      showable.map((row) => test[row] as SplitItem),
      shown,
      settings.seed,
    );
    writeWhole(join(folder, 'grad-cam.png'), sheet);
  }
  writeWhole(join(folder, 'confusion.svg'), confusionPlot(internal.confusion));
  writeWhole(
    join(folder, 'reliability.svg'),
    reliabilityPlot(internal.calibration.bins, internal.calibration.after.error),
  );
  writeWhole(join(folder, 'training.svg'), trainingPlot(input.history, input.bestEpoch));
  writeJson(join(folder, 'evaluation.json'), evaluation);
  return evaluation;
}

async function answers(
  file: Uint8Array,
  images: { count: number; image: (row: number) => Uint8Array },
  title: string,
  settings: TrainingSettings,
  progress: Progress,
): Promise<Answers> {
  const results = await infer(file, images, RESULTS, progress, title, settings.threads);
  const of = (name: (typeof RESULTS)[number]): Float32Array => results[name] ?? new Float32Array();
  return { logits: of('logits'), probabilities: of('probabilities'), gate: of('gate'), distance: of('distance') };
}

async function foreignReport(
  folder: string,
  { file, checks, settings }: EvaluationInput,
  progress: Progress,
): Promise<RefusalReport[]> {
  const rows = parseCsv(readFileSync(join(folder, 'manifest.csv'), 'utf8'));
  const images: Uint8Array[] = [];
  for (const { file: name = '' } of rows) images.push(await decodePicture(join(folder, name)));
  const image = (row: number): Uint8Array => images[row] ?? new Uint8Array(PIXELS);
  const said = await answers(file, { count: rows.length, image }, 'foreign', settings, progress);
  return refusalReport(
    rows.map(({ kind = '' }) => kind),
    said,
    checks,
  );
}

function describeData({ items, refused, seed }: Split): Evaluation['data'] {
  const counts = new Map<string, number>();
  for (const { label, site, part } of items) {
    const key = JSON.stringify([label, site, part]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const reasons = new Map<string, number>();
  for (const { reason } of refused) {
    const short = reason.replace(/^(copy of|broken).*/, '$1').replace('copy of', 'copy of another image');
    reasons.set(short, (reasons.get(short) ?? 0) + 1);
  }
  return {
    splitSha256: sha256(JSON.stringify(items.map(({ file, pixels, part, cluster }) => [file, pixels, part, cluster]))),
    seed,
    counts: [...counts]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, count]) => {
        const [label, site, part] = JSON.parse(key) as [string, string, Part];
        return { label, site, part, count };
      }),
    refused: [...reasons].map(([reason, count]) => ({ reason, count })),
    singleSiteClasses: singleSiteClasses(items),
    licences: licencesOf(items),
  };
}

function licencesOf(items: readonly SplitItem[]): string[] {
  return [...new Set(items.map(({ licence }) => licence))].filter((licence) => licence !== '').sort();
}

/** One line for a terminal. */
export function headline({ internal, external }: Evaluation): string {
  const worst = classScores(internal.confusion).map(({ f1 }, index) => `${LABELS[index]} ${f1.toFixed(2)}`);
  return (
    `accuracy ${internal.accuracy.value.toFixed(4)} macro-F1 ${internal.macroF1.value.toFixed(4)} ` +
    `calibration error ${internal.calibration.after.error.toFixed(4)} external AUC ${external?.covidAuc.value.toFixed(3) ?? '-'}; F1 ${worst.join(', ')}`
  );
}
