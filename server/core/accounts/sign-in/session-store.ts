/** A browser in which somebody is signed in. */
export interface BrowserSession {
  id: string;
  /** In plain words: `Firefox on Windows`. */
  device: string;
  address: string;
  signedInAt: Date;
  lastSeenAt: Date;
  /** The one that the asking token belongs to. */
  current: boolean;
}

/** Sessions of people, and what hangs on them: tokens and authorisations. */
export interface SessionStore {
  /** @param grantId authorisation of the token that asks. */
  of(accountId: string, grantId?: string): Promise<BrowserSession[]>;
  /** Ends a session with the authorisations that live in it. @returns false if the person has no such session. */
  end(accountId: string, sessionId: string): Promise<boolean>;
  /** Ends everything that was signed in or authorised, or all but what belongs to the session of this authorisation. */
  endAll(accountId: string, exceptGrantId?: string): Promise<void>;
  /** Ends authorisations and tokens and leaves people signed in: what follows is granted anew. */
  endAuthorizations(accountId: string): Promise<void>;
  /** Writes down that somebody is signed in with this browser now. */
  seen(session: { id: string; accountId: string; device: string; address: string; signedInAt: number }): Promise<void>;
  /** The same when only a token was renewed. */
  renewed(sessionId: string, address: string): Promise<void>;
}
