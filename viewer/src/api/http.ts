/**
 * One way out to the server: every request to FHIR, DICOMweb and the portal carries the user's token,
 * ends in time, and fails with a `RequestFailure`.
 */
import { asFailure, failureOf, RequestFailure } from './failure.ts';
import { freshSignInOf, type FreshSignIn } from './fresh-sign-in.ts';

export interface TokenSource {
  /** A token that is good for this moment, renewed beforehand if it is about to end; undefined when signed out. */
  current(): Promise<string | undefined>;
  /** Another token, because the server refused this one; undefined when there is none to be had. */
  renewed(refused: string): Promise<string | undefined>;
  /** A token by which the person has just shown again who they are; undefined when they did not want to. */
  confirmed?(wanted: FreshSignIn): Promise<string | undefined>;
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  body?: string | Blob;
  signal?: AbortSignal | undefined;
  /** The page may be left before the answer comes; the body has 64 KiB at most then. */
  keepalive?: boolean;
  /** Milliseconds until the request is given up; 30 s unless said otherwise. */
  timeout?: number;
}

/** @throws RequestFailure for every answer that is not 2xx, and when no answer came. */
export type AuthorizedFetch = (url: string, options?: RequestOptions) => Promise<Response>;

export function authorizedFetch(tokens: TokenSource, send: typeof fetch = globalThis.fetch): AuthorizedFetch {
  async function attempt(url: string, options: RequestOptions, token: string): Promise<Response> {
    const limit = AbortSignal.timeout(options.timeout ?? 30_000);
    return send(url, {
      method: options.method ?? 'GET',
      // In the language of the page: what the server says of a refusal stands on it.
      headers: { 'Accept-Language': pageLanguage(), ...options.headers, Authorization: `Bearer ${token}` },
      ...(options.body !== undefined && { body: options.body }),
      signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
      ...(options.keepalive && { keepalive: true }),
      credentials: 'omit',
      cache: 'no-store',
    });
  }

  return async (url, options = {}) => {
    try {
      const token = await tokens.current();
      if (token === undefined) throw new RequestFailure('signed-out', { status: 401 });
      let response = await attempt(url, options, token);
      if (response.status === 401 && !freshSignInOf(response)) {
        // Unread, six refusals at once would hold all of the browser's connections, and the renewal waits for ever.
        await response.arrayBuffer();
        const fresh = await tokens.renewed(token);
        if (fresh === undefined) throw new RequestFailure('signed-out', { status: 401 });
        response = await attempt(url, options, fresh);
      }
      const wanted = freshSignInOf(response);
      if (wanted && tokens.confirmed) {
        await response.arrayBuffer();
        const confirmed = await tokens.confirmed(wanted);
        if (confirmed === undefined) throw new RequestFailure('unconfirmed', { status: 401 });
        response = await attempt(url, options, confirmed);
      }
      if (!response.ok) throw await failureOf(response);
      return response;
    } catch (thrown) {
      // A cancelled request is the caller's own wish (page left, newer search), not a failure.
      if (options.signal?.aborted) throw thrown;
      throw asFailure(thrown);
    }
  };
}

/** Of the page that asks; the tests of this module have none. */
const pageLanguage = (): string => globalThis.document?.documentElement.lang || 'en';

/** Parses a body that must be JSON. @throws RequestFailure `server` when it is not. */
export async function jsonOf<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new RequestFailure('server', { status: response.status });
  }
}
