// A second server process that takes one analysis and stops at the moment that it is told, to be killed there.
import { compose } from '../../server/compose.ts';
import { readConfig } from '../../server/config.ts';
import type { World } from '../../server/core/world.ts';
import { createLogger } from '../../server/log.ts';
import { analyze } from '../../server/work/analyze.ts';

export type Moment = 'running' | 'before-commit' | 'after-commit';
const moment = process.argv[2] as Moment;
const url = process.argv[3]!;

const log = createLogger('error');
const system = await compose(readConfig(process.env), url, log, () => {});
const stopHere = () => {
  process.send!('there');
  return new Promise<never>(() => {});
};
let transactions = 0;
/** The second transaction writes the result. */
const world: World = {
  ...system.world,
  async transaction(work) {
    const isResult = ++transactions === 2;
    const result = await system.world.transaction(async (stores) => {
      const done = await work(stores);
      if (isResult && moment === 'before-commit') await stopHere();
      return done;
    });
    if (isResult && moment === 'after-commit') await stopHere();
    return result;
  },
  classifier:
    moment === 'running'
      ? { ...system.world.classifier, hold: () => ({ ...system.world.classifier.hold(), classify: stopHere }) }
      : system.world.classifier,
};
await system.jobs.work('analyze', 1, (job) => analyze(world, job));
process.send!('ready');
