/** What a registered system is for people: an app that they open, or a service that works by itself. */
export type ClientKind = 'public-app' | 'confidential-app' | 'backend' | 'sender';

/** A registered app or service. */
export interface SmartClient {
  id: string;
  /** OAuth client metadata (RFC 7591 names), without `client_id`; a `client_secret` is the SHA-256 of the secret. */
  metadata: Record<string, unknown>;
  /** Our own application: no consent page, because nobody else gets the data. */
  firstParty: boolean;
  /** The most that the client may be granted; pre-authorisation of backend services. */
  allowedScope?: string;
  /** May ask about tokens of other clients (RFC 7662). */
  mayIntrospect: boolean;
  disabled: boolean;
}

/** A client with what happened to it since. */
export interface RegisteredClient extends SmartClient {
  kind: ClientKind;
  /** Counts its changes: whoever changes it says which version was seen. */
  version: number;
  createdAt: Date;
  /** When it last got a token, to the minute. */
  lastUsedAt?: Date;
  /** Who registered it, as it is shown; nobody for those that come with the configuration. */
  registeredBy?: string;
  /** SHA-256 of the secret before, while it is good. */
  previousSecret?: string;
  /** SHA-256 of its registration access token, if it registered itself (RFC 7592). */
  managementHash?: string;
  /** The most that it can register for by itself. */
  scopeCeiling?: string;
}

export type NewClient = Omit<RegisteredClient, 'version' | 'createdAt' | 'lastUsedAt' | 'previousSecret'>;

export interface ClientStore {
  byId(id: string): Promise<RegisteredClient | undefined>;
  /** All of them, by name. */
  all(): Promise<RegisteredClient[]>;
  /** @throws Problem `duplicate` if the id is taken, or was until an hour ago: tokens of before must not come to life. */
  insert(client: NewClient): Promise<void>;
  /**
   * Writes metadata, scope, introspection and kind.
   *
   * @param change.endTokens tokens of before are void from now on; refresh tokens go on.
   * @param change.keepSecretSeconds the secret that is replaced is good for so long; without it, it ends now.
   * @returns false if the client has another version, or is gone.
   */
  update(
    client: Pick<RegisteredClient, 'id' | 'version' | 'kind' | 'metadata' | 'allowedScope' | 'mayIntrospect'>,
    change: { endTokens?: boolean; keepSecretSeconds?: number },
  ): Promise<boolean>;
  /** @returns false if it is gone. */
  setDisabled(id: string, disabled: boolean): Promise<boolean>;
  /** Ends all that people gave to the client: grants, codes and refresh tokens. */
  endGrants(id: string): Promise<void>;
  /** @returns false if it is gone. */
  remove(id: string): Promise<boolean>;
}

/** A word that lets systems register themselves: how often, for how long, for what (RFC 7591 3, "initial access token"). */
export interface RegistrationToken {
  id: string;
  name: string;
  /** The most that clients can register for with it. */
  scope: string;
  uses: number;
  usesLeft: number;
  issuedBy?: string;
  createdAt: Date;
  expiresAt: Date;
}

export interface RegistrationTokenStore {
  /** Newest first, those that are over too. */
  all(): Promise<RegistrationToken[]>;
  /** @param wordHash SHA-256 of the word: whoever reads the table can use none. */
  insert(
    token: Omit<RegistrationToken, 'createdAt' | 'expiresAt' | 'usesLeft'>,
    wordHash: string,
    days: number,
  ): Promise<void>;
  find(wordHash: string): Promise<RegistrationToken | undefined>;
  /** Takes one use; undefined if there is none left. */
  use(wordHash: string): Promise<RegistrationToken | undefined>;
  /** @returns false if it is gone. */
  remove(id: string): Promise<boolean>;
}
