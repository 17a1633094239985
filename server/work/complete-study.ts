import type { TakenJob } from '../core/jobs.ts';
import type { World } from '../core/world.ts';
import { completeWhenQuiet } from '../core/workflow/complete-study.ts';

/**
 * Looks at a study whose quiet time may be over.
 *
 * @param job data.imagingStudy: id of its ImagingStudy
 */
export function completeStudyJob(world: World, job: TakenJob): Promise<void> {
  return completeWhenQuiet(world, String(job.data['imagingStudy']));
}

/** Long enough that a worker under load has taken its job. */
const overdueSeconds = 30;
const mostStudies = 500;

/** Studies whose quiet time is over since long and whose job was lost. */
export async function completeOverdue(world: World): Promise<number> {
  const overdue = await world.read(({ studies }) => studies.overdue(overdueSeconds, mostStudies));
  const faults: unknown[] = [];
  for (const id of overdue) await completeWhenQuiet(world, id).catch((error: unknown) => faults.push(error));
  if (faults.length > 0) throw faults[0];
  return overdue.length;
}
