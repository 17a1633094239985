import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelManifest } from '../../models/training/manifest.ts';

const folder = fileURLToPath(new URL('../../models/chest-mobilenet-v2/', import.meta.url));

/** The model that the repository ships. */
export const SHIPPED = {
  folder,
  model: `${folder}model.onnx`,
  bytes: (): Uint8Array => readFileSync(`${folder}model.onnx`),
  json: <T>(name: string): T => JSON.parse(readFileSync(`${folder}${name}`, 'utf8')) as T,
  manifest: (): ModelManifest => JSON.parse(readFileSync(`${folder}model.json`, 'utf8')) as ModelManifest,
};
