import type { ImagingStudy, ServiceRequest } from '@medplum/fhirtypes';
import { idIn } from '../r4/pointer.ts';
import { type Kept, put } from '../records/server-write.ts';
import { withholding } from '../vocabulary/security-labels.ts';
import type { WriteContext } from '../world.ts';
import { orderIdOf } from './review-of-study.ts';

/**
 * An order that somebody gave stands: the wrong patient still needs what was ordered, and the images did not fulfil it.
 * A self-referral was made for these images only.
 */
export async function leaveOrder(
  context: WriteContext,
  coordination: Kept<'Task'>,
  study: ImagingStudy,
): Promise<void> {
  const id = idIn(coordination.focus, 'ServiceRequest');
  const order = id === undefined ? undefined : (await context.stores.records.lock('ServiceRequest', id))?.resource;
  if (order?.resourceType !== 'ServiceRequest' || id === undefined) return;
  const isOwn = id === orderIdOf(study.id!, coordination.id);
  const left: ServiceRequest = isOwn
    ? { ...order, status: 'revoked', meta: withholding(order.meta) }
    : { ...order, ...(order.status === 'completed' && { status: 'active' as const }) };
  await put(context, { ...left, id });
}
