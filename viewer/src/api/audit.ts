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
  /** Why it was refused or failed, as a code. */
  reason?: string;
  /** Purpose of use (v3-PurposeOfUse), where one was given. */
  purpose?: string;
  /** Of a row that stands for several. */
  times?: number;
}

/** A place in the trail, as the server names it. */
export type AuditPlace = string;

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

export interface AuditCheck {
  at: string;
  /** The first of those that were found. */
  faults: { seq: number; to?: number; kind: string; text: string }[];
  found: number;
  /** What is no fault and should be known. */
  notes: string[];
  checked: number;
  total: number;
}

export interface AuditChain {
  rows: number;
  linked: number;
  lastCheckpoint?: { at: string; seq: number };
  verified?: AuditCheck;
  /** One that is under way, or that broke off. */
  verifying?: AuditCheck & { state: 'running' | 'failed' };
}

export type ExportFormat = 'ndjson' | 'csv';

export interface AuditClient {
  search(
    filter: AuditFilter,
    page: { before?: AuditPlace | undefined; limit: number },
    signal?: AbortSignal,
  ): Promise<AuditPage>;
  chain(signal?: AbortSignal): Promise<AuditChain>;
  /** Begins to read all rows anew; `chain` tells how far that is. */
  verify(): Promise<void>;
  /** The rows as a file, still arriving. */
  export(format: ExportFormat, filter: AuditFilter, signal?: AbortSignal): Promise<Response>;
}

export function auditClient(send: AuthorizedFetch, base: string): AuditClient {
  const calls = jsonCalls(send, base);
  return {
    search: (filter, page, signal) => calls.get('', { ...filter, ...page }, signal),
    chain: (signal) => calls.get('/chain', {}, signal),
    verify: () => calls.send('POST', '/verify', {}),
    export: (format, filter, signal) =>
      send(`${base}/export?${queryString({ format, ...filter })}`, { signal, timeout: 60 * 60_000 }),
  };
}
