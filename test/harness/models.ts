/** Model folders for tests, made in seconds by the training pipeline from the shipped weights. */
import { readFileSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../models/training/digest.ts';
import type { Evaluation } from '../../models/training/evaluate.ts';
import { exportModel, modelFile } from '../../models/training/export-model.ts';
import { readBase } from '../../models/training/import-base.ts';
import type { ModelManifest } from '../../models/training/manifest.ts';
import { untrained } from '../../models/training/pipeline.ts';
import { tensor } from '../../models/training/tensor.ts';
import { SETTINGS } from '../../models/training/training-settings.ts';

export const shippedFolder = join(import.meta.dirname, '../../models/chest-mobilenet-v2');
/** Of the model that comes with the release; those made here have other versions, from 2.0.0 up. */
export const shippedVersion = (JSON.parse(readFileSync(join(shippedFolder, 'model.json'), 'utf8')) as ModelManifest)
  .version;

export interface MadeModel {
  folder: string;
  digest: string;
  version: string;
}

interface Facts {
  version: string;
  /** Of the softmax: the same classes, other probabilities, another file. */
  temperature: number;
  /** Makes the copied evaluation what the test needs; `fit` passes the bar. */
  evaluation?: 'fit' | 'as shipped' | 'worse' | 'none';
}

/** The shipped network with another temperature, with golden answers of its own. */
export async function makeModel(into: string, { version, temperature, evaluation = 'fit' }: Facts): Promise<MadeModel> {
  const folder = join(into, `model-${version}`);
  await mkdir(join(folder, 'evaluation'), { recursive: true });
  const shipped = JSON.parse(await readFile(join(shippedFolder, 'model.json'), 'utf8')) as ModelManifest;
  const weights = readBase(join(shippedFolder, 'model.onnx'));
  weights.set('temperature', tensor([], Float32Array.of(temperature)));
  const identity = { version, trained: true, notice: 'for tests' };
  const digest = sha256(modelFile(weights, identity));
  const measured = JSON.parse(await readFile(join(shippedFolder, 'evaluation/evaluation.json'), 'utf8')) as Evaluation;
  const text = JSON.stringify(changed({ ...measured, model: { ...measured.model, sha256: digest } }, evaluation));
  if (evaluation !== 'none') await writeFile(join(folder, 'evaluation/evaluation.json'), text);
  await exportModel(folder, weights, {
    ...identity,
    created: '2026-11-24T00:00:00.000Z',
    evaluation: evaluation === 'none' ? null : { file: 'evaluation/evaluation.json', sha256: sha256(text) },
    training: null,
    licence: shipped.licence,
    gateMinimum: shipped.gate.minimum,
    distanceLimits: shipped.distance.limits,
  });
  return { folder, digest, version };
}

/** A random head. */
export async function makeUntrained(into: string): Promise<MadeModel> {
  const folder = join(into, 'untrained');
  await mkdir(folder, { recursive: true });
  const manifest = await untrained({ base: join(shippedFolder, 'model.onnx'), out: folder, settings: SETTINGS });
  return { folder, digest: manifest.model.sha256, version: manifest.version };
}

/** A copy of a model folder with one file changed. */
export async function alteredCopy(
  from: string,
  to: string,
  file: string,
  change: (bytes: Buffer) => Buffer | string,
): Promise<string> {
  await cp(from, to, { recursive: true });
  await writeFile(join(to, file), change(await readFile(join(from, file))));
  return to;
}

function changed(evaluation: Evaluation, wish: NonNullable<Facts['evaluation']>): Evaluation {
  if (wish === 'as shipped') return evaluation;
  const { internal, data } = evaluation;
  const macroF1 = { ...internal.macroF1, value: internal.macroF1.value + (wish === 'worse' ? -0.1 : 0.01) };
  const classes = internal.classes.map((one) => ({ ...one, count: Math.max(one.count, 150) }));
  const second = internal.classes.map(({ label }) => ({ label, site: 'second-hospital', part: 'train', count: 10 }));
  return {
    ...evaluation,
    internal: { ...internal, macroF1, classes },
    data: { ...data, counts: [...data.counts, ...second] },
  } as Evaluation;
}
