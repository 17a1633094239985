import { basename, resolve, sep } from 'node:path';
import { type ModelDescription, readModelDescription } from '../../core/analysis/model-description.ts';
import { type ModelEvaluation, readModelEvaluation } from '../../core/analysis/registry/model-evaluation.ts';
import type { FoundModel, RefusedModel } from '../../core/analysis/registry/registered-model.ts';
import { type ClassifierOptions, startClassifier } from './classifier.ts';
import { digestOf, mustBe, readJson, readWhole } from './model-file.ts';
import { type OnnxInterface, type OnnxValue, readOnnxInterface } from './onnx-interface.ts';
import { judged, Refused } from './refused.ts';

/** Operator sets that the runtime knows and the project has tried (models/training writes 13). */
const operatorSets = { lowest: 11, highest: 22 };
const [float32, uint8] = [1, 2];

interface Wanted {
  shipped: boolean;
  providers: readonly string[];
  /** Digests that passed the self-test before; it is made again whenever a model is started. */
  tested: ReadonlySet<string> | 'all';
  /** Digests whose self-test failed and is not made again now. */
  failed?: ReadonlyMap<string, RefusedModel>;
  /** Of the process that makes the self-test: see `startClassifier`. */
  session?: Pick<ClassifierOptions, 'startMs' | 'memoryMiB' | 'sessionScript'>;
}

/**
 * Checks a model folder before the registry takes it in: description, digest, operators, inputs and outputs,
 * evaluation, and by running it the known answers. Nothing of the file is executed before its digest, operators
 * and shapes were found good, and then in a process of its own, with limits of time and memory. It never throws.
 */
export async function checkModel(folder: string, wanted: Wanted): Promise<FoundModel | RefusedModel> {
  const found: Pick<RefusedModel, 'digest'> = {};
  try {
    return await checked(folder, wanted, found);
  } catch (error) {
    const code = error instanceof Refused ? error.code : 'missing-file';
    return {
      folder: basename(folder),
      code,
      reason: error instanceof Error ? error.message : 'the folder cannot be read',
      ...found,
    };
  }
}

async function checked(folder: string, wanted: Wanted, found: Pick<RefusedModel, 'digest'>): Promise<FoundModel> {
  const { shipped, tested, failed } = wanted;
  const json = await readJson(folder, 'model.json');
  const description = judged('description', () => readModelDescription(json));
  const { file, sha256 } = description.model;
  found.digest = sha256;
  const bytes = await readWhole(folder, file);
  mustBe(sha256, file, bytes);
  const face = judged('shape', () => readOnnxInterface(bytes));
  judged('operators', () => checkOperators(face));
  judged('shape', () => checkShapes(face, description));
  await readWhole(folder, description.golden);
  const evaluation = await evaluationIn(folder, json, sha256);
  if (tested !== 'all' && !tested.has(sha256)) {
    const before = failed?.get(sha256);
    if (before) throw new Refused(before.code, before.reason);
    await selfTest(folder, sha256, wanted);
  }
  return { digest: sha256, description, evaluation, shipped };
}

function checkOperators({ operatorSets: sets, operatorDomains, ownFunctions, externalData }: OnnxInterface): void {
  const standard = (domain: string) => domain === '' || domain === 'ai.onnx';
  const foreign = [...operatorDomains, ...sets.map(({ domain }) => domain)].filter((domain) => !standard(domain));
  if (foreign.length > 0)
    throw new Error(`it uses operators that are not ONNX's own: ${[...new Set(foreign)].join(', ')}`);
  if (ownFunctions > 0) throw new Error('it defines operators of its own');
  if (externalData) throw new Error('its weights lie in other files, which no digest covers');
  const version = sets.find(({ domain }) => standard(domain))?.version ?? 0;
  if (version < operatorSets.lowest || version > operatorSets.highest) {
    throw new Error(`its operator set ${version} is outside ${operatorSets.lowest} to ${operatorSets.highest}`);
  }
}

/** Each output that serving reads (models/README.md): element type and shape without the batch. */
function checkShapes({ inputs, outputs }: OnnxInterface, { input, labels, gate, distance }: ModelDescription): void {
  const classes = labels.length;
  const [, height, width] = input.shape as number[];
  expectValue('input', inputs, input.name, uint8, [height, width, 3]);
  expectValue('output', outputs, 'probabilities', float32, [classes]);
  expectValue('output', outputs, 'logits', float32, [classes]);
  expectValue('output', outputs, 'gate', float32, [gate.classes.length]);
  expectValue('output', outputs, 'distance', float32, [distance.values.length]);
  const map = outputs.find(({ name }) => name === 'gradcam');
  const [, , rows, columns] = map?.shape ?? [];
  if (rows !== columns) throw new Error(`the output gradcam is not square: ${described(map)}`);
  expectValue('output', outputs, 'gradcam', float32, [classes, rows, columns]);
}

function expectValue(
  kind: string,
  values: readonly OnnxValue[],
  name: string,
  type: number,
  shape: readonly (number | undefined)[],
): void {
  const found = values.find((value) => value.name === name);
  const [, ...rest] = found?.shape ?? [];
  if (
    found?.type === type &&
    rest.length === shape.length &&
    rest.every((size, i) => size !== undefined && size === shape[i])
  )
    return;
  throw new Error(`the ${kind} ${name} is ${described(found)}, expected type ${type} [N,${shape.join(',')}]`);
}

function described(value: OnnxValue | undefined): string {
  return value ? `type ${value.type} [${value.shape.map((size) => size ?? 'N').join(',')}]` : 'not there';
}

/** Where model.json names one, it must be there, unchanged, and about this model. */
async function evaluationIn(folder: string, json: unknown, digest: string): Promise<ModelEvaluation | null> {
  const named = (json as { evaluation?: { file?: unknown; sha256?: unknown } | null }).evaluation;
  if (!named) return null;
  const { file, sha256 } = named;
  if (typeof file !== 'string' || !resolve(folder, file).startsWith(resolve(folder) + sep)) {
    throw new Refused('description', 'model.json names an evaluation that is not in the folder');
  }
  const bytes = await readWhole(folder, file);
  if (digestOf(bytes) !== sha256) throw new Refused('digest', `${file} is not the file that model.json describes`);
  return judged('description', () => readModelEvaluation(JSON.parse(bytes.toString('utf8')), digest));
}

async function selfTest(folder: string, digest: string, { providers, session = {} }: Wanted): Promise<void> {
  const trial = await startClassifier({ folder, digest, providers, workers: 1, background: true, ...session });
  const state = trial.state();
  await trial.close();
  if (!state.ready) throw new Refused(state.code ?? 'self-test', state.reason);
}
