import type { World, WritesTo } from '../core/world.ts';

/** Messages that ended long ago leave the page; what was said to a patient stays, as a Communication. */
export function forgetDeliveries(world: Pick<World, 'settings'> & WritesTo<'deliveries'>): Promise<number> {
  return world.transaction(({ deliveries }) => deliveries.forget(world.settings.deliveryRetentionDays));
}
