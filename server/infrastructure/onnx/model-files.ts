import { randomUUID } from 'node:crypto';
import { cp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundModel, Places, RefusedModel } from '../../core/analysis/registered-model.ts';
import type { ModelFiles, SwitchedClassifier } from '../../core/ports.ts';
import { Problem } from '../../core/problem.ts';
import { checkModel } from './check-model.ts';
import { startClassifier } from './classifier.ts';
import { classifierSwitch, type ClassifierSwitch, type StartedModel } from './switched-classifier.ts';

export interface ModelFilesOptions {
  /** The model that came with this release. */
  shippedFolder: string;
  /** Each folder in it is a model; it need not exist. */
  modelsFolder: string;
  /** Execution providers, in the order in which they are tried. */
  providers: readonly string[];
  /** Worker threads of the active model; the shadow has one. */
  workers?: number;
  /** Images in one run on an accelerator: see `startClassifier`. */
  batch?: { size: number; delayMs: number };
  onFault: (error: unknown) => void;
}

interface KnownFolder extends FoundModel {
  folder: string;
}

export interface ServedModels {
  files: ModelFiles & { close(): Promise<void> };
  classifier: SwitchedClassifier;
  shadow: SwitchedClassifier;
}

/** The model folders of this machine and the two places that serve models out of them. Starts nothing by itself. */
export function modelFiles(options: ModelFilesOptions): ServedModels {
  let found = new Map<string, KnownFolder>();
  let refused: RefusedModel[] = [];
  const active = classifierSwitch('starting');
  const shadow = classifierSwitch('no model runs in the shadow');
  /** Started ahead by `prepare`, not yet in a place. */
  const prepared = new Map<string, StartedModel>();
  let serving: Promise<void> = Promise.resolve();

  async function start(digest: string, workers: number | undefined): Promise<StartedModel> {
    const known = found.get(digest);
    if (!known)
      throw new Problem('business-rule', `The files of the model ${digest.slice(0, 12)} are not on this server.`);
    const classifier = await startClassifier({
      folder: known.folder,
      providers: options.providers,
      ...(workers === undefined ? {} : { workers }),
      ...(options.batch && { batch: options.batch }),
    });
    const state = classifier.state();
    if (state.ready && state.model.model.sha256 === digest) return { digest, classifier };
    await classifier.close();
    const reason = state.ready ? 'its folder holds another model now' : state.reason;
    throw new Problem('business-rule', `The model cannot run on this server: ${reason}`);
  }

  async function fill(place: ClassifierSwitch, digest: string, workers: number | undefined): Promise<void> {
    if (place.digest === digest) return;
    const ready = prepared.get(digest);
    prepared.delete(digest);
    try {
      place.turn(ready ?? (await start(digest, workers)));
    } catch (error) {
      // The registry wants this model: going on with the one before would serve what was replaced.
      if (!(error instanceof Problem)) options.onFault(error);
      place.turn({ reason: error instanceof Problem ? error.message : 'the model could not be started' });
    }
  }

  async function serve(places: Places): Promise<void> {
    if ('digest' in places.active) {
      await fill(active, places.active.digest, options.workers);
      await keepShipped(places.active.digest);
    } else {
      const { off, switchedOff } = places.active;
      const nothing = !switchedOff && found.size === 0 ? refused[0]?.reason : undefined;
      active.turn({ reason: nothing ?? off, switchedOff });
    }
    if (places.shadow === undefined) shadow.turn({ reason: 'no model runs in the shadow' });
    else await fill(shadow, places.shadow, 1);
  }

  /** A later release ships another model in this place; the one in service must not be gone then. */
  async function keepShipped(digest: string): Promise<void> {
    const known = found.get(digest);
    if (!known?.shipped) return;
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
    async scan(known) {
      const seen = new Map<string, KnownFolder>();
      const bad: RefusedModel[] = [];
      for (const { folder, shipped } of await foldersOf(options)) {
        // The very first model is tested when it is started, a moment later.
        const tested = shipped && known.size === 0 ? 'all' : known;
        const model = await checkModel(folder, { shipped, providers: options.providers, tested });
        if ('code' in model) bad.push(model);
        else if (!seen.has(model.digest)) seen.set(model.digest, { ...model, folder });
      }
      found = seen;
      refused = bad;
    },
    found: () => [...found.values()].map(({ folder: _folder, ...model }) => model),
    refused: () => refused,
    async prepare(digest) {
      const standing = active.digest === digest ? active.state() : undefined;
      if (standing?.ready) return { provider: standing.provider, discard: () => undefined };
      const started = await start(digest, options.workers);
      prepared.set(digest, started);
      const state = started.classifier.state();
      return {
        provider: state.ready ? state.provider : 'none',
        discard() {
          if (prepared.get(digest) !== started) return;
          prepared.delete(digest);
          void started.classifier.close();
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

/** The shipped folder first: of two folders with one model, it is the one that counts. */
async function foldersOf({
  shippedFolder,
  modelsFolder,
}: ModelFilesOptions): Promise<{ folder: string; shipped: boolean }[]> {
  const entries = await readdir(modelsFolder, { withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.includes('.part-'))
    .map(({ name }) => name);
  return [
    { folder: shippedFolder, shipped: true },
    ...names.sort().map((name) => ({ folder: join(modelsFolder, name), shipped: false })),
  ];
}
