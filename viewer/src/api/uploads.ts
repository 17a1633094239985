/** Bringing images from this device (`/portal/uploads`): parts by tus first, which go on after a break, then one request that stores them. */
import type { DetailedError, Upload } from 'tus-js-client';
import { failureKind, RequestFailure, type FailureKind } from './failure.ts';
import { jsonCalls } from './json-calls.ts';
import type { AuthorizedFetch, TokenSource } from './http.ts';

export interface UploadType {
  kind: 'jpeg' | 'png' | 'dicom' | 'zip';
  mediaType: string;
  endings: string[];
  /** Bytes in hexadecimal that stand at a place. */
  signature: { at: number; bytes: string };
}

/** What the server takes: one list, by which this side judges too. */
export interface UploadLimits {
  pictureBytes: number;
  picturePixels: number;
  fileBytes: number;
  keepHours: number;
  filesAtOnce: number;
  types: UploadType[];
  bodyParts: string[];
}

export interface UploadOutcome {
  upload: string;
  state: 'stored' | 'duplicate' | 'held' | 'skipped' | 'refused';
  /** A word for the reason. */
  why?: string;
  /** FHIR id of the ImagingStudy. */
  study?: string;
  ask?: true;
  says?: string[];
  contents?: { leftOut: number; stored?: number; duplicate?: number; held?: number; refused?: number };
}

export interface StoreRequest {
  files: { upload: string; confirmed?: boolean }[];
  patient?: string;
  examination: string;
  modality?: string;
  bodyPart?: string;
  takenOn?: string;
  note?: string;
}

/** One file on its way. */
export interface Transfer {
  /** Begins, or goes on where it ended. */
  start(): void;
  pause(): void;
  /** Ends it, and has the server forget its parts. */
  cancel(): Promise<void>;
}

export interface TransferEvents {
  onProgress(sent: number): void;
  /** All of it is there. */
  onDone(upload: string): void;
  /** It rests: the line is gone or the session has ended (then it goes on by `start`), or the server refuses it. */
  onRest(failure: RequestFailure): void;
}

export interface UploadsClient {
  limits(signal?: AbortSignal): Promise<UploadLimits>;
  store(request: StoreRequest): Promise<{ files: UploadOutcome[] }>;
  transfer(file: Blob, mediaType: string, events: TransferEvents): Promise<Transfer>;
}

/** Bytes of a part: what proxies in front of servers take without being told. */
const partBytes = 1 << 20;
/** Milliseconds between tries of a part; progress begins them anew. */
const tries = [0, 1000, 3000, 5000, 10_000, 20_000];
/** Storing a folder of a thousand images, or unpacking an archive. */
const storeMs = 900_000;
/** What another try may mend: no answer, a time-out, or too much at once. */
const passing: ReadonlySet<FailureKind> = new Set(['offline', 'timeout', 'busy', 'server', 'signed-out', 'conflict']);

export function uploadsClient(send: AuthorizedFetch, tokens: TokenSource, base: string): UploadsClient {
  const slow: AuthorizedFetch = (url, options) => send(url, { ...options, timeout: storeMs });
  return {
    limits: (signal) => jsonCalls(send, base).get('/limits', {}, signal),
    store: (request) => jsonCalls(slow, base).send('POST', '/store', request),
    async transfer(file, mediaType, events) {
      const tus = await import('tus-js-client');
      let token: string | undefined;
      const upload: Upload = new tus.Upload(file as File, {
        endpoint: base,
        chunkSize: partBytes,
        retryDelays: tries,
        // The name of the file stays on this device, and what is remembered of it ends with this page.
        metadata: { filetype: mediaType },
        storeFingerprintForResuming: false,
        fingerprint: async () => '',
        async onBeforeRequest(request) {
          token = await tokens.current();
          if (token === undefined) throw new RequestFailure('signed-out', { status: 401 });
          request.setHeader('Authorization', `Bearer ${token}`);
        },
        async onAfterResponse(_request, response) {
          if (response.getStatus() === 401 && token !== undefined) await tokens.renewed(token);
        },
        onShouldRetry: (error) => passing.has(failureIn(error).kind) && failureIn(error).status !== 507,
        onProgress: (sent) => events.onProgress(sent),
        onSuccess: () => events.onDone(idIn(upload.url ?? '')),
        onError: (error) => events.onRest(failureIn(error)),
      });
      return {
        start: () => upload.start(),
        pause: () => void upload.abort(),
        cancel: () => upload.abort(upload.url !== null).catch(() => undefined),
      };
    },
  };
}

const idIn = (address: string): string => address.slice(address.lastIndexOf('/') + 1);

function failureIn(error: Error | DetailedError): RequestFailure {
  const cause = 'causingError' in error ? error.causingError : error;
  if (cause instanceof RequestFailure) return cause;
  const status = ('originalResponse' in error ? error.originalResponse?.getStatus() : undefined) ?? 0;
  return new RequestFailure(status === 0 ? 'offline' : failureKind(status), { status });
}
