import type { ReadsFrom, World } from '../../world.ts';
import type { ModelFiles } from './model-registry.ts';
import { digestsOf, placesOf } from './registered-model.ts';

type Follower = Pick<World, 'modelFiles'> & ReadsFrom<'models'>;

/** What is under way, or was done last, with the models of this process. */
const turns = new WeakMap<ModelFiles, Promise<void>>();

/**
 * Lets this process serve what the registry says now; a model that is not known here yet is looked for on disk.
 *
 * One after the other: of two that read at the same time, the one with the older answer could serve last, and bring
 * back for a while what an administrator has just taken out of service.
 */
export function followRegistry(world: Follower): Promise<void> {
  const turn = (turns.get(world.modelFiles) ?? Promise.resolve()).then(() => follow(world));
  turns.set(
    world.modelFiles,
    turn.catch(() => undefined),
  );
  return turn;
}

async function follow(world: Follower): Promise<void> {
  const [models, changes] = await world.read((stores) => Promise.all([stores.models.all(), stores.models.changes()]));
  const places = placesOf(models, changes);
  const here = new Set(world.modelFiles.found().map(({ digest }) => digest));
  const wanted = ['digest' in places.active ? places.active.digest : undefined, places.shadow];
  if (wanted.some((digest) => digest !== undefined && !here.has(digest)))
    await world.modelFiles.scan(digestsOf(models), { again: false });
  await world.modelFiles.serve(places, models);
}
