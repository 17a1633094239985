/** Access to a restricted record in an emergency: for an hour, with a reason, and reported. */
import { jsonCalls } from './json-calls.ts';
import type { AuthorizedFetch } from './http.ts';

/** What a doctor learns before giving a reason: that there is such a record, and two letters. */
export interface RestrictedRecord {
  patient: string;
  restricted: boolean;
  initials: string;
  /** Open for this doctor already. */
  open?: boolean;
}

export interface EmergencyAccess {
  account: string;
  who?: string;
  patient: string;
  reason: string;
  at: string;
  until: string;
}

export interface EmergencyClient {
  find(identifier: string): Promise<{ records: RestrictedRecord[] }>;
  open(patient: string, reason: string): Promise<{ until: string }>;
  /** The signed-in doctor's own. */
  mine(signal?: AbortSignal): Promise<{ accesses: { patient: string; until: string }[] }>;
  /** Everybody's, for administrators. */
  all(signal?: AbortSignal): Promise<{ accesses: EmergencyAccess[] }>;
}

export function emergencyClient(send: AuthorizedFetch, base: string): EmergencyClient {
  const calls = jsonCalls(send, base);
  return {
    find: (identifier) => calls.send('POST', '/emergency-access/find', { identifier }),
    open: (patient, reason) => calls.send('POST', '/emergency-access', { patient, reason }),
    mine: (signal) => calls.get('/me/emergency-access', {}, signal),
    all: (signal) => calls.get('/emergency-access', {}, signal),
  };
}
