import { draftDays } from '../core/accounts/drafts/keep-draft.ts';
import type { World } from '../core/world.ts';

/** How long people find under the bell what they were told. */
const noticeDays = 30;
/** A browser whose person has not come back to it for so long is told nothing any more. */
const subscriptionDays = 60;

/** House-keeping of what is no part of any record. @returns how much went. */
export function forgetPersonal(world: World): Promise<number> {
  return world.transaction(async ({ drafts, notices, pushes }) => {
    const gone = [
      await drafts.forget(draftDays),
      await notices.forget(noticeDays),
      await pushes.forget(subscriptionDays),
    ];
    return gone.reduce((sum, count) => sum + count, 0);
  });
}
