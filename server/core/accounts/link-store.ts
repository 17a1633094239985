/** What a one-time link is for. */
export type LinkPurpose =
  'first-admin' | 'invitation' | 'reset-password' | 'reset-factors' | 'verify-address' | 'register' | 'confirm-address';

/** A link that was given out and not used yet. */
export interface OneTimeLink {
  purpose: LinkPurpose;
  /** Whose; a registration has no account before it is used. */
  accountId?: string;
  /** What the act needs to know: a new address, what the person typed. */
  data: Record<string, string>;
  expiresAt: Date;
}

export interface LinkStore {
  /** @param id SHA-256 of the word in the link: whoever reads the table can use none. */
  insert(id: string, link: Omit<OneTimeLink, 'expiresAt'>, expiresInSeconds: number): Promise<void>;
  /** A link that can be used now. */
  find(id: string): Promise<OneTimeLink | undefined>;
  /** Uses the link up; undefined if it is unknown, over or used. Of two at once one gets it. */
  take(id: string): Promise<OneTimeLink | undefined>;
  /** Ends the links of an account for a purpose: a new one voids the old. */
  revoke(accountId: string, purposes: readonly LinkPurpose[]): Promise<void>;
}
