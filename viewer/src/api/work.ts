/** The lists of work (`/portal/work`): one row a review, searched, sorted and counted by the server. */
import type { ReviewStatus, ReviewStep } from './review/codes.ts';
import type { AuthorizedFetch } from './http.ts';
import { jsonCalls, part } from './json-calls.ts';

export const workQueues = [
  'pending',
  'to-read',
  'verified',
  'all',
  'ended',
  'to-prescribe',
  'prescribed',
  'to-approve',
  'released',
] as const;
export type WorkQueue = (typeof workQueues)[number];

export const workSorts = [
  'scan',
  'patient',
  'status',
  'finding',
  'confidence',
  'uploaded',
  'verified',
  'priority',
  'released',
  'changed',
] as const;
export type WorkSort = (typeof workSorts)[number];

export const workPriorities = ['stat', 'asap', 'urgent', 'routine'] as const;
export type WorkPriority = (typeof workPriorities)[number];

export type WorkReason = 'stat-order' | 'urgent-finding' | 'uncertain' | 'amendment' | 'new-images' | 'analysis-failed';

export type FindingKind = 'finding' | 'normal' | 'uncertain' | 'unsupported' | 'not-served';

export interface WorkRow {
  /** Id of the coordination Task. */
  review: string;
  /** Changes with every change of the row. */
  version: string | number;
  status: ReviewStatus;
  priority: WorkPriority;
  reasons: WorkReason[];
  scan: string;
  accession?: string;
  patient: { id: string; name: string; recordNumber?: string; birthDate?: string; gender?: string };
  study: { id: string; uid: string; modality?: string; bodyPart?: string; description?: string; images: number };
  uploadedAt: string;
  ai: 'none' | 'waiting' | 'running' | 'failed' | 'done';
  aiFailure?: string;
  finding?: { label: string; probability?: number; kind: FindingKind };
  conclusion?: { code?: string; text: string; kind: 'normal' | 'abnormal' | 'other' };
  /** The doctor's, their first 500 characters. */
  words?: string;
  prescription?: string;
  disagreement?: string;
  /** Why it waits again, in the words of who asks. */
  news?: string;
  verifiedAt?: string;
  verifiedBy?: string;
  prescribedAt?: string;
  releasedAt?: string;
  /** The step that somebody may act on. */
  step?: { id: string; kind: ReviewStep; status: string; ownerName?: string; mine: boolean };
}

/** A type, not an interface: it is a set of query parameters. */
export type WorkFilter = {
  text?: string | undefined;
  status?: string | undefined;
  modality?: string | undefined;
  finding?: string | undefined;
  priority?: string | undefined;
  /** `YYYY-MM-DD` at the site. */
  from?: string | undefined;
  to?: string | undefined;
  mine?: string | undefined;
};

export type WorkQuery = WorkFilter & {
  queue: WorkQueue;
  sort?: string | undefined;
  after?: string | undefined;
  limit?: number | undefined;
};

export interface WorkPage {
  rows: WorkRow[];
  total: number;
  /** For `after`; undefined on the last page. */
  next?: string;
}

export interface ClaimAnswer {
  claimed: string[];
  refused: { review: string; why: string }[];
}

export interface WorkClient {
  list(query: WorkQuery, signal?: AbortSignal): Promise<WorkPage>;
  /** How many reviews each name counts, of those that the filter leaves. */
  counts<Name extends string>(
    of: readonly Name[],
    filter: WorkFilter,
    signal?: AbortSignal,
  ): Promise<Record<Name, number>>;
  claim(reviews: readonly string[]): Promise<ClaimAnswer>;
  row(review: string, signal?: AbortSignal): Promise<WorkRow>;
}

export function workClient(send: AuthorizedFetch, base: string): WorkClient {
  const calls = jsonCalls(send, base);
  return {
    list: (query, signal) => calls.get('', query, signal),
    counts: (of, filter, signal) => calls.get('/counts', { of: of.join(','), ...filter }, signal),
    claim: (reviews) => calls.send('POST', '/claim', { reviews }),
    row: (review, signal) => calls.get(`/${part(review)}`, {}, signal),
  };
}
