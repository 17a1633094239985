import type { Principal } from '../principal.ts';

/** One access to health data, or a refused one. Ids and codes only: no names, no search values in clear. */
export interface AuditRow {
  /** What happened, in BALP's terms: C R U D E (execute: search, export, sign-in). */
  action: 'C' | 'R' | 'U' | 'D' | 'E';
  /** `fhir:read`, `dicomweb:store`, `smart:sign-in` ... */
  event: string;
  outcome: 'success' | 'refused' | 'failed';
  principal: Principal | undefined;
  /** FHIR ids of the patients concerned, when known. */
  patients?: string[];
  /** `ImagingStudy/id/_history/2`, `studies/1.2.3/series/4.5` ... */
  entities?: string[];
  /** The query string, stored base64 as BALP asks; never logged. */
  query?: string;
  /** Why the restricted record could be opened: v3-ActReason "break the glass". */
  purpose?: 'BTG';
  requestId?: string;
  sourceAddress?: string;
  /** Why it was refused or failed: the code of the Problem (`forbidden`, `lock-error`). */
  reason?: string;
  /** How many such accesses this one row stands for. */
  times?: number;
}

export interface AuditTrail {
  /**
   * Durable when it resolves: inside a transaction with its commit, outside by itself (concurrent rows share one INSERT).
   *
   * @param repeats of what this is one more: when a row with the same key has become durable a few minutes ago at most, nobody waits
   * for this one; it is in the table a moment later, and on disk within a second. A viewer asks a thousand times for one study.
   */
  append(row: AuditRow, repeats?: string): Promise<void>;
}
