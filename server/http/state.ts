import type { ParameterizedContext } from 'koa';
import type { Language } from '../core/language.ts';
import type { Principal } from '../core/principal.ts';

/** What the HTTP layer knows about a request besides the request itself. */
export interface State {
  /** From the caller's X-Request-Id if it is harmless, else ours; goes into logs, audit and answers. */
  requestId: string;
  /** Who calls, as far as it can be trusted: see `clientAddress`. */
  clientAddress: string;
  /** Set by `bearer`; routes behind it can rely on it. */
  principal: Principal;
  /** In which a page is answered (`words/page-language.ts`). */
  language?: Language;
  /** Resolves when the audit trail has what is given out: see `whenRecorded` of the face that sets it. */
  recorded?: Promise<void>;
  /** Why the answer is one from 500 up, for the log; left by whoever gave it. */
  fault?: unknown;
}

export type AppContext = ParameterizedContext<State>;
