import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelDescription, readModelDescription } from '../../core/analysis/model-description.ts';
import { judged, Refused } from './refused.ts';
import type { Golden } from './self-test.ts';

/** A MobileNet has 4 to 14 MB, a large classifier a few hundred; more would fill the memory of every session. */
const largestFile = 1024 ** 3;

export interface LoadedModel {
  description: ModelDescription;
  /** Kept, so that every session runs the very bytes that were checked, whatever happens to the file. */
  bytes: Uint8Array;
  golden: Golden;
}

/**
 * Reads a model folder: model.json, the file that it names, the known answers.
 *
 * @param digest the model that is wanted; without it whichever lies there.
 * @throws Refused with a sentence for operators: `missing-file`, `description`, `digest`.
 */
export async function loadModel(folder: string, digest?: string): Promise<LoadedModel> {
  const json = await readJson(folder, 'model.json');
  const description = judged('description', () => readModelDescription(json));
  const { file, sha256 } = description.model;
  if (digest !== undefined && sha256 !== digest) throw new Refused('digest', 'its folder holds another model now');
  const bytes = await readWhole(folder, file);
  mustBe(sha256, file, bytes);
  return { description, bytes, golden: (await readJson(folder, description.golden)) as Golden };
}

/** @throws Refused `digest`, naming the file. */
export function mustBe(sha256: string, file: string, bytes: Uint8Array): void {
  const found = digestOf(bytes);
  if (found === sha256) return;
  const sentence = `${file} is not the file that model.json describes: its SHA-256 is ${found}, expected ${sha256}`;
  throw new Refused('digest', sentence);
}

/** @throws Refused `missing-file`; `description` if it is not JSON. */
export async function readJson(folder: string, name: string): Promise<unknown> {
  const bytes = await readWhole(folder, name);
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    throw new Refused('description', `${name} is not JSON`);
  }
}

/** @throws Refused `missing-file`, naming it; `description` for one that is too large. */
export async function readWhole(folder: string, name: string): Promise<Buffer> {
  const path = join(folder, name);
  try {
    const { size } = await stat(path);
    if (size <= largestFile) return await readFile(path);
  } catch {
    throw new Refused('missing-file', `the model folder has no readable ${name}`);
  }
  throw new Refused('description', `${name} has more than ${largestFile} bytes`);
}

/** SHA-256, lower-case hex. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
