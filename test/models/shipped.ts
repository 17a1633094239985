import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelManifest } from '../../models/training/manifest.ts';

/** A model folder of the repository. */
function released(name: string) {
  const folder = fileURLToPath(new URL(`../../models/${name}/`, import.meta.url));
  return {
    folder,
    model: `${folder}model.onnx`,
    bytes: (): Uint8Array => readFileSync(`${folder}model.onnx`),
    json: <T>(name: string): T => JSON.parse(readFileSync(`${folder}${name}`, 'utf8')) as T,
    manifest: (): ModelManifest => JSON.parse(readFileSync(`${folder}model.json`, 'utf8')) as ModelManifest,
  };
}

/** The model that becomes active at a first start, and the same in 8 bits. */
export const SHIPPED = released('chest-mobilenet-v2');
export const SHIPPED_INT8 = released('chest-mobilenet-v2-int8');
