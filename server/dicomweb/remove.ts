import { isRemovalReason, reasonTexts } from '../core/studies/removal-reasons.ts';
import { removePart } from '../core/studies/remove.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import { asking, partOf, single, type Exchange } from './exchange.ts';

/**
 * `DELETE` of a study, series or instance with `?reason=`: 204. The standard has no such transaction; that it says
 * why in the words of rejection notes (CID 7011) is ours.
 */
export function remove(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const reason = single(ctx.query['reason']);
    if (!isRemovalReason(reason))
      throw new Problem('value', `Say why they are deleted: ?reason= with one of ${reasonTexts}`);
    await removePart(world, asking(ctx), partOf(ctx), reason);
    ctx.set('Cache-Control', 'no-store');
    ctx.status = 204;
  };
}
