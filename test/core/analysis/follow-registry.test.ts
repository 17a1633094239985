import { expect, test } from 'vitest';
import { followRegistry } from '../../../server/core/analysis/registry/follow-registry.ts';
import type { ModelFiles } from '../../../server/core/analysis/registry/model-registry.ts';
import type { Places, RegisteredModel } from '../../../server/core/analysis/registry/registered-model.ts';
import type { Reading } from '../../../server/core/world.ts';

type Registry = Pick<Reading, 'models'>;

test('what was read first is not served last, however long its reading takes', async () => {
  const model = (digest: string, state: RegisteredModel['state']) => ({ digest, state }) as RegisteredModel;
  let registry = [model('old', 'active'), model('new', 'candidate')];
  let slow: Promise<unknown> | undefined = new Promise((done) => setTimeout(done, 50));
  const stores: Registry = {
    models: {
      all: async () => {
        const [found, wait] = [registry, slow];
        slow = undefined;
        await wait;
        return found;
      },
      changes: () => Promise.resolve([]),
      revision: () => Promise.resolve(0),
      shadow: () => Promise.resolve(undefined),
    },
  };
  const served: Places['active'][] = [];
  const modelFiles: ModelFiles = {
    scan: () => Promise.resolve(),
    found: () => [],
    refused: () => [],
    prepare: () => Promise.reject(new Error('nothing is prepared here')),
    serve: ({ active }) => Promise.resolve(void served.push(active)),
    lacking: () => false,
  };
  const world = { modelFiles, read: <T>(work: (stores: Registry) => Promise<T>) => work(stores) };
  const looking = followRegistry(world); // as every process does from time to time
  await Promise.resolve();
  registry = [model('old', 'retired'), model('new', 'active')]; // an administrator changes it meanwhile
  await Promise.all([looking, followRegistry(world)]);
  expect(served.at(-1)).toEqual({ digest: 'new' });
});
