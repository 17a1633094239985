/** Addresses from which somebody has confirmed to be the person of a record. */
export interface AddressStore {
  /** @param person `Patient/id` */
  confirm(address: string, person: string): Promise<void>;
  /** Confirmed by a link, or the verified address of this person's own account. */
  isConfirmed(address: string, person: string): Promise<boolean>;
  /** The verified address with which this person signs in, if there is an account that can. */
  ofAccount(person: string): Promise<string | undefined>;
}
