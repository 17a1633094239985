import { isUid } from '../core/dicom/uid.ts';
import { nativeXml } from '../core/dicom/native-xml.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import type { InstanceOutcome } from '../core/studies/outcome.ts';
import { defaultBudget, imageInflation, type Budget } from '../http/budget.ts';
import { clientGone } from '../http/request/client-gone.ts';
import { StoreBatches } from '../core/studies/store-batches.ts';
import { mustBeAllowedToStore, receiveInstance } from '../core/studies/store-instance.ts';
import { mediaType } from '../http/answer/media-type.ts';
import { multipartRelated } from '../http/request/multipart-related.ts';
import { bodyOf } from '../http/request/body.ts';
import { accepted, asking, type Exchange } from './exchange.ts';
import { composedInstances, type Composed } from './store-metadata.ts';
import { inStudies, storeResponse, storeStatus, type StoredAt } from './store-response.ts';

export interface StoreParts {
  world: World;
  /** Bytes of one instance; 4 GiB by default. */
  instanceLimit?: number;
  /** Of one request. */
  budget?: Pick<Budget, 'storeBytes' | 'parts'>;
}

export const storeOffers = [
  { name: 'json', media: 'application/dicom+json' },
  { name: 'json', media: 'application/json' },
  { name: 'xml', media: 'application/dicom+xml' },
  { name: 'xml', media: 'multipart/related', part: 'application/dicom+xml' },
] as const;

/** STOW-RS (PS3.18 10.5): `POST /studies` and `POST /studies/{study}`. */
export function store(parts: StoreParts) {
  const { world } = parts;
  const budget = storeBudget(parts);
  return async (ctx: Exchange): Promise<void> => {
    const { study } = ctx.params;
    if (study !== undefined && !isUid(study)) throw new Problem('value', 'The path holds something that is not a UID');
    mustBeAllowedToStore(ctx.state.principal);
    const [choice] = accepted(ctx, storeOffers);
    const outcomes = await storeBody(world, ctx, study, budget);
    if (outcomes.length === 0) throw new Problem('structure', 'The body holds no instance');
    const { dicomwebBaseUrl: base } = world.settings;
    answer(ctx, outcomes, base, inStudies(outcomes, base, study), choice!.name);
  };
}

/** What one request may bring. */
export function storeBudget({ instanceLimit = 4 * 2 ** 30, budget = defaultBudget }: StoreParts): StoreBudget {
  return { ...budget, instanceBytes: instanceLimit };
}

export type StoreBudget = Pick<Budget, 'storeBytes' | 'parts'> & { instanceBytes: number };

async function storeBody(
  world: World,
  ctx: Exchange,
  studyUID: string | undefined,
  budget: StoreBudget,
): Promise<InstanceOutcome[]> {
  const signal = clientGone(ctx.res);
  const onFault = (error: unknown) => ctx.app.emit('error', error, ctx);
  const options = { ...asking(ctx), onFault, ...(studyUID !== undefined && { studyUID }) };
  const batches = new StoreBatches(world, ctx.state.principal, options);
  try {
    for await (const body of bodies(world, ctx, budget)) {
      signal.throwIfAborted();
      const limit = budget.instanceBytes;
      await batches.add('refused' in body ? body : await receiveInstance(world, body, { limit, signal }));
    }
    await batches.flush();
    return batches.outcomes;
  } finally {
    await batches.discard();
  }
}

/** The instances of a body: the parts of a multipart one, what its metadata and bulk data make, or the body itself. */
export async function* bodies(world: World, ctx: Exchange, budget: StoreBudget): AsyncGenerator<Composed> {
  const type = mediaType(ctx.get('Content-Type'));
  if (type?.media === 'application/dicom') {
    yield bodyOf(ctx.req, budget.storeBytes, imageInflation, { lent: true });
    return;
  }
  const part = type?.parameters.get('type')?.toLowerCase().split(';')[0]?.trim() ?? 'application/dicom';
  const form = partForms.find((one) => one === part);
  if (type?.media !== 'multipart/related' || form === undefined)
    throw new Problem(
      'media-type',
      `Send application/dicom, or multipart/related with type="${partForms.join('", type="')}"`,
    );
  const boundary = type.parameters.get('boundary');
  if (boundary === undefined || boundary === '' || boundary.length > 200)
    throw new Problem('structure', 'Content-Type names no boundary');
  // Metadata and bulk data are kept until they make a file.
  const lent = form === 'application/dicom';
  const source = bodyOf(ctx.req, budget.storeBytes, imageInflation, { lent });
  const parts = multipartRelated(source, boundary, budget.parts);
  if (form !== 'application/dicom') yield* composedInstances(world, parts, form, budget.instanceBytes);
  else for await (const { body } of parts) yield body;
}

export const partForms = ['application/dicom', 'application/dicom+json', 'application/dicom+xml'] as const;

export function answer(
  ctx: Exchange,
  outcomes: InstanceOutcome[],
  baseUrl: string,
  addresses: StoredAt,
  form: 'json' | 'xml',
): void {
  const response = storeResponse(outcomes, addresses);
  ctx.status = storeStatus(outcomes);
  ctx.set('Cache-Control', 'no-store');
  const reasons = new Set(
    outcomes.flatMap((outcome) => ('message' in outcome ? outcome.message : (outcome.warning ?? []))),
  );
  if (reasons.size > 0)
    ctx.set(
      'Warning',
      [...reasons]
        .slice(0, 3)
        .map((reason) => `299 ${new URL(baseUrl).host} "${reason.replace(/["\\]/g, '')}"`)
        .join(', '),
    );
  if (form === 'json') ctx.body = JSON.stringify(response);
  else ctx.body = nativeXml(response);
  ctx.set('Content-Type', form === 'json' ? 'application/dicom+json' : 'application/dicom+xml');
}
