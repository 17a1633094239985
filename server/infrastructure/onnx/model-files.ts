import { randomUUID } from 'node:crypto';
import { cp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  type FoundModel,
  type Places,
  type RefusalCode,
  type RefusedModel,
  remedies,
} from '../../core/analysis/registry/registered-model.ts';
import type { ModelFiles } from '../../core/analysis/registry/model-registry.ts';
import type { SwitchedClassifier } from '../../core/analysis/classifier.ts';
import { Problem } from '../../core/problem.ts';
import { checkModel } from './check-model.ts';
import { type ClassifierOptions, startClassifier } from './classifier.ts';
import { classifierSwitch, type ClassifierSwitch, type StartedModel } from './switched-classifier.ts';

export interface ModelFilesOptions {
  /** The model that came with this release. */
  shippedFolder: string;
  /** Further models of this release: candidates, never active by themselves. */
  candidateFolders?: readonly string[];
  /** Each folder in it is a model; it need not exist. */
  modelsFolder: string;
  /** Execution providers, in the order in which they are tried. */
  providers: readonly string[];
  /** Sessions of the active model on the CPU; the shadow has one. */
  workers?: number;
  /** Images in one run on an accelerator: see `startClassifier`. */
  batch?: { size: number; delayMs: number };
  /** Limits of a session process: see `startClassifier`. */
  session?: Pick<ClassifierOptions, 'startMs' | 'memoryMiB' | 'sessionScript'>;
  /** Self-tests of new models are made only when a person asks to look again. */
  testOnWish?: boolean;
  onFault: (error: unknown) => void;
}

interface KnownFolder extends FoundModel {
  folder: string;
}

/** Codes of self-tests, which may fail for a passing reason. */
const trials: RefusalCode[] = ['self-test', 'crash', 'timeout', 'memory'];

export interface ServedModels {
  files: ModelFiles & { close(): Promise<void> };
  classifier: SwitchedClassifier;
  shadow: SwitchedClassifier;
}

/** The model folders of this machine and the two places that serve models out of them. Starts nothing by itself. */
export function modelFiles(options: ModelFilesOptions): ServedModels {
  let found = new Map<string, KnownFolder>();
  let refused: (RefusedModel & { shipped: boolean })[] = [];
  const active = classifierSwitch('starting');
  const shadow = classifierSwitch('no model runs in the shadow');
  /** Started ahead by `prepare`, not yet in a place. */
  const prepared = new Map<string, StartedModel>();
  let serving: Promise<void> = Promise.resolve();
  let lacking = false;

  type Seats = Pick<ClassifierOptions, 'workers' | 'background' | 'giveWay'>;
  const ofActive: Seats = options.workers === undefined ? {} : { workers: options.workers };
  /** Beside work that a person waits for, only when there is none. */
  const ofShadow: Seats = { workers: 1, background: true, giveWay: active.idle };

  async function start(digest: string, seats: Seats): Promise<StartedModel> {
    const known = found.get(digest);
    if (!known) throw absent(digest, refused);
    const { providers, batch, session } = options;
    const classifier = await startClassifier({
      folder: known.folder,
      digest,
      providers,
      ...seats,
      ...(batch && { batch }),
      ...session,
    });
    const state = classifier.state();
    if (state.ready) return { digest, classifier };
    await classifier.close();
    throw cannotRun(state.reason, state.code ?? 'self-test');
  }

  /** @returns whether the place serves that model now. */
  async function fill(place: ClassifierSwitch, digest: string, seats: Seats): Promise<boolean> {
    if (place.digest === digest) return true;
    const ready = prepared.get(digest);
    prepared.delete(digest);
    try {
      place.turn(ready ?? (await start(digest, seats)));
      return true;
    } catch (error) {
      // The registry wants this model: going on with the one before would serve what was replaced.
      if (!(error instanceof Problem)) options.onFault(error);
      const reason = error instanceof Problem ? error.message : 'the model could not be started.';
      place.turn({ reason: `${reason} ${triedAgain}` });
      return false;
    }
  }

  async function serve(places: Places): Promise<void> {
    const full: boolean[] = [];
    if ('digest' in places.active) {
      full.push(await fill(active, places.active.digest, ofActive));
      await keepReleased(places.active.digest);
    } else {
      const { off, switchedOff } = places.active;
      // At the first start the shipped model becomes active; there is nothing to wait for if it is there and did not.
      const shipped = switchedOff ? undefined : refused.find((one) => one.shipped);
      const reason = shipped ? `${cannotRun(shipped.reason, shipped.code).message} ${triedAgain}` : off;
      active.turn({ reason, switchedOff });
      full.push(!shipped);
    }
    if (places.shadow === undefined) shadow.turn({ reason: 'no model runs in the shadow' });
    else full.push(await fill(shadow, places.shadow, ofShadow));
    lacking = full.includes(false);
  }

  /** A later release brings other models in their places; the one in service must not be gone then. */
  async function keepReleased(digest: string): Promise<void> {
    const known = found.get(digest);
    if (!known || dirname(known.folder) === resolve(options.modelsFolder)) return;
    const copy = join(
      options.modelsFolder,
      `${known.description.name}-${known.description.version}-${digest.slice(0, 12)}`,
    );
    const half = `${copy}.part-${randomUUID()}`;
    const kept = () => stat(copy).then(() => true, () => false); // prettier-ignore
    if (await kept()) return;
    try {
      await cp(known.folder, half, { recursive: true });
      await rename(half, copy);
    } catch (error) {
      await rm(half, { recursive: true, force: true }).catch(options.onFault);
      if (!(await kept())) options.onFault(error); // else another process was faster
    }
  }

  const files: ServedModels['files'] = {
    async scan(known, { again } = { again: true }) {
      const seen = new Map<string, KnownFolder>();
      const bad: typeof refused = [];
      const before = again ? [] : refused.filter(({ code }) => trials.includes(code));
      const failed = new Map(before.map((one) => [one.digest ?? '', one]));
      const { providers, session } = options;
      for (const { folder, shipped } of await foldersOf(options)) {
        // The very first model is tested when it is started, a moment later.
        const untested = (shipped && known.size === 0) || (options.testOnWish === true && !again);
        const tested = untested ? 'all' : known;
        const model = await checkModel(folder, { shipped, providers, tested, failed, ...(session && { session }) });
        if ('code' in model) bad.push({ ...model, shipped });
        else if (!seen.has(model.digest)) seen.set(model.digest, { ...model, folder });
      }
      found = seen;
      refused = bad;
    },
    found: () => [...found.values()].map(({ folder: _folder, ...model }) => model),
    refused: () => refused.map(({ shipped: _shipped, ...one }) => one),
    lacking: () => lacking,
    async prepare(digest, place) {
      const standing = place === 'active' && active.digest === digest ? active.state() : undefined;
      if (standing?.ready) return { provider: standing.provider, discard: () => undefined };
      const started = await start(digest, place === 'active' ? ofActive : ofShadow);
      prepared.set(digest, started);
      const state = started.classifier.state();
      return {
        provider: state.ready ? state.provider : 'none',
        discard() {
          if (prepared.get(digest) !== started) return undefined;
          prepared.delete(digest);
          return started.classifier.close();
        },
      };
    },
    serve(places) {
      const done = serving.then(() => serve(places));
      serving = done.catch(() => undefined);
      return done;
    },
    async close() {
      await serving;
      await Promise.all([
        active.close(),
        shadow.close(),
        ...[...prepared.values()].map(({ classifier }) => classifier.close()),
      ]);
    },
  };
  return { files, classifier: active, shadow };
}

const triedAgain =
  'The server tries again by itself, at the latest after 5 minutes; “Look for new models” on the page Models tries at once.';

function cannotRun(reason: string, code: RefusalCode): Problem {
  return new Problem('business-rule', `The model cannot run on this server: ${reason}. ${remedies[code]}`);
}

/** Its folder may be here, but refused. */
function absent(digest: string, refused: readonly RefusedModel[]): Problem {
  const damaged = refused.find((one) => one.digest === digest);
  if (damaged) return cannotRun(damaged.reason, damaged.code);
  const sentence = `The files of the model ${digest.slice(0, 12)} are not on this server.`;
  return new Problem('business-rule', `${sentence} ${remedies.absent}`);
}

/** Those of the release first: of two folders with one model, it is the one that counts. */
async function foldersOf({
  shippedFolder,
  candidateFolders = [],
  modelsFolder,
}: ModelFilesOptions): Promise<{ folder: string; shipped: boolean }[]> {
  const entries = await readdir(modelsFolder, { withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.includes('.part-'))
    .map(({ name }) => name);
  return [
    { folder: shippedFolder, shipped: true },
    ...candidateFolders.map((folder) => ({ folder, shipped: false })),
    ...names.sort().map((name) => ({ folder: join(modelsFolder, name), shipped: false })),
  ];
}
