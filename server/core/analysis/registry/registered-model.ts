import type { ModelDescription } from '../model-description.ts';
import type { ModelEvaluation } from './model-evaluation.ts';
import type { ModelAct, ModelState } from './model-states.ts';

/** A model of the registry. Its files are known by digest and lie in a folder of each server's own. */
export interface RegisteredModel {
  /** SHA-256 of the model file, lower-case hex. */
  digest: string;
  state: ModelState;
  description: ModelDescription;
  /** null for an untrained model, or one that was never measured. */
  evaluation: ModelEvaluation | null;
  addedAt: Date;
}

/** One row of the history, which is only ever appended to. */
export interface ModelChange {
  /** Rises with every change of the registry. */
  revision: number;
  at: Date;
  digest: string;
  act: ModelAct;
  /** null when the model was new. */
  from: ModelState | null;
  to: ModelState;
  /** Account id or name of the server's own part, and the person's name as it was then. */
  by: { subject: string; name: string };
  reason: string;
  /** Why the model was activated although it lacks something: the administrator's words, and what it lacks. */
  override?: { reason: string; shortcomings: string[] };
}

/** A model folder that was not taken in, and why. */
export interface RefusedModel {
  /** Name of the folder, without the way to it. */
  folder: string;
  code: RefusalCode;
  /** For an administrator. */
  reason: string;
  /** The model that its model.json names, if that can be read. */
  digest?: string;
}

/**
 * `missing-file`; `description` (model.json or evaluation.json of another shape); `digest` (a file is not the one
 * that was described); `operators` (custom operators, other operator set); `shape` (inputs or outputs of another
 * form); `self-test` (it does not start, or computes something else than its known answers); `crash`, `timeout`,
 * `memory` (the process that made the self-test crashed, hung or took too much memory).
 */
export type RefusalCode =
  'missing-file' | 'description' | 'digest' | 'operators' | 'shape' | 'self-test' | 'crash' | 'timeout' | 'memory';

/** What an operator does about it; `absent`: no folder here has the model that the registry wants. */
export const remedies: Record<RefusalCode | 'absent', string> = {
  'missing-file': 'Put the folder of the model back, with all files of its release, readable for the server.',
  description: 'Put the folder of the model back as its release has it.',
  digest: 'Copy the folder of the model again from its source: the file on this disk is damaged or another one.',
  operators: 'This model cannot run here; activate another one.',
  shape: 'This model cannot run here; activate another one.',
  'self-test': 'Check that the machine has memory left and that EXECUTION_PROVIDERS names what it has.',
  crash: 'Check that the machine has memory left; if this repeats, activate another model.',
  timeout: 'Check what else keeps the machine busy; if this repeats, activate another model.',
  memory: 'If this repeats, activate another model.',
  absent: 'Put the folder of the model back into MODELS_DIR (or MODEL_DIR, MODEL_CANDIDATES).',
};
/** A model whose files are here. */
export interface FoundModel {
  digest: string;
  description: ModelDescription;
  evaluation: ModelEvaluation | null;
  /** The one that became active at the first start (`MODEL_DIR`). */
  shipped: boolean;
}

/** What the two places serve: a digest, or why not. */
export interface Places {
  active: { digest: string } | { off: string; switchedOff: boolean };
  shadow: string | undefined;
}

/** @param changes newest first. */
export function placesOf(models: readonly RegisteredModel[], changes: readonly ModelChange[]): Places {
  const active = models.find(({ state }) => state === 'active');
  const last = changes.find(({ act }) => act === 'deactivate' || act === 'promote' || act === 'rollback');
  const off =
    last?.act === 'deactivate'
      ? { off: `switched off by ${last.by.name}: ${last.reason}`, switchedOff: true }
      : { off: 'no model is active: activate one on the page Models', switchedOff: false };
  return {
    active: active ? { digest: active.digest } : off,
    shadow: models.find(({ state }) => state === 'shadow')?.digest,
  };
}

export function digestsOf(models: readonly RegisteredModel[]): Set<string> {
  return new Set(models.map(({ digest }) => digest));
}
