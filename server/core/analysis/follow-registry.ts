import type { World } from '../ports.ts';
import { digestsOf, placesOf } from './registered-model.ts';

type Following = Pick<World, 'models' | 'modelFiles'>;

/** Lets this process serve what the registry says now; a model that is not known here yet is looked for on disk. */
export async function followRegistry(world: Following): Promise<void> {
  const [models, changes] = await Promise.all([world.models.all(), world.models.changes()]);
  const places = placesOf(models, changes);
  const here = new Set(world.modelFiles.found().map(({ digest }) => digest));
  const wanted = ['digest' in places.active ? places.active.digest : undefined, places.shadow];
  if (wanted.some((digest) => digest !== undefined && !here.has(digest)))
    await world.modelFiles.scan(digestsOf(models));
  await world.modelFiles.serve(places);
}

/**
 * Follows the registry as other processes change it: asks for its revision number and acts when it rose.
 *
 * @param everyMs how late a change may be seen.
 * @returns what ends it.
 */
export function followRegistryFrom(
  world: Following,
  revision: number,
  options: { everyMs: number; onFault: (error: unknown) => void },
): () => Promise<void> {
  let seen = revision;
  let looking = Promise.resolve();
  let busy = false;
  const look = async () => {
    const last = await world.models.revision();
    if (last === seen) return;
    await followRegistry(world);
    seen = last;
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    looking = look()
      .catch(options.onFault)
      .finally(() => (busy = false));
  }, options.everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await looking;
  };
}
