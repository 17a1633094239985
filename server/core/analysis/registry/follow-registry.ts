import type { ReadsFrom, World } from '../../world.ts';
import { digestsOf, placesOf } from './registered-model.ts';

/** Lets this process serve what the registry says now; a model that is not known here yet is looked for on disk. */
export async function followRegistry(world: Pick<World, 'modelFiles'> & ReadsFrom<'models'>): Promise<void> {
  const [models, changes] = await world.read((stores) => Promise.all([stores.models.all(), stores.models.changes()]));
  const places = placesOf(models, changes);
  const here = new Set(world.modelFiles.found().map(({ digest }) => digest));
  const wanted = ['digest' in places.active ? places.active.digest : undefined, places.shadow];
  if (wanted.some((digest) => digest !== undefined && !here.has(digest)))
    await world.modelFiles.scan(digestsOf(models), { again: false });
  await world.modelFiles.serve(places, models);
}
