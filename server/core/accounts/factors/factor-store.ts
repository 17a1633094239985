/** What a person proves themselves with beside the password. */
export type Factor = TotpFactor | PasskeyFactor;

interface AnyFactor {
  id: string;
  accountId: string;
  /** For the person: `Authenticator app`, `Blue key`. */
  name: string;
  createdAt: Date;
  lastUsedAt?: Date;
}

/** An authenticator app (RFC 6238). */
export interface TotpFactor extends AnyFactor {
  kind: 'totp';
  /** Sealed (`secretOfTotp`). */
  secret: string;
}

/** A passkey or security key (WebAuthn). */
export interface PasskeyFactor extends AnyFactor {
  kind: 'passkey';
  /** Credential id, base64url. */
  credential: string;
  /** COSE, base64url. */
  publicKey: string;
  transports: string[];
  /** Signature counter at its last use. */
  counter: number;
}

export type NewFactor =
  | Pick<TotpFactor, 'kind' | 'id' | 'accountId' | 'name' | 'secret'>
  | Pick<PasskeyFactor, 'kind' | 'id' | 'accountId' | 'name' | 'credential' | 'publicKey' | 'transports' | 'counter'>;

/** A code that was mailed and can still be typed in. */
export interface MailedCode {
  /** Keyed digest of it. */
  digest: string;
  /** Tries so far, this one among them. */
  tries: number;
}

export interface FactorStore {
  /** Waits for other changes of this account's factors, until the transaction ends. */
  lock(accountId: string): Promise<void>;
  /** Those that were shown to work. */
  of(accountId: string): Promise<Factor[]>;
  /** One that was not shown to work yet, and is not older than an hour. */
  unconfirmed(accountId: string, id: string): Promise<Factor | undefined>;
  /** @throws Problem `duplicate` if somebody has this passkey already. */
  insert(factor: NewFactor, options: { confirmed: boolean }): Promise<void>;
  confirm(id: string): Promise<void>;
  /** @returns false if the account has none of this id. */
  remove(accountId: string, id: string): Promise<boolean>;
  /** Takes all factors, recovery codes and the mailed codes away. */
  removeAll(accountId: string): Promise<void>;
  /**
   * Writes a use down.
   * @param counter of an authenticator app the time step, of a passkey its counter.
   * @returns false if this or a later one was used before: a code works once.
   */
  use(id: string, counter: number): Promise<boolean>;

  recoveryCodesLeft(accountId: string): Promise<number>;
  /** In the place of those that were there. */
  replaceRecoveryCodes(accountId: string, digests: readonly string[]): Promise<void>;
  /** Uses one up; false if there is no such. */
  takeRecoveryCode(accountId: string, digest: string): Promise<boolean>;

  /** Whether the person wants codes by mail. */
  mail(accountId: string): Promise<boolean>;
  setMail(accountId: string, on: boolean): Promise<void>;
  /**
   * Asks whether a mail may be sent to this person now, and counts it if so.
   * @returns seconds to wait, 0 when it was counted.
   */
  countMail(accountId: string, limits: { apartSeconds: number; hourly: number }): Promise<number>;
  /** In the place of an earlier one, whichever sign-in that was asked in. */
  putMailCode(accountId: string, code: { askedIn: string; digest: string; seconds: number }): Promise<void>;
  /** Counts a try at the code of this sign-in; undefined when there is none that can be tried. */
  tryMailCode(accountId: string, askedIn: string, mostTries: number): Promise<MailedCode | undefined>;
  /** Uses the code up; of two at once one gets true. */
  takeMailCode(accountId: string, digest: string): Promise<boolean>;
}
