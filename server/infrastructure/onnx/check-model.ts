import { basename, resolve, sep } from 'node:path';
import { type ModelDescription, readModelDescription } from '../../core/analysis/model-description.ts';
import { type ModelEvaluation, readModelEvaluation } from '../../core/analysis/model-evaluation.ts';
import type { FoundModel, RefusalCode, RefusedModel } from '../../core/analysis/registered-model.ts';
import { startClassifier } from './classifier.ts';
import { digestOf, parseJson, readWhole } from './model-file.ts';
import { type OnnxInterface, type OnnxValue, readOnnxInterface } from './onnx-interface.ts';

/** Operator sets that the runtime knows and the project has tried (models/training writes 13). */
const operatorSets = { lowest: 11, highest: 22 };
/** A quantised MobileNet has 4 MB, a large classifier a few hundred; more would fill the memory of every worker. */
const largestFile = 1024 ** 3;
const [float32, uint8] = [1, 2];

interface Wanted {
  shipped: boolean;
  providers: readonly string[];
  /** Digests that passed the self-test before; it is made again whenever a model is started. */
  tested: ReadonlySet<string> | 'all';
}

/** What is wrong, told apart for the list. */
class Refused extends Error {
  readonly code: RefusalCode;
  constructor(code: RefusalCode, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.code = code;
  }
}

/**
 * Checks a model folder before the registry takes it in: description, digest, operators, inputs and outputs,
 * evaluation, and by running it the known answers. Nothing of the file is executed before its digest, operators
 * and shapes were found good. It never throws.
 */
export async function checkModel(folder: string, wanted: Wanted): Promise<FoundModel | RefusedModel> {
  try {
    return await checked(folder, wanted);
  } catch (error) {
    const code = error instanceof Refused ? error.code : 'missing-file';
    return {
      folder: basename(folder),
      code,
      reason: error instanceof Error ? error.message : 'the folder cannot be read',
    };
  }
}

async function checked(folder: string, { shipped, providers, tested }: Wanted): Promise<FoundModel> {
  const json = await readDescribed(folder, 'model.json');
  const description = judged('description', () => readModelDescription(json));
  const { file, sha256, bytes: size } = description.model;
  if (size > largestFile) throw new Refused('description', `${file} has more than ${largestFile} bytes`);
  const bytes = await readNamed(folder, file);
  const digest = digestOf(bytes);
  if (digest !== sha256) {
    throw new Refused(
      'digest',
      `${file} is not the file that model.json describes: its SHA-256 is ${digest}, expected ${sha256}`,
    );
  }
  const face = judged('shape', () => readOnnxInterface(bytes));
  judged('operators', () => checkOperators(face));
  judged('shape', () => checkShapes(face, description));
  await readNamed(folder, description.golden);
  const evaluation = await evaluationIn(folder, json, sha256);
  if (tested !== 'all' && !tested.has(sha256)) await selfTest(folder, providers);
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
  const bytes = await readNamed(folder, file);
  if (digestOf(bytes) !== sha256) throw new Refused('digest', `${file} is not the file that model.json describes`);
  return judged('description', () => readModelEvaluation(JSON.parse(bytes.toString('utf8')), digest));
}

async function selfTest(folder: string, providers: readonly string[]): Promise<void> {
  const trial = await startClassifier({ folder, providers, workers: 1 });
  const state = trial.state();
  await trial.close();
  if (!state.ready) throw new Refused('self-test', state.reason);
}

function judged<T>(code: RefusalCode, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Refused(code, error);
  }
}

async function readDescribed(folder: string, name: string): Promise<unknown> {
  const bytes = await readNamed(folder, name);
  return judged('description', () => parseJson(bytes, name));
}

async function readNamed(folder: string, name: string): Promise<Buffer> {
  try {
    return await readWhole(folder, name);
  } catch (error) {
    throw new Refused('missing-file', error);
  }
}
