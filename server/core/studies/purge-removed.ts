import { systemPrincipal } from '../principal.ts';
import { inOneTransaction } from '../records/write.ts';
import type { World } from '../world.ts';
import { entityOf } from './locate.ts';

/** Studies of one turn; what is more waits for the next. */
const mostStudies = 500;
/** Instances that one audit row names. */
const namedLimit = 100;

/**
 * Removes for good what was removed and is past its time, study by study: the rows go here, their bytes with the next
 * sweep of blobs that no row names. Safe to repeat, and beside senders: each study is locked.
 *
 * @returns how many instances went.
 */
export async function purgeRemoved(world: World): Promise<number> {
  const principal = systemPrincipal('purge');
  const at = world.now();
  const studies = await world.read(({ removals }) => removals.due(at, mostStudies));
  let purged = 0;
  for (const StudyInstanceUID of studies) {
    purged += await inOneTransaction(world, { principal }, async ({ stores }) => {
      const study = await stores.studies.lockStudy(StudyInstanceUID);
      const gone = await stores.removals.purge(StudyInstanceUID, at);
      if (gone.length === 0) return 0; // another process did it, or they were brought back
      const named = gone.slice(0, namedLimit).map((uid) => `studies/${StudyInstanceUID}/instances/${uid}`);
      await stores.audit.append({
        action: 'D',
        event: 'dicomweb:purge',
        outcome: 'success',
        principal,
        patients: study ? [study.patientId] : [],
        entities: [entityOf({ StudyInstanceUID }), ...named],
      });
      return gone.length;
    });
  }
  return purged;
}
