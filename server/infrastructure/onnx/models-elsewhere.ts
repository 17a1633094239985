import type { ClassifierState, SwitchedClassifier } from '../../core/analysis/classifier.ts';
import { Problem } from '../../core/problem.ts';
import { modelFiles, type ModelFilesOptions, type ServedModels } from './model-files.ts';

/**
 * The model folders in a process that serves no model: others on the same database do. It knows what the registry
 * says, and tests a model only when a person wants it taken in or activated, in a process that ends with the test.
 */
export function modelsElsewhere(options: Omit<ModelFilesOptions, 'workers' | 'testOnWish'>): ServedModels {
  const { files } = modelFiles({ ...options, testOnWish: true });
  const none: ClassifierState = { ready: false, reason: 'no model runs in the shadow' };
  let active: ClassifierState = { ready: false, reason: 'starting' };
  let shadow = none;
  return {
    files: {
      ...files,
      async prepare(digest) {
        const trial = await files.prepare(digest, 'shadow'); // one session, beside everything else
        await trial.discard();
        return { provider: undefined, discard: () => undefined };
      },
      serve(places, registered = []) {
        if ('digest' in places.active) {
          const { digest } = places.active;
          const model = registered.find((one) => one.digest === digest)?.description;
          active = { ready: false, elsewhere: true, reason: runsElsewhere, ...(model && { model }) };
        } else {
          active = { ready: false, reason: places.active.off, switchedOff: places.active.switchedOff };
        }
        shadow = places.shadow === undefined ? none : { ready: false, elsewhere: true, reason: runsElsewhere };
        return Promise.resolve();
      },
      lacking: () => false,
    },
    classifier: classifierElsewhere(() => active),
    shadow: classifierElsewhere(() => shadow),
  };
}

const runsElsewhere = 'The workers run the model; ask their /readyz whether they can.';

function classifierElsewhere(state: () => ClassifierState): SwitchedClassifier {
  const classify: SwitchedClassifier['classify'] = () =>
    Promise.reject(new Problem('exception', 'This process runs no model: analyses are jobs of workers.'));
  return {
    state,
    classify,
    hold: () => ({ state, classify, release: () => undefined }),
    idle: () => Promise.resolve(),
  };
}
