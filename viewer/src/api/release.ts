/** What an administrator looks at before a report is released (`/portal/reviews`). */
import type { AuthorizedFetch } from './http.ts';
import { jsonCalls, part } from './json-calls.ts';

export interface ReleaseRecipient {
  who: 'patient' | 'other';
  name?: string;
  address?: string;
  mail: 'confirmed' | 'unconfirmed' | 'asked-first' | 'not-wanted' | 'no-address' | 'bad-address';
  what: 'report' | 'notice';
}

export interface ReleasePlan {
  recipients: ReleaseRecipient[];
  newVersion: boolean;
  /** Whether the server process that answers can print a preview. */
  preview: boolean;
}

export interface ReleaseClient {
  plan(review: string, signal?: AbortSignal): Promise<ReleasePlan>;
  /** The report as PDF, not released. */
  preview(review: string, signal?: AbortSignal): Promise<Blob>;
}

export function releaseClient(send: AuthorizedFetch, base: string): ReleaseClient {
  const calls = jsonCalls(send, base);
  return {
    plan: (review, signal) => calls.get(`/${part(review)}/release`, {}, signal),
    async preview(review, signal) {
      const headers = { Accept: 'application/pdf' };
      const answer = await send(`${base}/${part(review)}/preview`, { method: 'POST', headers, signal });
      return answer.blob();
    },
  };
}
