import type { Role } from '../principal.ts';

/** What can change beside FHIR records, and is shown on pages. */
export type Topic =
  | 'deliveries'
  | 'users'
  | 'registrations'
  | 'clients'
  | 'remote-aes'
  | 'models'
  | 'notices'
  | 'uploads'
  | 'site'
  | 'held'
  | 'emergency'
  | 'shares'
  | 'system'
  /** Something was taken out of a patient's sight; said to all patients, so that it says nothing of whose. */
  | 'withdrawn';

/** Whom a topic is for: everybody who is signed in, if nothing is said; both are meant if both are said. */
export interface Audience {
  account?: string;
  role?: Role | readonly Role[];
}

/**
 * News about what is no FHIR record. A row of the change feed like those of records, so that it is told exactly if the
 * transaction commits, in one order with them. It says that something changed and never what: whoever hears it asks.
 */
export interface NewsStore {
  /** In the transaction of what happened. */
  post(topic: Topic, to?: Audience): Promise<void>;
}
