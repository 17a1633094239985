import type { Role } from '../principal.ts';

export interface Account {
  id: string;
  email: string;
  /** argon2id PHC string; null for somebody who was invited and has not answered yet. */
  passwordHash: string | null;
  role: Role;
  displayName: string;
  /** The person's own FHIR resource: `Practitioner/id` or `Patient/id`. */
  fhirUser: string;
  disabled: boolean;
  /** When somebody first answered from this address; health data goes to no other. */
  verifiedAt?: Date;
  lastSignInAt?: Date;
  /** BCP 47; without it the browser's. */
  language?: string;
}

export interface AccountStore {
  byId(id: string): Promise<Account | undefined>;
  /** Email compared case-insensitively. */
  byEmail(email: string): Promise<Account | undefined>;
  /** Those who can sign in, oldest first; the first fifty. */
  activeWithRole(role: Role): Promise<Account[]>;
  /** Whether somebody signs in as this person (`Practitioner/id`). */
  isSomebody(fhirUser: string): Promise<boolean>;
  /** @throws Problem `duplicate` if the id or the address is taken. */
  insert(account: Account): Promise<void>;
  setDisabled(id: string, disabled: boolean): Promise<void>;
  setRole(id: string, role: Account['role'], fhirUser: string): Promise<void>;
  /**
   * Makes the accounts of one person (`Patient/id`) those of another record of the same person.
   * @param only accounts with these ids.
   * @returns their ids.
   */
  moveTo(fhirUser: string, to: string, only?: readonly string[]): Promise<string[]>;
  setPasswordHash(id: string, passwordHash: string): Promise<void>;
  /** Writes down that the person has signed in now. */
  signedIn(id: string): Promise<void>;
  /** Writes down that somebody has answered from the address; the first time stays. */
  verified(id: string): Promise<void>;
}
