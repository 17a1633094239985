import { readdir, readFile } from 'node:fs/promises';
import { keepDefinitions, type Definition } from '../core/records/own-definitions.ts';
import type { World } from '../core/world.ts';
import type { Start } from './start.ts';

const folder = new URL('../../fhir-profiles/resources/', import.meta.url);

/** Brings the definitions of this release into the records, where a FHIR client looks for them. */
export async function openDefinitions({ log }: Pick<Start, 'log'>, world: World): Promise<void> {
  const written = await keepDefinitions(world, await releasedDefinitions());
  if (written > 0) log.info({ count: written }, 'definitions written');
}

async function releasedDefinitions(): Promise<Definition[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')));
  return texts.map((text) => JSON.parse(text) as Definition);
}
