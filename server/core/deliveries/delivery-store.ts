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
  /** Empty where no address is known. */
  recipient: string;
  /** An administrator chose the address: it does not follow the record of the person. */
  fixed: boolean;
  state: DeliveryState;
  /** Sealed subject and text, until it is sent or ended; those with health data are made when they are sent. */
  content?: string;
  /** FHIR reference of what it is about (`Task/id`). */
  subjectOf?: string;
  accountId?: string;
  tries: number;
  /** Notices by which its person was asked to confirm the address. */
  asked: number;
  askedAt?: Date;
  /** Codes of the relay's last answer (`EAUTH 535`), never its words; those of a test with them. */
  answer?: string;
  createdAt: Date;
  /** From when the days count after which it is given up. */
  owedSince: Date;
  changedAt: Date;
  nextTry?: Date;
  /** A worker has it in hand at this moment. */
  inHand: boolean;
}

export type NewDelivery = Pick<Delivery, 'id' | 'kind' | 'recipient'> &
  Partial<Pick<Delivery, 'content' | 'subjectOf' | 'accountId' | 'fixed'>>;

export interface TryEnd {
  state: DeliveryState;
  answer?: string;
  nextTrySeconds?: number;
  /** What has to change before another try is of use: then it is tried at once. */
  waitsFor?: 'relay' | 'address';
  recipient?: string;
  /** The relay was not asked: the try does not count. */
  untried?: boolean;
}

export interface DeliveryQuery {
  state?: DeliveryState;
  kind?: DeliveryKind;
  /** Part of an address. */
  text?: string;
  subjectOf?: string;
  offset: number;
  limit: number;
}

export interface DeliveryStore {
  /** Changes nothing if there is one with this id. */
  insert(delivery: NewDelivery): Promise<void>;
  byId(id: string): Promise<Delivery | undefined>;
  /** Newest first. */
  search(query: DeliveryQuery): Promise<{ found: Delivery[]; total: number }>;
  /** The one with this id, locked until the transaction ends. */
  lock(id: string): Promise<Delivery | undefined>;
  /** Takes a waiting one in hand, for so many seconds; undefined if it does not wait or another worker has it. */
  take(id: string, seconds: number): Promise<Delivery | undefined>;
  /** Writes down how a try ended; `content` is forgotten unless it waits. What is not in hand and does not wait stays. */
  tried(id: string, end: TryEnd): Promise<void>;
  /** Its person was asked to confirm the address. */
  asked(id: string): Promise<void>;
  /** One that ended is owed again, or goes to another address; its days count anew. */
  oweAgain(id: string, change: { recipient?: string }): Promise<void>;
  /** Marks it as told of to administrators. @returns whether it was not yet. */
  told(id: string): Promise<boolean>;
  /** What waits for this subject is not wanted any more. */
  cancelFor(subjectOf: string): Promise<void>;
  /**
   * Those that wait, are in nobody's hand and whose next try has come, or whose address was confirmed meanwhile; longest due first.
   */
  due(limit: number): Promise<Pick<Delivery, 'id' | 'kind' | 'subjectOf'>[]>;
  /** The relay is there again: what waited for it is due. @returns how many. */
  relayIsBack(): Promise<number>;
  /** Of these subjects those without any delivery. */
  withoutDelivery(subjects: readonly string[]): Promise<string[]>;
  /** How many wait. */
  waiting(): Promise<number>;
  /** Deletes those that ended so many days ago; of codes and links, which say no more than that, after 30. @returns how many. */
  forget(days: number): Promise<number>;
}
