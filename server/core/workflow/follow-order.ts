import type { ServiceRequest } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { searchOwn } from '../records/own-search.ts';
import type { Rule } from '../records/rules.ts';
import type { Kept } from '../records/server-write.ts';
import { referenceTo } from '../r4/pointer.ts';
import { reasonConcept, statusOf } from '../vocabulary/review-codes.ts';
import type { WriteContext } from '../world.ts';
import { cancelReview } from './cancel-review.ts';
import { transitions } from './scan-review.ts';

const withdrawn = ['revoked', 'entered-in-error'];
const mostReviews = 100;

/**
 * The rule for orders that others keep: one that is withdrawn while a review works for it cancels that review, in the
 * same transaction. After the release there is nothing left to cancel.
 *
 * @throws Problem `conflict` for the withdrawal of an order whose report is released.
 */
export const followOrder: Rule<WriteContext> = async ({ context, before, after }) => {
  const [standing, sent] = [before as ServiceRequest | undefined, after as ServiceRequest];
  const ends = withdrawn.includes(sent.status) && standing !== undefined && !withdrawn.includes(standing.status);
  if (!ends || context.principal.kind === 'system') return { resource: after };
  const reviews = await reviewsFor(context, sent);
  const released = reviews.find((review) => statusOf(review.businessStatus) === 'REPORT_READY');
  if (released) throw afterRelease(released);
  return {
    resource: after,
    afterwards: async () => {
      for (const review of reviews) {
        const reason = { ...reasonConcept('cancelled'), text: `The order was set to ${sent.status}.` };
        if (!maybeCancelled(review)) continue;
        await cancelReview(context, referenceTo(review), reason, ({ status, coordination }) => {
          if (status === 'REPORT_READY') throw afterRelease(coordination);
        });
      }
    },
  };
};

function maybeCancelled({ businessStatus }: Kept<'Task'>): boolean {
  const status = statusOf(businessStatus);
  return status !== undefined && transitions[status].cancel !== undefined;
}

function afterRelease({ id }: Kept<'Task'>): Problem {
  return new Problem(
    'conflict',
    `The report of this order is released: it is amended by Task/${id}/$addendum, or withdrawn by Task/${id}/$retract.`,
    { expression: 'ServiceRequest.status' },
  );
}

async function reviewsFor({ stores }: WriteContext, order: ServiceRequest): Promise<Kept<'Task'>[]> {
  const ofOrder = { parameter: 'focus', values: [`ServiceRequest/${order.id}`] };
  return (await searchOwn(stores, 'Task', [ofOrder], { count: mostReviews })).found;
}
