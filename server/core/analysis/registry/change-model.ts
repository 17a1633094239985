import type { Device } from '@medplum/fhirtypes';
import { systemPrincipal, type Principal } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import type { Reading, Stores, Surroundings, World } from '../../world.ts';
import { create, put } from '../../records/server-write.ts';
import { traceOf, type Trace } from '../../trace.ts';
import { type Assessed, shortcomings } from './activation-bar.ts';
import { deviceIdOf, modelDevice, runtimeOf } from '../findings.ts';
import { followRegistry } from './follow-registry.ts';
import { type ModelAct, stateAfter } from './model-states.ts';
import type { ModelChange, RegisteredModel } from './registered-model.ts';
import { hasInk } from '../../readable-text.ts';

/** What a person wants of a model, and why. */
export interface WantedChange {
  act: Exclude<ModelAct, 'register' | 'replace' | 'rollback'>;
  digest: string;
  reason: string;
  /** Promotion although the model lacks something: the administrator's own words for it. */
  override?: string;
}

export interface Actor extends Trace {
  principal: Principal;
  /** As the history shows it. */
  name: string;
}

/**
 * Changes the state of a model: history, FHIR Device and audit row in one transaction, then this process serves
 * accordingly, and the others as soon as they look (follow-registry). An active model that is replaced retires.
 *
 * @throws Problem `not-found`; `conflict` (the table of states); `business-rule` (below the bar without an
 * override; untrained; files missing, altered or failing the self-test).
 */
export async function changeModel(world: World, actor: Actor, wanted: WantedChange): Promise<void> {
  const { act, digest } = wanted;
  const runs = act === 'promote' || act === 'shadow';
  await world.read(({ models }) => check(models, world, wanted));
  const prepared = runs ? await world.modelFiles.prepare(digest, act === 'shadow' ? 'shadow' : 'active') : undefined;
  try {
    await world.transaction(async (stores) => {
      await stores.models.lock();
      const { model, models, lacks } = await check(stores.models, world, wanted);
      const displaced = models.find(
        ({ state }) => (act === 'promote' && state === 'active') || (act === 'shadow' && state === 'shadow'),
      );
      if (displaced) {
        const leave = act === 'promote' ? 'replace' : 'withdraw';
        await move(world, stores, actor, displaced, { act: leave, reason: wanted.reason });
      }
      await move(world, stores, actor, model, {
        act,
        reason: wanted.reason,
        ...(prepared?.provider !== undefined && { provider: prepared.provider }),
        ...(lacks.length > 0 && { override: { reason: wanted.override!, shortcomings: lacks } }),
      });
    });
  } catch (error) {
    await prepared?.discard();
    throw error;
  }
  await followRegistry(world);
  if (act === 'promote') await world.modelServes();
}

/**
 * Brings back the model that was active before the present one, or before the one that was switched off. It has
 * passed the bar, or its override is in the history, so it is not held against it again.
 *
 * @throws Problem `conflict` if no other model was ever active; `business-rule` if its files cannot run.
 */
export async function rollBack(world: World, actor: Actor, reason: string): Promise<void> {
  const digest = rollbackTarget(await world.read(({ models }) => models.changes()));
  if (digest === undefined) throw new Problem('conflict', 'There is no earlier active model to go back to.');
  const prepared = await world.modelFiles.prepare(digest, 'active');
  try {
    await world.transaction(async (stores) => {
      await stores.models.lock();
      if (rollbackTarget(await stores.models.changes()) !== digest) {
        throw new Problem('conflict', 'Somebody else changed the active model meanwhile. Look again.');
      }
      const models = await stores.models.all();
      const standing = models.find(({ state }) => state === 'active');
      if (standing) await move(world, stores, actor, standing, { act: 'replace', reason });
      const model = models.find((one) => one.digest === digest)!;
      const { provider } = prepared;
      const how = { act: 'rollback', reason, ...(provider !== undefined && { provider }) } as const;
      await move(world, stores, actor, model, how);
    });
  } catch (error) {
    await prepared.discard();
    throw error;
  }
  await followRegistry(world);
  await world.modelServes();
}

/**
 * The model that a roll back would bring: the latest one that was active before the last activation.
 *
 * @param changes newest first.
 */
export function rollbackTarget(changes: readonly ModelChange[]): string | undefined {
  const activations = changes.filter(({ to }) => to === 'active');
  // What was rolled back from is not what one wants back: undone activations count no more.
  const line: string[] = [];
  for (const { act, digest } of activations.toReversed()) {
    if (act === 'rollback') line.splice(line.lastIndexOf(digest) + 1);
    else if (line.at(-1) !== digest) line.push(digest);
  }
  return line.at(-2);
}

async function check(
  store: Reading['models'],
  world: Surroundings,
  { act, digest, override }: WantedChange,
): Promise<{ model: RegisteredModel; models: RegisteredModel[]; lacks: string[] }> {
  const models = await store.all();
  const model = models.find((one) => one.digest === digest);
  if (!model) throw new Problem('not-found', 'There is no such model in the registry.');
  stateAfter(model.state, act);
  if (act !== 'promote') return { model, models, lacks: [] };
  const lacks = missing(world, model, models, await store.changes());
  if (lacks.length > 0 && !hasInk(override)) {
    const text = `The model is below the bar for activation: ${lacks.join(' ')} An override needs a written reason.`;
    throw new Problem('business-rule', text);
  }
  return { model, models, lacks };
}

/** @throws Problem `business-rule` for an untrained model, which no reason can make fit. */
function missing(
  world: Surroundings,
  model: RegisteredModel,
  models: readonly RegisteredModel[],
  changes: readonly ModelChange[],
): string[] {
  const { trained } = model.description;
  if (!trained) {
    const shipped = world.modelFiles.found().some((found) => found.shipped && found.digest === model.digest);
    if (shipped && world.settings.demo) return [];
    throw new Problem('business-rule', 'An untrained model cannot be activated.');
  }
  if (changes.some(({ digest, to }) => digest === model.digest && to === 'active')) return [];
  const last = changes.find(({ to }) => to === 'active')?.digest;
  return shortcomings(assessed(model), models.filter(({ digest }) => digest === last).map(assessed)[0]).map(
    ({ text }) => text,
  );
}

export function assessed({ description, evaluation }: RegisteredModel): Assessed {
  return { trained: description.trained, evaluation };
}

/** One row of the history with its consequences: the Device's status, the audit row. */
export async function move(
  world: Surroundings,
  stores: Stores,
  actor: Actor,
  model: RegisteredModel,
  how: { act: ModelAct; reason: string; provider?: string; override?: NonNullable<ModelChange['override']> },
): Promise<void> {
  const to = stateAfter(model.state, how.act);
  await stores.models.change({
    digest: model.digest,
    act: how.act,
    from: model.state,
    to,
    by: { subject: actor.principal.subject, name: actor.name },
    reason: how.reason,
    ...(how.override && { override: how.override }),
  });
  if (to === 'active' || model.state === 'active') {
    await keepDeviceStatus(world, stores, model, to === 'active' ? 'active' : 'inactive', how.provider);
  }
  await stores.audit.append({
    action: 'U',
    event: `portal:model-${how.act}`,
    outcome: 'success',
    principal: actor.principal,
    entities: [`Device/${deviceIdOf(model.digest)}`],
    ...traceOf(actor),
  });
}

/** A Device says what is in service; the results of a model that is not point at its Device for ever. */
async function keepDeviceStatus(
  world: Surroundings,
  stores: Stores,
  { digest, description }: RegisteredModel,
  status: 'active' | 'inactive',
  provider?: string,
): Promise<void> {
  const context = { world, stores, principal: systemPrincipal('registry') };
  const standing = (await stores.records.lock('Device', deviceIdOf(digest)))?.resource as Device | undefined;
  // Written anew: what a client put under this id before the model was registered does not stay.
  const device = modelDevice(description, provider ?? (standing && runtimeOf(standing)) ?? 'none', status);
  if (standing) await put(context, device);
  else await create(context, device);
}
