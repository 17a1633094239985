import { join } from 'node:path';
import { deployedGraph } from './deployed-graph.ts';
import { sha256 } from './digest.ts';
import { goldenAnswers } from './golden.ts';
import { MODALITIES } from './labels.ts';
import { contract, type ModelManifest } from './manifest.ts';
import { isQuantised } from './quantise.ts';
import { openGraph } from './session.ts';
import { named, type Weights } from './tensor.ts';
import { writeJson, writeWhole } from './write-whole.ts';

export const MODEL_NAME = 'chest-mobilenet-v2';

/** What only the run knows; the rest of the manifest follows from the graph. */
export type RunFacts = Pick<
  ModelManifest,
  'version' | 'trained' | 'notice' | 'created' | 'evaluation' | 'training' | 'licence'
> & { gateMinimum: number | null; distanceLimits: [number, number] | null };

/** The bytes of the file for these weights: `evaluate` measures them and `export` ships them. */
export function modelFile(
  weights: Weights,
  { version, trained, notice }: Pick<ModelManifest, 'version' | 'trained' | 'notice'>,
): Uint8Array {
  return deployedGraph(weights, { name: MODEL_NAME, version, trained: String(trained), notice });
}

/**
 * Writes `model.onnx`, `golden.json` and `model.json` into a folder, in this order: the manifest names the digests of
 * the others, so a folder with a manifest is complete.
 */
export async function exportModel(folder: string, weights: Weights, facts: RunFacts): Promise<ModelManifest> {
  const { gateMinimum, distanceLimits, version, trained, notice, created, evaluation, training, licence } = facts;
  const file = modelFile(weights, facts);
  const runner = await openGraph(file);
  const precision = isQuantised(weights) ? 'int8' : 'float32';
  const golden = await goldenAnswers(runner, precision);
  await runner.close();
  writeWhole(join(folder, 'model.onnx'), file);
  writeJson(join(folder, 'golden.json'), golden);
  const manifest: ModelManifest = {
    schema: 'csss-model/1',
    name: MODEL_NAME,
    version,
    trained,
    notice,
    created,
    model: {
      file: 'model.onnx',
      sha256: sha256(file),
      bytes: file.length,
      format: 'onnx',
      opset: 13,
      precision,
    },
    ...contract(),
    temperature: named(weights, 'temperature').data[0] ?? 1,
    gate: {
      classes: MODALITIES,
      minimum: gateMinimum,
      meaning: 'unsupported unless chest or cardiac is the highest and reaches `minimum`; null: no limit known',
    },
    distance: {
      values: ['mahalanobis', 'residual'],
      limits: distanceLimits,
      meaning: 'unsupported when either value is above its limit; null: no limit known',
    },
    golden: 'golden.json',
    evaluation,
    training,
    licence,
  };
  writeJson(join(folder, 'model.json'), manifest);
  return manifest;
}
