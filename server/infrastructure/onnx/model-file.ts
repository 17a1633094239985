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
  const digest = digestOf(bytes);
  if (digest !== sha256) {
    throw new Error(`${file} is not the file that model.json describes: its SHA-256 is ${digest}, expected ${sha256}`);
  }
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return { description, bytes: shared, golden: (await readJson(folder, description.golden)) as Golden };
}

async function readJson(folder: string, name: string): Promise<unknown> {
  return parseJson(await readWhole(folder, name), name);
}

/** @throws Error `is not JSON`, naming the file. */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch {
    throw new Error(`${name} is not JSON`);
  }
}

/** @throws Error `has no readable`, naming the file. */
export async function readWhole(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (cause) {
    throw new Error(`the model folder has no readable ${name}`, { cause });
  }
}

/** SHA-256, lower-case hex. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
