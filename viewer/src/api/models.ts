/** The registry of models (`/portal/models`), for administrators. No answer of it names a patient. */
import { jsonOf, type AuthorizedFetch } from './http.ts';

export type ModelState = 'candidate' | 'shadow' | 'active' | 'retired';
export type ModelAct = 'promote' | 'shadow' | 'withdraw' | 'retire' | 'deactivate';
type Counts = Record<string, number>;

export interface RegisteredModel {
  /** SHA-256 of the model file. */
  digest: string;
  name: string;
  version: string;
  created: string | null;
  notice: string | null;
  trained: boolean;
  state: ModelState;
  addedAt: string;
  since: string;
  /** Its files are on the server that answered. */
  present: boolean;
  shipped: boolean;
  evaluation: {
    accuracy: number;
    macroF1: number;
    externalImages: number;
    externalAuc?: number;
    testImages: Counts;
  } | null;
  /** What keeps it below the bar for activation. */
  shortcomings: { code: string; text: string }[];
  /** What its state allows. */
  acts: ModelAct[];
}

export interface ModelChange {
  revision: number;
  at: string;
  digest: string;
  act: ModelAct | 'register' | 'replace' | 'rollback';
  from: ModelState | null;
  to: ModelState;
  by: { name: string };
  reason: string;
  override?: { reason: string; shortcomings: string[] };
}

export interface ModelListing {
  models: RegisteredModel[];
  /** Folders that were not taken in. */
  refused: { folder: string; code: string; reason: string }[];
  serving: { ready: boolean; provider?: string; reason?: string; elsewhere?: boolean };
  switchedOff: boolean;
  /** Digest of the model that a roll back would bring. */
  rollbackTo: string | null;
  history: ModelChange[];
}

interface Agreement {
  count: number;
  /** 0..1 */
  agreement: number | null;
  meanDifference: number | null;
}

export interface ModelComparison extends Agreement {
  active: string | null;
  shadow: string | null;
  from: string | null;
  to: string | null;
  /** Of rows (active) and columns (shadow) of `confusion`. */
  answers: string[];
  confusion: number[][];
  doctor: { count: number; activeAgrees: number; shadowAgrees: number };
  groups: (Agreement & { modality: string; scanner: string })[];
}

export interface DriftPoint {
  /** `2026-W48` */
  week: string;
  /** null: all scanners. */
  scanner: string | null;
  count: number;
  rates: Counts;
  meanProbability: number | null;
  distance: { mean: number; median: number; p95: number }[];
  verdicts: { agree: number; partly: number; disagree: number };
  overrideRate: number | null;
  /** null where it would be noise; `noPsi` says why. */
  psi: number | null;
  /** What chance alone exceeds in 5 of 100 weeks. */
  psiByChance: number | null;
  noPsi: { code: 'too-few-images'; window: 'week' | 'reference'; images: number; needed: number } | null;
}

export interface ModelDrift {
  model: string | null;
  reference: { kind: 'validation' | 'first-weeks'; weeks?: string[] } | null;
  points: DriftPoint[];
}

export type DriftReference = 'validation' | 'first-weeks';

export interface ModelsClient {
  list(signal?: AbortSignal): Promise<ModelListing>;
  comparison(shadow: string, signal?: AbortSignal): Promise<ModelComparison>;
  drift(model: string, reference: DriftReference, signal?: AbortSignal): Promise<ModelDrift>;
  change(digest: string, act: ModelAct, reason: string, override?: string): Promise<ModelListing>;
  rollBack(reason: string): Promise<ModelListing>;
  rescan(): Promise<ModelListing>;
}

export function modelsClient(send: AuthorizedFetch, base: string): ModelsClient {
  const get = async <T>(path: string, signal?: AbortSignal) =>
    jsonOf<T>(await send(base + path, { headers: { Accept: 'application/json' }, signal }));
  // Starting a model with its self-test takes seconds on a busy machine.
  const post = async (path: string, body: object) =>
    jsonOf<ModelListing>(
      await send(base + path, {
        method: 'POST',
        headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        timeout: 120_000,
      }),
    );
  return {
    list: (signal) => get('', signal),
    comparison: (shadow, signal) => get(`/comparison?shadow=${encodeURIComponent(shadow)}`, signal),
    drift: (model, reference, signal) =>
      get(`/drift?model=${encodeURIComponent(model)}&reference=${reference}`, signal),
    change: (digest, act, reason, override) => post(`/${digest}/${act}`, { reason, ...(override && { override }) }),
    rollBack: (reason) => post('/rollback', { reason }),
    rescan: () => post('/rescan', {}),
  };
}
