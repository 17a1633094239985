import Router, { type RouterContext } from '@koa/router';
import type { Middleware } from 'koa';
import { z } from 'zod';
import { hasRow } from '../core/access/refusal-log.ts';
import type { AuditRow } from '../core/access/audit-trail.ts';
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
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import { readJson } from '../http/request/body-text.ts';
import type { State } from '../http/state.ts';
import { own } from '../core/table.ts';

export interface ModelRoutesParts {
  world: World;
  bearer: Middleware<State>;
  /** Answers problems as OperationOutcome. */
  errors: Middleware;
  refusals?: Middleware<State>;
}

type Context = RouterContext<State>;

const acts = ['promote', 'shadow', 'withdraw', 'retire', 'deactivate'] as const;
const words = z.string().trim().min(3, 'needs a few words').max(1000);
const wanted = z.strictObject({ reason: words, override: words.optional() });
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is a SHA-256 in lower-case hex');
const largestBody = 16 * 1024;

/**
 * The registry of models for administrators: list, promote, roll back, switch off, shadow, compare, drift.
 * Everything needs the role admin and a scope on Device; each call leaves an audit row, refused ones too.
 */
export function modelRoutes({ world, bearer, errors, refusals }: ModelRoutesParts): Router<State> {
  const router = new Router<State>({ prefix: '/portal/models' });
  router.use(errors as Middleware<State>, ...(refusals ? [refusals] : []), bearer, audited(world));

  router.get('/', async (ctx) => {
    ctx.body = await listing(world);
  });
  router.get('/comparison', async (ctx) => {
    const models = await world.read(({ models }) => models.all());
    const shadow = asked(ctx, 'shadow') ?? models.find(({ state }) => state === 'shadow')?.digest;
    const active = asked(ctx, 'active') ?? models.find(({ state }) => state === 'active')?.digest;
    const cells = shadow && active ? await world.read(({ analyses }) => analyses.compared(active, shadow)) : [];
    ctx.body = { active: active ?? null, shadow: shadow ?? null, ...compare(cells) };
  });
  router.get('/drift', async (ctx) => {
    const models = await world.read(({ models }) => models.all());
    const model = asked(ctx, 'model') ?? models.find(({ state }) => state === 'active')?.digest;
    ctx.body = await drift(
      world,
      models.find((one) => one.digest === model),
      ctx.query['reference'],
    );
  });
  router.post('/rescan', async (ctx) => {
    await rescan(world);
    ctx.body = await listing(world);
  });
  router.post('/rollback', async (ctx) => {
    const { reason } = await body(ctx);
    await rollBack(world, await actor(world, ctx), reason);
    ctx.body = await listing(world);
  });
  router.post(`/:digest/:act`, async (ctx) => {
    const act = acts.find((name) => name === ctx.params['act']);
    if (!act) throw new Problem('not-found', 'There is nothing at this address.');
    const named = parsed(digest, ctx.params['digest'], 'digest');
    const { reason, override } = await body(ctx);
    await changeModel(world, await actor(world, ctx), { act, digest: named, reason, ...(override && { override }) });
    ctx.body = await listing(world);
  });
  return router;
}

/** Lets administrators pass, and writes down who asked for what and how it ended. */
function audited(world: World): Middleware<State> {
  return async (ctx, next) => {
    const { principal, requestId, clientAddress: sourceAddress } = ctx.state;
    const changes = ctx.method === 'POST';
    const last = ctx.path.split('/').at(-1)!;
    const event = `portal:models${/^[a-z]{1,20}$/.test(last) && last !== 'models' ? `-${last}` : ''}`;
    const row = { action: changes ? 'E' : 'R', event, principal, requestId, sourceAddress } as const;
    const note = (outcome: AuditRow['outcome']) => world.read(({ audit }) => audit.append({ ...row, outcome }));
    ctx.set('Cache-Control', 'no-store');
    try {
      if (principal.role !== 'admin') throw new Problem('forbidden', 'Models are for the role admin.');
      const narrowing = narrow(principal, 'Device', changes ? 'update' : 'read');
      if (narrowing.kind !== 'all') throw new Problem('forbidden', 'The token does not reach the registry of models.');
      await next();
    } catch (error) {
      const refused = error instanceof Problem && error.code === 'forbidden';
      hasRow(error);
      await note(refused ? 'refused' : 'failed');
      throw error;
    }
    await note('success');
  };
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

function asked(ctx: Context, name: string): string | undefined {
  const value = own(ctx.query, name);
  return value === undefined || value === '' ? undefined : parsed(digest, value, name);
}

async function actor(world: World, ctx: Context): Promise<Actor> {
  const { principal, requestId, clientAddress: sourceAddress } = ctx.state;
  const account = await world.read(({ accounts }) => accounts.byId(principal.subject));
  return { principal, name: account?.displayName ?? principal.subject, requestId, sourceAddress };
}

/** @throws Problem `media-type`, `too-long`, `structure`, `value`. */
async function body(ctx: Context): Promise<z.infer<typeof wanted>> {
  const json = await readJson(ctx, largestBody, 'The body must be JSON: {"reason": "..."}.');
  return parsed(wanted, json, 'body');
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Problem('value', `${[name, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'is not valid'}.`);
}
