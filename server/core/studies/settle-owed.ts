import { systemPrincipal, type Principal } from '../principal.ts';
import type { World } from '../world.ts';
import { settleStudy } from './settle-study.ts';

/**
 * Settles a study once for all images that were stored with `settle: 'owed'`: a sender that waits for each answer before its next image
 * (C-STORE) would else make a version of the ImagingStudy for each.
 *
 * @param principal who stored them, whose quiet time counts.
 */
export async function settleOwed(world: World, principal: Principal, StudyInstanceUID: string): Promise<void> {
  await world.transaction(async (stores) => {
    const study = await stores.studies.lockStudy(StudyInstanceUID);
    const added = await stores.unsettled.take(StudyInstanceUID);
    if (!study || added.length === 0) return;
    await settleStudy({ world, stores, principal }, StudyInstanceUID, study, { added });
  });
}

/** Longer than any association leaves it. */
const overdueSeconds = 30;
const mostStudies = 500;

/** Those that a process left when it was ended. */
export async function settleOverdue(world: World): Promise<number> {
  const overdue = await world.read(({ unsettled }) => unsettled.since(overdueSeconds, mostStudies));
  const faults: unknown[] = [];
  for (const uid of overdue)
    await settleOwed(world, systemPrincipal('study-derivation'), uid).catch((error: unknown) => faults.push(error));
  if (faults.length > 0) throw faults[0];
  return overdue.length;
}
