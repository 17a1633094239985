import type { Restrictions } from '../access/restricted-store.ts';
import type { Role } from '../principal.ts';
import type { RegisteredClient, SmartClient } from './clients/client-store.ts';

/** Anything that the authorization server stores under one of its model names. */
export type Payload = Record<string, unknown>;

/** What the authorization server (SMART face) must remember. Every method is atomic by itself. */
export interface AuthorizationStore {
  /** @returns false if `onlyNew` and the id exists: how a replayed client assertion is noticed by two processes at once. */
  put(
    model: string,
    id: string,
    payload: Payload,
    options: { expiresIn?: number; onlyNew?: boolean },
  ): Promise<boolean>;
  /** Expired rows are not there. */
  find(model: string, by: { id: string } | { uid: string } | { userCode: string }): Promise<Payload | undefined>;
  /** Marks as used. @returns false if it was used before: of two parallel uses of one code, one wins. */
  consume(model: string, id: string): Promise<boolean>;
  /** Seconds since it was used, by the database's clock; undefined if it was not, or is not there. */
  usedSince(model: string, id: string): Promise<number | undefined>;
  remove(model: string, id: string): Promise<void>;
  /** Ends an authorisation: its grant, codes and refresh tokens, of which access tokens depend. */
  revokeGrant(grantId: string): Promise<void>;
  revokeToken(tokenId: string, expiresAt: Date): Promise<void>;
  /** Whether what an access token stands on still stands. */
  standing(of: { tokenId: string; clientId: string; grantId?: string; accountId?: string }): Promise<Standing>;

  saveGrant(grant: GrantContext): Promise<void>;
  grant(grantId: string): Promise<GrantContext | undefined>;
  grantsOf(accountId: string): Promise<ConnectedApp[]>;

  saveLaunch(launch: Launch, expiresIn: number): Promise<void>;
  launch(id: string): Promise<Launch | undefined>;
  /** Takes a launch once; undefined if it is unknown, over, used or somebody else's. */
  takeLaunch(id: string, of: { clientId: string; accountId: string }): Promise<Launch | undefined>;

  client(id: string): Promise<RegisteredClient | undefined>;
  /** Adds the client or replaces its registration; a disabled client stays disabled. What the configuration brings along. */
  saveClient(client: SmartClient): Promise<void>;
  setClientDisabled(id: string, disabled: boolean): Promise<void>;
  /** Notes that it got a token just now; written at most once a minute. */
  noteClientUse(id: string): Promise<void>;
  /** Origins of the redirect addresses of all browser apps, for CORS. */
  clientOrigins(): Promise<string[]>;

  /** The stored secret of this name, or, once for all processes, the one that `make` gives. */
  secret<T>(name: string, make: () => Promise<T>): Promise<T>;
  /**
   * Puts what `change` gives in the place of a secret; called again if another process changed it meanwhile.
   *
   * @returns false if there is no such secret or `change` gives undefined.
   * @throws Problem `transient` if others change it all the time.
   */
  changeSecret<T>(name: string, change: (value: T) => Promise<T | undefined>): Promise<boolean>;
  /** Deletes what has expired; returns how many rows. */
  sweep(): Promise<number>;
}

/** Launch context of one authorisation. Ids are FHIR ids. */
export interface GrantContext {
  grantId: string;
  accountId: string;
  clientId: string;
  patient?: string;
  encounter?: string;
  imagingStudy?: string;
}

export interface ConnectedApp extends GrantContext {
  clientName: string;
  scope: string;
  since: Date;
}

/** An EHR launch that waits for its app: whom to open it with. */
export interface Launch {
  id: string;
  clientId: string;
  accountId: string;
  patient?: string;
  encounter?: string;
  imagingStudy?: string;
}

export interface Standing {
  /** Revoked by itself, or its authorisation ended. */
  revoked: boolean;
  clientDisabled: boolean;
  /** Tokens that were issued before are void. Seconds since 1970. */
  tokensSince?: number;
  firstParty: boolean;
  /** `factor`: has an authenticator app or passkey; `mailFactor`: wants codes by mail. */
  account?: { role: Role; fhirUser: string; disabled: boolean; factor: boolean; mailFactor: boolean };
  /** Of an account: restricted records that it does not see, and those that it has opened. */
  restrictions?: Restrictions;
}

/** Counts tries at signing in, over all processes. */
export interface AttemptStore {
  /**
   * Counts one try under each key before the password is looked at, so that parallel guesses count too. A try that has
   * to wait is not counted.
   *
   * @returns seconds to wait if any of the keys says so, else 0.
   */
  begin(keys: AttemptKey[]): Promise<number>;
  /** What a try did not cost after all: `forget` starts from zero, `giveBack` takes it off the count and ends its wait. */
  settle(keys: { forget?: AttemptKey[]; giveBack?: AttemptKey[] }): Promise<void>;
}

/** How the tries under one key are counted. Seconds. */
export interface AttemptKey {
  key: string;
  /** So many may come at once; from the last of them on each one costs a wait. */
  free: number;
  /** One failure is forgotten in this time. */
  leak: number;
  /** The wait doubles with each failure up to this. */
  longest: number;
}
