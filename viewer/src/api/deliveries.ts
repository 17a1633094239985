/** What left this server by mail, or should leave (`/portal/deliveries`), for administrators. */
import { jsonCalls, part } from './json-calls.ts';
import type { AuthorizedFetch } from './http.ts';

export type DeliveryState = 'waiting' | 'sent' | 'refused' | 'ended' | 'cancelled';

export interface Delivery {
  id: string;
  kind: string;
  recipient: string;
  state: DeliveryState;
  tries: number;
  /** Codes of the relay's last answer (`EAUTH 535`). */
  answer?: string;
  createdAt: string;
  changedAt: string;
  nextTry?: string;
  /** What it is about (`Task/id`). */
  subject?: string;
}

export interface DeliveryListing {
  deliveries: Delivery[];
  total: number;
  relay: { state: 'ok' | 'failing' | 'unused'; answer?: string; since?: string };
}

/** A type, not an interface: it is a set of query parameters. */
export type DeliveryFilter = {
  state?: string | undefined;
  kind?: string | undefined;
  text?: string | undefined;
  offset?: number | undefined;
  limit?: number | undefined;
};

export interface DeliveriesClient {
  list(filter: DeliveryFilter, signal?: AbortSignal): Promise<DeliveryListing>;
  read(id: string, signal?: AbortSignal): Promise<Delivery>;
  again(id: string): Promise<void>;
  cancel(id: string): Promise<void>;
  otherAddress(id: string, email: string): Promise<void>;
}

export function deliveriesClient(send: AuthorizedFetch, base: string): DeliveriesClient {
  const calls = jsonCalls(send, base);
  return {
    list: (filter, signal) => calls.get('', filter, signal),
    read: (id, signal) => calls.get(`/${part(id)}`, {}, signal),
    again: (id) => calls.send('POST', `/${part(id)}/again`, {}),
    cancel: (id) => calls.send('POST', `/${part(id)}/cancel`, {}),
    otherAddress: (id, email) => calls.send('POST', `/${part(id)}/other-address`, { email }),
  };
}
