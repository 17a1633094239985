/** Codes with which a clinic hands a patient the own record. */
export interface PatientCodeStore {
  /** Voids the patient's earlier code. @returns false if the handle is taken: draw another. */
  put(code: {
    patientId: string;
    handle: string;
    digest: string;
    madeBy: string;
    expiresInSeconds: number;
  }): Promise<boolean>;
  /** A code that can be used now, locked until the transaction ends. */
  lock(handle: string): Promise<{ patientId: string; digest: string } | undefined>;
  remove(handle: string): Promise<void>;
  /** Tries of an account in the last hour; the account is locked, so that parallel ones count. */
  tries(accountId: string): Promise<number>;
  noteTry(accountId: string): Promise<void>;
  forgetTries(accountId: string): Promise<void>;
}
