// A worker process that takes a job and never ends it: jobs.test.ts kills it to see the job come back.
import { startJobs } from '../../server/infrastructure/postgres/jobs.ts';

const jobs = await startJobs(process.argv[2]!, { supervise: false });
await jobs.work('analyze', 1, () => {
  process.send!('taken');
  return new Promise(() => {});
});
process.send!('ready');
