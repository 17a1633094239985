/** What a member of staff does not see, and what is open in an emergency. FHIR ids of patients. */
export interface Restrictions {
  hidden: readonly string[];
  emergency: readonly string[];
}

/** Access that somebody took in an emergency. */
export interface EmergencyAccess {
  accountId: string;
  patientId: string;
  reason: string;
  at: Date;
  until: Date;
}

/** Restricted records: whose they are, who reads them, and who has opened one in an emergency. */
export interface RestrictedStore {
  /**
   * @param readers references of practitioners, their roles and organisations (`Practitioner/id`); undefined: the record
   * is not restricted any more.
   */
  restrict(patientId: string, readers: readonly string[] | undefined): Promise<void>;
  /** For this account as it is now; of accounts that see everything, nothing. */
  restrictionsOf(accountId: string): Promise<Restrictions>;
  /** Opens the record; one that is open stays so until the later of both times. @returns until when. */
  open(access: { accountId: string; patientId: string; reason: string; seconds: number }): Promise<Date>;
  /** The latest first. */
  opened(limit: number): Promise<EmergencyAccess[]>;
}
