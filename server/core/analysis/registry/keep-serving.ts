import type { World } from '../../world.ts';
import { followRegistry } from './follow-registry.ts';
import { lookAgain } from './register-models.ts';

/** Pauses between tries to start a model that the registry wants and that cannot run, in milliseconds. */
const retry = { first: 5_000, longest: 5 * 60_000 };

/**
 * Keeps the models of the registry in service while this process runs: follows changes that other processes make (the
 * revision number rose), and tries again what could not be started, in growing pauses, because files are repaired and
 * memory becomes free. Analyses that waited go on as soon as there is a model.
 *
 * @param revision of the registry that is served already.
 * @param options.everyMs how late a change may be seen.
 * @returns what ends it.
 */
export function keepServing(
  world: World,
  revision: number,
  options: { everyMs: number; onFault: (error: unknown) => void },
): () => Promise<void> {
  let seen = revision;
  let wasReady = world.classifier.state().ready;
  let pause = retry.first;
  /** When the next try is due, while something is lacking. */
  let due: number | undefined;
  const look = async () => {
    const now = performance.now();
    const last = await world.read(({ models }) => models.revision());
    if (last !== seen) {
      await followRegistry(world);
      seen = last;
    } else if (world.modelFiles.lacking() && due !== undefined && now >= due) {
      due = now + pause;
      await lookAgain(world);
      pause = Math.min(2 * pause, retry.longest);
      due = performance.now() + pause;
    }
    if (!world.modelFiles.lacking()) [due, pause] = [undefined, retry.first];
    else due ??= now + pause;
    const { ready } = world.classifier.state();
    if (ready && !wasReady) await world.modelServes();
    if (ready !== wasReady) await world.transaction(({ news }) => news.post('models', { role: 'admin' }));
    wasReady = ready;
  };
  let looking = Promise.resolve();
  let busy = false;
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
