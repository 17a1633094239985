import type { Patient } from '@medplum/fhirtypes';
import { everything } from '../../access/narrowing.ts';
import { systemPrincipal } from '../../principal.ts';
import { inOneTransaction } from '../../records/write.ts';
import { mergedInto } from '../../studies/study-owner.ts';
import type { World } from '../../world.ts';
import { mergePatients } from './merge-patients.ts';

/** Retired records of one turn. */
const mostPatients = 200;

/**
 * Gives what has come to a retired Patient since its merge to the survivor: an app that did not know wrote it to the
 * record that it had open, or at the very moment of the merge.
 *
 * @returns for how many Patients there was something.
 */
export async function carryOnMerges(world: World): Promise<number> {
  const ids = await world.read(({ records }) => records.retiredWithRecords(mostPatients));
  let carried = 0;
  for (const source of ids) {
    const patient = await world.read(({ records }) => records.read('Patient', source, everything));
    const target = mergedInto(patient?.resource as Patient | undefined);
    if (target === undefined) continue;
    const given = await inOneTransaction(world, { principal: systemPrincipal('merge') }, (context) =>
      mergePatients(context, { source, target }),
    );
    if (given.records + given.studies > 0) carried++;
  }
  return carried;
}
