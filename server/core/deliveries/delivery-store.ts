/** What a message is about; `report` and `withdrawal` bring health data, the others none. */
export type DeliveryKind =
  'report' | 'withdrawal' | 'invitation' | 'sign-in-code' | 'link' | 'notice' | 'alert' | 'test';

/**
 * `waiting`: will be tried (again); `sent`: the relay took it; `refused`: the relay refused the address for good;
 * `ended`: given up, or its time was over; `cancelled`: it is not wanted any more.
 */
export type DeliveryState = 'waiting' | 'sent' | 'refused' | 'ended' | 'cancelled';

/** A message that left or should leave. */
export interface Delivery {
  id: string;
  kind: DeliveryKind;
  recipient: string;
  state: DeliveryState;
  /** Sealed subject and text, until it is sent or ended; those with health data are made when they are sent. */
  content?: string;
  /** FHIR reference of what it is about (`Task/id`). */
  subjectOf?: string;
  accountId?: string;
  tries: number;
  /** Codes of the relay's last answer (`EAUTH 535`), never its words. */
  answer?: string;
  createdAt: Date;
  changedAt: Date;
  nextTry?: Date;
}

export interface DeliveryStore {
  insert(delivery: Pick<Delivery, 'id' | 'kind' | 'recipient' | 'content' | 'subjectOf' | 'accountId'>): Promise<void>;
  byId(id: string): Promise<Delivery | undefined>;
  /** Writes down how a try ended; `content` is forgotten unless it waits. */
  tried(id: string, end: { state: DeliveryState; answer?: string; nextTrySeconds?: number }): Promise<void>;
}
