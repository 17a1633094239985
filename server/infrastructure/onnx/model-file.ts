import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelDescription, readModelDescription } from '../../core/analysis/model-description.ts';
import type { Golden } from './self-test.ts';

export interface LoadedModel {
  description: ModelDescription;
  /** Shared between the worker threads, so that all run the very bytes that were checked. */
  bytes: Uint8Array;
  golden: Golden;
}

/**
 * Reads a model folder: model.json, the file that it names, the known answers.
 *
 * @throws Error with a sentence for operators: file missing, description of another shape, digest differs.
 */
export async function loadModel(folder: string): Promise<LoadedModel> {
  const description = readModelDescription(await readJson(folder, 'model.json'));
  const { file, sha256 } = description.model;
  const bytes = await readWhole(folder, file);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== sha256) {
    throw new Error(`${file} is not the file that model.json describes: its SHA-256 is ${digest}, expected ${sha256}`);
  }
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return { description, bytes: shared, golden: (await readJson(folder, description.golden)) as Golden };
}

async function readJson(folder: string, name: string): Promise<unknown> {
  const text = (await readWhole(folder, name)).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`${name} is not JSON`);
  }
}

async function readWhole(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (cause) {
    throw new Error(`the model folder has no readable ${name}`, { cause });
  }
}
