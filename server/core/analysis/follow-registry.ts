import type { World } from '../ports.ts';
import { digestsOf, placesOf } from './registered-model.ts';

/** Lets this process serve what the registry says now; a model that is not known here yet is looked for on disk. */
export async function followRegistry(world: Pick<World, 'models' | 'modelFiles'>): Promise<void> {
  const [models, changes] = await Promise.all([world.models.all(), world.models.changes()]);
  const places = placesOf(models, changes);
  const here = new Set(world.modelFiles.found().map(({ digest }) => digest));
  const wanted = ['digest' in places.active ? places.active.digest : undefined, places.shadow];
  if (wanted.some((digest) => digest !== undefined && !here.has(digest)))
    await world.modelFiles.scan(digestsOf(models));
  await world.modelFiles.serve(places);
}
