// A worker process that takes a job and never ends it: tests kill it to see what becomes of the job.
import type { Job } from '../../server/core/jobs.ts';
import { startJobs } from '../../server/infrastructure/postgres/jobs/jobs.ts';

const jobs = await startJobs(process.argv[2]!, { supervise: false });
await jobs.work((process.argv[3] ?? 'analyze') as Job['kind'], 1, () => {
  process.send!('taken');
  return new Promise(() => {});
});
process.send!('ready');
