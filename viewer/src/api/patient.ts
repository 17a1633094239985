/** A patient's own scans, links and decisions (`/portal/me`). */
import type { AuthorizedFetch } from './http.ts';
import { jsonCalls, part } from './json-calls.ts';

export const scanStates = [
  'received', 'read', 'read-again', 'checked', 'ready', 'corrected', 'new-image', 'cancelled', 'withdrawn',
] as const; // prettier-ignore
export type ScanState = (typeof scanStates)[number];

/** What a scan is called by. */
export interface NamedStudy {
  modality?: string;
  /** SNOMED CT code, else the words of the image. */
  bodyPart?: string;
  takenOn?: string;
}

export interface PatientScan {
  /** Id of the coordination Task. */
  review: string;
  state: ScanState;
  study?: NamedStudy & { id: string; images: number };
  receivedAt: string;
  reason?: { code?: string; text?: string };
  happened: {
    kind: 'received' | 'read' | 'medication' | 'released' | 'corrected' | 'new-image' | 'cancelled' | 'withdrawn';
    at: string;
    who?: string;
  }[];
  sent: {
    kind: 'report' | 'news' | 'withdrawal';
    state: 'waiting' | 'sent' | 'failed' | 'called-off';
    to?: string;
    at: string;
  }[];
}

export interface ScanPage {
  scans: PatientScan[];
  total: number;
  ready: number;
  waiting: number;
  next?: string;
}

export interface GivenShare {
  id: string;
  review: string;
  recipient?: string;
  state: 'open' | 'resting' | 'over' | 'taken-back' | 'wrong-codes' | 'account' | 'consent';
  createdAt: string;
  endsAt: string;
  endedAt?: string;
  wrongCodes: number;
  openings: string[];
}

/** The code is told once. */
export interface NewShare {
  id: string;
  url: string;
  code: string;
  endsAt: string;
}

export const consentKinds = ['report-by-mail', 'share-by-link', 'improve-model'] as const;
export type ConsentKind = (typeof consentKinds)[number];

export interface Decision {
  kind: ConsentKind;
  permitted: boolean;
  decidedAt?: string;
}

export interface PatientClient {
  scans(after: string | undefined, signal?: AbortSignal): Promise<ScanPage>;
  shares(signal?: AbortSignal): Promise<{ shares: GivenShare[] }>;
  share(wish: { review: string; days: number; recipient?: string }): Promise<NewShare>;
  takeBack(id: string): Promise<void>;
  consents(signal?: AbortSignal): Promise<{ consents: Decision[] }>;
  decide(kind: ConsentKind, permitted: boolean): Promise<{ consents: Decision[] }>;
}

export function patientClient(send: AuthorizedFetch, base: string): PatientClient {
  const calls = jsonCalls(send, base);
  return {
    scans: (after, signal) => calls.get('/scans', { after, limit: 20 }, signal),
    shares: (signal) => calls.get('/shares', {}, signal),
    share: (wish) => calls.send('POST', '/shares', wish),
    takeBack: (id) => calls.send('DELETE', `/shares/${part(id)}`),
    consents: (signal) => calls.get('/consents', {}, signal),
    decide: (kind, permitted) => calls.send('PUT', `/consents/${part(kind)}`, { permitted }),
  };
}
