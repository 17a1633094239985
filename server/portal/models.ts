import { z } from 'zod';
import { narrow } from '../core/access/policy.ts';
import { assessed, changeModel, rollBack, rollbackTarget, type Actor } from '../core/analysis/registry/change-model.ts';
import { shortcomings } from '../core/analysis/registry/activation-bar.ts';
import type { ClassifierState } from '../core/analysis/classifier.ts';
import { compare } from '../core/analysis/comparison.ts';
import { driftPoints, firstWeeks, type DriftReference } from '../core/analysis/drift.ts';
import { deviceIdOf } from '../core/analysis/findings.ts';
import { modelMoves } from '../core/analysis/registry/model-states.ts';
import { placesOf, type RegisteredModel } from '../core/analysis/registry/registered-model.ts';
import { rescan } from '../core/analysis/registry/register-models.ts';
import type { Principal } from '../core/principal.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import { apiRoute, type ApiRoute, type Asked } from './api/api-route.ts';

const acts = ['promote', 'shadow', 'withdraw', 'retire', 'deactivate'] as const;
const words = z.string().trim().min(3, 'needs a few words').max(1000);
const wanted = z.strictObject({ reason: words, override: words.optional() });
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is a SHA-256 in lower-case hex');
/** Left empty, it is the one of that state. */
const chosen = z.union([z.literal('').transform(() => undefined), digest]).optional();

/**
 * The registry of models for administrators: list, promote, roll back, switch off, shadow, compare, drift.
 * Everything needs the role admin and a scope on Device; each call leaves an audit row, refused ones too.
 */
/** Why a model moved, or is not here: said by people, or by this server. */
const spoken = ['reason'];

export function modelRoutes({ world }: { world: World }): ApiRoute[] {
  const ofAdmins = { tag: 'Models', roles: ['admin'], anyApp: true, largestBody: 16 * 1024 } as const;
  const looks = { ...ofAdmins, method: 'get', allow: (one: Principal) => mustReach(one, 'read') } as const;
  const changes = { ...ofAdmins, method: 'post', allow: (one: Principal) => mustReach(one, 'update') } as const;
  return [
    apiRoute({
      ...looks,
      path: '/portal/models',
      summary: 'The registry, with its history',
      event: 'portal:models',
      answer: { schema: listed },
      spoken,
      handle: () => listing(world),
    }),
    apiRoute({
      ...looks,
      path: '/portal/models/comparison',
      summary: 'Active model and shadow on the same images',
      event: 'portal:models-comparison',
      query: z.object({ active: chosen, shadow: chosen }),
      answer: { schema: z.looseObject({ active: digest.nullable(), shadow: digest.nullable() }) },
      handle: ({ query }) => comparison(world, query),
    }),
    apiRoute({
      ...looks,
      path: '/portal/models/drift',
      summary: 'Answers of a model week by week',
      event: 'portal:models-drift',
      query: z.object({
        model: chosen,
        reference: z.unknown().optional().describe('first-weeks, or the validation images'),
      }),
      answer: { schema: z.looseObject({ model: digest.nullable(), points: z.array(z.unknown()) }) },
      handle: async ({ query: { model: wish, reference } }) => {
        const models = await world.read(({ models }) => models.all());
        const model = wish ?? models.find(({ state }) => state === 'active')?.digest;
        return drift(world, models.find((one) => one.digest === model), reference); // prettier-ignore
      },
    }),
    apiRoute({
      ...changes,
      path: '/portal/models/rescan',
      summary: 'Look into the folders of models again',
      event: 'portal:models-rescan',
      answer: { schema: listed },
      spoken,
      async handle() {
        await rescan(world);
        return listing(world);
      },
    }),
    apiRoute({
      ...changes,
      path: '/portal/models/rollback',
      summary: 'Go back to the model that was active before',
      event: 'portal:models-rollback',
      body: wanted,
      answer: { schema: listed },
      spoken,
      async handle(asked) {
        await rollBack(world, await actor(world, asked), asked.body.reason);
        return listing(world);
      },
    }),
    apiRoute({
      ...changes,
      path: '/portal/models/:digest/:act',
      summary: 'Change the state of a model',
      event: ({ act = '' }) => `portal:models${/^[a-z]{1,20}$/.test(act) ? `-${act}` : ''}`,
      params: { act: z.enum(acts), digest },
      body: wanted,
      answer: { schema: listed },
      spoken,
      async handle(asked) {
        const { reason, override } = asked.body;
        const { act, digest: named = '' } = asked.params;
        const change = { act: z.enum(acts).parse(act), digest: named, reason, ...(override && { override }) };
        await changeModel(world, await actor(world, asked), change);
        return listing(world);
      },
    }),
  ];
}

/** @throws Problem `forbidden` unless the token reaches every Device. */
function mustReach(principal: Principal, interaction: 'read' | 'update'): void {
  if (narrow(principal, 'Device', interaction).kind !== 'all')
    throw new Problem('forbidden', 'The token does not reach the registry of models.');
}

const listed = z.object({
  models: z.array(
    z.looseObject({
      digest,
      device: z.string().describe('Device/id'),
      name: z.string(),
      version: z.string(),
      trained: z.boolean(),
      state: z.enum(['candidate', 'shadow', 'active', 'retired']),
      addedAt: z.iso.datetime(),
      present: z.boolean().describe('its files are on the server that answers'),
      evaluation: z.looseObject({}).nullable(),
      shortcomings: z.array(z.looseObject({ code: z.string() })),
      acts: z.array(z.enum(acts)),
    }),
  ),
  refused: z.array(z.looseObject({ folder: z.string(), code: z.string(), reason: z.string() })),
  serving: z.looseObject({ ready: z.boolean() }),
  switchedOff: z.boolean(),
  rollbackTo: digest.nullable(),
  history: z.array(z.looseObject({ revision: z.number().int(), act: z.string(), reason: z.string() })),
});

async function comparison(world: World, wish: { active?: string | undefined; shadow?: string | undefined }) {
  const models = await world.read(({ models }) => models.all());
  const shadow = wish.shadow ?? models.find(({ state }) => state === 'shadow')?.digest;
  const active = wish.active ?? models.find(({ state }) => state === 'active')?.digest;
  const cells = shadow && active ? await world.read(({ analyses }) => analyses.compared(active, shadow)) : [];
  return { active: active ?? null, shadow: shadow ?? null, ...compare(cells) };
}

async function listing(world: World) {
  const [models, changes] = await world.read((stores) => Promise.all([stores.models.all(), stores.models.changes()]));
  const found = new Map(world.modelFiles.found().map((model) => [model.digest, model]));
  const last = changes.find(({ to }) => to === 'active')?.digest;
  const standard = models.find((model) => model.digest === last);
  const { active } = placesOf(models, changes);
  const state = world.classifier.state();
  const target = rollbackTarget(changes);
  return {
    models: models.map((model) => {
      const { description, evaluation } = model;
      const served = changes.some(({ digest: one, to }) => one === model.digest && to === 'active');
      return {
        digest: model.digest,
        device: `Device/${deviceIdOf(model.digest)}`,
        name: description.name,
        version: description.version,
        created: description.created ?? null,
        notice: description.notice ?? null,
        trained: description.trained,
        state: model.state,
        addedAt: model.addedAt,
        since: changes.find((change) => change.digest === model.digest)?.at ?? model.addedAt,
        /** Its files are on the server that answers. */
        present: found.has(model.digest),
        shipped: found.get(model.digest)?.shipped ?? false,
        evaluation,
        // What was active once has passed the bar, or its override is in the history.
        shortcomings: served ? [] : shortcomings(assessed(model), standard && assessed(standard)),
        acts: actsOf(model, world.settings.demo && found.get(model.digest)?.shipped === true),
      };
    }),
    refused: world.modelFiles.refused(),
    serving: servingOf(state),
    switchedOff: 'off' in active && active.switchedOff,
    rollbackTo: target ?? null,
    history: changes.slice(0, 200),
  };
}

/** A server that has no model itself does not know whether those that have can run it. */
function servingOf(state: ClassifierState) {
  if (state.ready) return { ready: true, provider: state.provider };
  return { ready: false, reason: state.reason, ...(state.elsewhere && { elsewhere: true }) };
}

/** What the state allows; an untrained model is promoted only where it is the demo's own. */
function actsOf({ state, description }: RegisteredModel, ofDemo: boolean): string[] {
  const fit = description.trained || ofDemo;
  return acts.filter((act) => modelMoves[state][act] !== undefined && (act !== 'promote' || fit));
}

async function drift(world: World, model: RegisteredModel | undefined, wish: unknown) {
  if (!model) return { model: null, reference: null, points: [] };
  const cells = await world.read(({ analyses }) => analyses.drift(model.digest));
  const validation = model.evaluation?.validationImages;
  const measured: DriftReference | undefined = validation && { kind: 'validation', classes: validation };
  const reference = wish === 'first-weeks' || !measured ? firstWeeks(cells) : measured;
  return { model: model.digest, reference, points: driftPoints(cells, reference) };
}

async function actor(world: World, { principal, requestId, sourceAddress }: Asked): Promise<Actor> {
  const account = await world.read(({ accounts }) => accounts.byId(principal.subject));
  return { principal, name: account?.displayName ?? principal.subject, requestId, sourceAddress };
}
