/** The audit trail (`/portal/audit`), for administrators: rows newest first, and whether the chain of them is whole. */
import { jsonCalls } from './json-calls.ts';
import type { AuthorizedFetch } from './http.ts';
import { queryString } from './fhir.ts';

export interface AuditRow {
  seq: number;
  at: string;
  action: 'C' | 'R' | 'U' | 'D' | 'E';
  /** `fhir:read`, `account:role` ... */
  event: string;
  outcome: 'success' | 'refused' | 'failed';
  who: { kind: string; subject?: string; name?: string; role?: string; client?: string };
  patients: { id: string; name?: string }[];
  entities: string[];
  address?: string;
  requestId?: string;
}

/** A place in the trail, as the server names it. */
export type AuditPlace = string | number;

export interface AuditPage {
  rows: AuditRow[];
  /** Where the next page begins; undefined on the last. */
  next?: AuditPlace;
}

/** A type, not an interface: it is a set of query parameters. */
export type AuditFilter = {
  patient?: string | undefined;
  account?: string | undefined;
  client?: string | undefined;
  event?: string | undefined;
  outcome?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  entity?: string | undefined;
};

export interface AuditChain {
  rows: number;
  linked: number;
  lastCheckpoint?: { at: string; seq: number };
  verified?: { at: string; faults: { seq: number; kind: string; text: string }[] };
}

export type ExportFormat = 'ndjson' | 'csv';

export interface AuditClient {
  search(filter: AuditFilter, before: AuditPlace | undefined, signal?: AbortSignal): Promise<AuditPage>;
  chain(signal?: AbortSignal): Promise<AuditChain>;
  /** Reads all rows anew: minutes where there are millions. */
  verify(): Promise<AuditChain>;
  /** The rows as a file, still arriving. */
  export(format: ExportFormat, filter: AuditFilter, signal?: AbortSignal): Promise<Response>;
}

export function auditClient(send: AuthorizedFetch, base: string): AuditClient {
  const calls = jsonCalls(send, base);
  return {
    search: (filter, before, signal) => calls.get('', { ...filter, before, limit: 50 }, signal),
    chain: (signal) => calls.get('/chain', {}, signal),
    verify: () => calls.send('POST', '/verify', {}),
    export: (format, filter, signal) =>
      send(`${base}/export?${queryString({ format, ...filter })}`, { signal, timeout: 60 * 60_000 }),
  };
}
