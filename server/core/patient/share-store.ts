export type ShareEnd = 'taken-back' | 'wrong-codes' | 'account' | 'consent';

/** A link with which a patient shows one report and its images to somebody outside. */
export interface Share {
  id: string;
  /** Of the patient who gave it. */
  accountId: string;
  /** The coordination Task: all that is reached. */
  reviewId: string;
  /** For whom it is, in the patient's own words. */
  recipient?: string;
  /** The record was restricted already when the link was made: the patient knew. */
  restricted: boolean;
  createdAt: Date;
  endsAt: Date;
  /** Neither over nor ended, by the clock of the database. */
  isOpen: boolean;
  wrongCodes: number;
  ended?: { at: Date; why: ShareEnd };
  /** When it was opened with the code, the last ones first. */
  openings: Date[];
}

/** With what is compared with the code that somebody types. */
export type KeyedShare = Share & { codeDigest: string };

export interface NewShare extends Pick<Share, 'id' | 'accountId' | 'reviewId' | 'recipient' | 'restricted'> {
  wordDigest: string;
  codeDigest: string;
  days: number;
}

export interface ShareStore {
  /** @returns when it ends. */
  insert(share: NewShare): Promise<Date>;
  /** Whatever became of it; newest first, the last hundred. */
  ofAccount(accountId: string): Promise<Share[]>;
  /** How many of an account are open; the account is locked, so that parallel ones count. */
  countOpen(accountId: string): Promise<number>;
  byWord(wordDigest: string): Promise<KeyedShare | undefined>;
  /** Locked until the transaction ends: of tries at the same moment each sees what the one before left. */
  lockByWord(wordDigest: string): Promise<KeyedShare | undefined>;
  /** @returns how many were wrong so far. */
  noteWrongCode(id: string): Promise<number>;
  noteOpening(id: string): Promise<void>;
  /** Ends one that has not ended. @returns false if there is none. */
  end(accountId: string, id: string, why: ShareEnd): Promise<boolean>;
  /** Ends all of an account. @returns how many. */
  endAll(accountId: string, why: ShareEnd): Promise<number>;
  /** Forgets those that were over so many days ago. */
  forget(accountId: string, days: number): Promise<void>;
}
