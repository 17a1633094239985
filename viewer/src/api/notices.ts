/** What I was told, and whether this browser tells me when no page is open (`/portal/me/notices`, `/portal/me/push`). */
import { jsonCalls } from './json-calls.ts';
import type { AuthorizedFetch } from './http.ts';

export const noticeKinds = [
  'scan-arrived',
  'urgent-finding',
  'to-verify',
  'to-prescribe',
  'to-approve',
  'sent-back',
  'report-ready',
  'new-image-needed',
  'delivery-failed',
  'registration',
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

export interface Notice {
  id: string;
  kind: NoticeKind;
  at: string;
  seen: boolean;
  /** Id of the coordination Task. */
  review?: string;
  /** Id of the ImagingStudy. */
  study?: string;
  /** Accession number; for staff. */
  scan?: string;
}

export interface PushState {
  /** With which a browser subscribes (base64url); undefined where the site does not want it. */
  key?: string;
  /** SHA-256 of the addresses of mine that are told. */
  subscribed: string[];
}

export interface NoticesClient {
  list(before: string | undefined, signal?: AbortSignal): Promise<{ notices: Notice[]; unseen: number }>;
  unseen(signal?: AbortSignal): Promise<{ unseen: number }>;
  seen(upTo: string): Promise<void>;
  push(signal?: AbortSignal): Promise<PushState>;
  tellHere(subscription: PushSubscriptionJSON): Promise<void>;
  tellNoMore(endpoint: string): Promise<void>;
}

export function noticesClient(send: AuthorizedFetch, base: string): NoticesClient {
  const calls = jsonCalls(send, base);
  return {
    list: (before, signal) => calls.get('/notices', before === undefined ? {} : { before }, signal),
    unseen: (signal) => calls.get('/notices/unseen', {}, signal),
    seen: (upTo) => calls.send('POST', '/notices/seen', { upTo }),
    push: (signal) => calls.get('/push', {}, signal),
    tellHere: ({ endpoint, keys }) => calls.send('POST', '/push', { endpoint, keys }),
    tellNoMore: (endpoint) => calls.send('DELETE', '/push', { endpoint }),
  };
}
