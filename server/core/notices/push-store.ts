/** A browser that wants to be told (W3C Push API): where to, sealed, because whoever has the address may write to it. */
export interface PushSubscription {
  id: string;
  accountId: string;
  sealed: string;
  /** BCP 47 of the person's account. */
  language?: string;
}

export interface PushStore {
  /**
   * A browser belongs to one person: an earlier row of the same address is replaced. Of many of one account the oldest go.
   *
   * @param grantId authorisation of the token that asks; its sign-in is what the subscription hangs on.
   * @returns false if there is no such sign-in.
   */
  save(wanted: { id: string; accountId: string; grantId: string; digest: string; sealed: string }): Promise<boolean>;
  /** Digests of all addresses of an account. */
  digestsOf(accountId: string): Promise<string[]>;
  remove(wanted: { accountId: string; digest: string }): Promise<void>;
  removeById(id: string): Promise<void>;
  /** One whose person is signed in there still and may be told. */
  byId(id: string): Promise<PushSubscription | undefined>;
  /** Those who are to hear of a notice: all but whose act it was, and those from whom the patient's record is hidden. */
  hearing(noticeId: string, patientId: string | undefined): Promise<string[]>;
  /** Those whose sign-in ended so long ago that nobody comes back to it. @returns how many. */
  forget(days: number): Promise<number>;
}
