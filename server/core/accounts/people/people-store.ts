import type { Role } from '../../principal.ts';
import type { Account } from '../account-store.ts';

export type PersonState = 'invited' | 'active' | 'disabled';

/** An account with what administrators see of it. */
export interface Person extends Account {
  /** False for a patient whose empty record was not yet tied to one that the clinic knows. */
  tied: boolean;
  /** Whether a mail tells of a report that is ready. */
  notifyReport: boolean;
  createdAt: Date;
  passwordChangedAt?: Date;
  /** Until when the invitation can be answered, if there is one. */
  invitationEndsAt?: Date;
}

export interface PeopleWanted {
  /** Part of name or address. */
  text?: string | undefined;
  role?: Role | undefined;
  state?: PersonState | undefined;
  /** Patients who wait to be tied. */
  untied?: boolean;
  offset: number;
  limit: number;
}

export type PersonChange = Partial<
  Pick<Account, 'email' | 'displayName' | 'language' | 'verifiedAt'> & Pick<Person, 'tied' | 'notifyReport'>
>;

/** What an administrator did with an account. */
export interface AccountAct {
  act: 'invite' | 'role' | 'disable' | 'enable' | 'end-sessions' | 'reset-factors' | 'tie';
  /** Account id. */
  by?: string;
  byName?: string;
  at: Date;
}

/** Accounts as administrators and people themselves manage them. */
export interface PeopleStore {
  find(wanted: PeopleWanted): Promise<{ people: Person[]; total: number }>;
  byId(id: string): Promise<Person | undefined>;
  /** Locked until the transaction ends. */
  lock(id: string): Promise<Person | undefined>;
  /** Ids of the administrators who can sign in; all of them are locked, in one order, so that the last one stays. */
  lockActiveAdmins(): Promise<string[]>;
  /** @throws Problem `duplicate` if the address is taken. */
  change(id: string, change: PersonChange): Promise<void>;
  noteAct(id: string, act: Pick<AccountAct, 'act' | 'by'> & { reason?: string }): Promise<void>;
  lastAct(id: string, acts: readonly AccountAct['act'][]): Promise<AccountAct | undefined>;
  /** False if everybody who signs in as this patient has said that no mail is wanted. */
  wantsReportMail(patientId: string): Promise<boolean>;
}
