/**
 * What can go wrong with a request, as the pages tell it apart. The server speaks OperationOutcome
 * (FHIR) everywhere; its `diagnostics` are sentences for people and are shown as they are.
 */
import type { OperationOutcome } from '@medplum/fhirtypes';
import { freshSignInOf } from './fresh-sign-in.ts';

export type FailureKind =
  | 'offline' // no answer came: no network, or the server is down
  | 'timeout'
  | 'signed-out' // 401 after one silent renewal
  | 'unconfirmed' // a fresh second factor was asked for, and none was given
  | 'forbidden'
  | 'not-found'
  | 'gone'
  | 'conflict' // 409: not possible in the present state
  | 'changed-elsewhere' // 412: somebody else was faster
  | 'invalid' // 400, 422 and other refusals of what was sent
  | 'too-large'
  | 'busy' // 429, 503
  | 'server'; // any other 5xx, or an answer that cannot be read

export class RequestFailure extends Error {
  readonly kind: FailureKind;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The server's own sentence; undefined when it gave none. */
  readonly explanation: string | undefined;
  /** In which language that sentence is; English where the server does not say. */
  readonly language: string;
  /** To quote when asking for help. */
  readonly requestId: string | undefined;
  /** Seconds until another try makes sense. */
  readonly retryAfter: number | undefined;

  constructor(kind: FailureKind, detail: Partial<Omit<RequestFailure, 'kind' | 'name' | 'message'>> = {}) {
    super(detail.explanation ?? kind);
    this.name = 'RequestFailure';
    this.kind = kind;
    this.status = detail.status ?? 0;
    this.explanation = detail.explanation;
    this.language = detail.language ?? 'en';
    this.requestId = detail.requestId;
    this.retryAfter = detail.retryAfter;
  }
}

const kinds: Record<number, FailureKind> = {
  401: 'signed-out',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  410: 'gone',
  412: 'changed-elsewhere',
  413: 'too-large',
  429: 'busy',
  503: 'busy',
};

export function failureKind(status: number): FailureKind {
  return kinds[status] ?? (status >= 500 ? 'server' : 'invalid');
}

/** The sentences of an OperationOutcome, errors first, without repeats; undefined if the body is none. */
export function explanationOf(body: unknown): string | undefined {
  if (!isOutcome(body)) return undefined;
  const rank = { fatal: 0, error: 1, warning: 2, information: 3 } as const;
  const sentences = [...body.issue]
    .sort((a, b) => rank[a.severity] - rank[b.severity])
    .map((issue) => issue.diagnostics ?? issue.details?.text)
    .filter((text): text is string => text !== undefined && text.trim() !== '');
  return sentences.length > 0 ? [...new Set(sentences)].join(' ') : undefined;
}

function isOutcome(body: unknown): body is OperationOutcome {
  const candidate = body as Partial<OperationOutcome> | null;
  return (
    typeof candidate === 'object' && candidate?.resourceType === 'OperationOutcome' && Array.isArray(candidate.issue)
  );
}

/** Reads a refusal into a failure; a body that is no OperationOutcome is left out, never shown raw. */
export async function failureOf(response: Response): Promise<RequestFailure> {
  const body: unknown = await response.json().catch(() => undefined);
  const explanation = explanationOf(body);
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const language = response.headers.get('content-language') ?? 'en';
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new RequestFailure(freshSignInOf(response) ? 'unconfirmed' : failureKind(response.status), {
    status: response.status,
    ...(explanation !== undefined && { explanation, language }),
    ...(requestId !== undefined && { requestId }),
    ...(Number.isFinite(retryAfter) && { retryAfter }),
  });
}

/** Anything thrown, as a failure: `fetch` throws TypeError when no answer came, AbortError on a time-out. */
export function asFailure(thrown: unknown): RequestFailure {
  if (thrown instanceof RequestFailure) return thrown;
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') return new RequestFailure('timeout');
  if (thrown instanceof TypeError) return new RequestFailure('offline');
  return new RequestFailure('server');
}
