import type { World } from '../../world.ts';
import { systemPrincipal } from '../../principal.ts';
import { type Actor, move } from './change-model.ts';
import { followRegistry } from './follow-registry.ts';
import { digestsOf } from './registered-model.ts';

/**
 * Takes in what the folders hold: a new model becomes a candidate. If no model was ever active, the shipped one
 * becomes it; a later release that ships another model only adds a candidate. An untrained one is active in a
 * demo only.
 */
export async function registerFound(world: World): Promise<void> {
  await world.transaction(async (stores) => {
    await stores.models.lock();
    const known = digestsOf(await stores.models.all());
    for (const { digest, description, evaluation, shipped } of world.modelFiles.found()) {
      if (known.has(digest)) continue;
      const reason = shipped ? 'shipped with this release' : 'found in the folder of models';
      const by = { subject: registry.principal.subject, name: registry.name };
      await stores.models.change(
        { digest, act: 'register', from: null, to: 'candidate', by, reason },
        { description, evaluation },
      );
    }
    const shipped = world.modelFiles.found().find((one) => one.shipped);
    if (!shipped || !(shipped.description.trained || world.settings.demo)) return;
    if ((await stores.models.changes()).some(({ to }) => to === 'active')) return;
    const model = (await stores.models.all()).find(({ digest }) => digest === shipped.digest)!;
    if (model.state !== 'candidate') return;
    await move(world, stores, registry, model, { act: 'promote', reason: 'first start: the shipped model' });
  });
}

const registry: Actor = { principal: systemPrincipal('registry'), name: 'CSSS' };

/** Looks at the folders again, on an administrator's wish: no restart is needed for a new model, or a repaired one. */
export async function rescan(world: World): Promise<void> {
  await look(world, { again: true });
}

/** The same without a person who waits: what failed its self-test before is not tried again. */
export async function lookAgain(world: World): Promise<void> {
  await look(world, { again: false });
}

async function look(world: World, options: { again: boolean }): Promise<void> {
  await world.modelFiles.scan(digestsOf(await world.read(({ models }) => models.all())), options);
  await registerFound(world);
  await followRegistry(world);
}
