/** The installation as a whole (`/portal/system`), and what waits behind the places of the navigation. */
import type { AuthorizedFetch } from './http.ts';
import { jsonCalls } from './json-calls.ts';

export interface SystemPart {
  name: string;
  state: 'ok' | 'idle' | 'attention' | 'failed';
  /** Code of what is the matter. */
  reason?: string;
  facts: Readonly<Record<string, number | string>>;
}

export interface ServerProcess {
  id: string;
  role: 'all' | 'api' | 'worker' | 'dimse';
  version: string;
  startedAt: string;
  seenAt: string;
  silent: boolean;
  /** The one that answered. */
  own: boolean;
  /** Components that do not work in it. */
  down: string[];
  /** MiB. */
  memory: number;
  channels?: number;
}

export interface SystemState {
  at: string;
  version: string;
  parts: SystemPart[];
  processes: ServerProcess[];
}

/** A place of the navigation -> how much waits there. */
export type Waiting = Record<'approvals' | 'registrations' | 'deliveries' | 'system', number>;

export interface SystemClient {
  state(signal?: AbortSignal): Promise<SystemState>;
  waiting(signal?: AbortSignal): Promise<Waiting>;
}

export function systemClient(send: AuthorizedFetch, base: string): SystemClient {
  const calls = jsonCalls(send, base);
  return {
    state: (signal) => calls.get('/system', {}, signal),
    waiting: (signal) => calls.get('/waiting', {}, signal),
  };
}
