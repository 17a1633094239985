import type { Job, TakenJob } from '../../server/core/jobs.ts';

/** A job as a worker has it: by default on its first try, with more to come. */
export function taken<Given extends Job>(
  job: Given,
  how: Partial<Pick<TakenJob, 'attempt' | 'final'>> = {},
): Given & TakenJob {
  return { attempt: 1, final: false, requestId: undefined, ...job, ...how };
}
