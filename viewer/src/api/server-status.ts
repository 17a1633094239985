/**
 * What the server says about itself to everybody (`GET /api/status`): mode and model facts, no health
 * data. Figures on pages come from here or are not shown.
 */
import { asFailure, failureOf } from './failure.ts';
import { jsonOf } from './http.ts';

export interface ServerStatus {
  mode: 'demo' | 'production';
  siteName: string | undefined;
  /** Whether the site has one, at `/api/logo`. */
  logo: boolean;
  /** BCP 47: those of the site, the usual one first; empty if nobody has said. */
  languages: string[];
  /** Whose day it is on our pages: the site's. */
  timeZone: string | undefined;
  /** 0..1 */
  confidenceThreshold: number | undefined;
  model: ModelFacts | undefined;
  /** Minutes after which a page that nobody uses is covered; 0: never. */
  idleMinutes: number;
}

export interface ModelFacts {
  name: string | undefined;
  version: string | undefined;
  /** False: the head of the model is untrained, its results test the pipeline only. */
  trained: boolean;
  /** What runs it: `cpu`, `cuda`. */
  provider: string | undefined;
  /** 0..1, from the stored evaluation of the model file; undefined when the server names none. */
  accuracy: number | undefined;
  /** On how many images that was measured. */
  testImages: number | undefined;
}

export async function serverStatus(signal?: AbortSignal, send: typeof fetch = globalThis.fetch): Promise<ServerStatus> {
  try {
    const response = await send('/api/status', { headers: { Accept: 'application/json' }, signal: signal ?? null });
    if (!response.ok) throw await failureOf(response);
    return statusFrom(await jsonOf<unknown>(response));
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw asFailure(thrown);
  }
}

/** Takes what has the right type and leaves the rest out: a missing figure is not shown, never guessed. */
export function statusFrom(body: unknown): ServerStatus {
  const status = record(body);
  const model = record(status.model);
  return {
    mode: status.mode === 'demo' ? 'demo' : 'production',
    siteName: textOf(status.siteName),
    logo: status.logo === true,
    languages: Array.isArray(status.languages) ? status.languages.filter((tag) => typeof tag === 'string') : [],
    timeZone: textOf(status.timeZone),
    confidenceThreshold: fraction(status.confidenceThreshold),
    idleMinutes: typeof status.idleMinutes === 'number' && status.idleMinutes >= 0 ? status.idleMinutes : 15,
    model:
      typeof status.model === 'object' && status.model !== null
        ? {
            name: textOf(model.name),
            version: textOf(model.version),
            trained: model.trained === true,
            provider: textOf(model.provider),
            accuracy: fraction(model.accuracy),
            testImages: typeof model.testImages === 'number' && model.testImages > 0 ? model.testImages : undefined,
          }
        : undefined,
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fraction(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined;
}
