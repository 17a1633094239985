import { isPlainAddress } from '../deliveries/mail-address.ts';
import type { ReadsFrom, WritesTo } from '../world.ts';
import { newId } from '../identifier.ts';
import type { Account } from './account-store.ts';
import type { Role } from '../principal.ts';
import { Problem } from '../problem.ts';
import { normalise, type PasswordHasher } from './sign-in/password.ts';

export interface NewAccount {
  email: string;
  password: string;
  role: Role;
  displayName: string;
  /** `Practitioner/id`, or `Patient/id` for a patient. */
  fhirUser: string;
}

type AccountWorld = ReadsFrom<'accounts'> & WritesTo<'accounts'>;

/** The form under which an address is looked up and counted. */
export function addressKey(email: string): string {
  return email.trim().toLowerCase().slice(0, 320);
}

/**
 * Makes the account if its address is free, and leaves an existing one as it is: for the accounts that the
 * operator or demo mode brings along, whose published passwords the rules for new ones would refuse. Their addresses
 * count as verified: whoever brings them along answers for them.
 */
export async function ensureAccount(
  world: AccountWorld,
  passwords: PasswordHasher,
  wanted: NewAccount,
): Promise<Account> {
  const find = () => world.read(({ accounts }) => accounts.byEmail(wanted.email));
  const standing = await find();
  if (standing) return standing;
  try {
    return await insertAccount(world, passwords, wanted);
  } catch (error) {
    const winner = error instanceof Problem && error.code === 'duplicate' ? await find() : undefined;
    if (winner) return winner;
    throw error;
  }
}

async function insertAccount(world: AccountWorld, passwords: PasswordHasher, wanted: NewAccount): Promise<Account> {
  const email = plainAddress(wanted.email);
  checkPerson(wanted.role, wanted.fhirUser);
  const account: Account = {
    id: newId(),
    email,
    passwordHash: await passwords.hash(normalise(wanted.password)),
    role: wanted.role,
    displayName: wanted.displayName,
    fhirUser: wanted.fhirUser,
    disabled: false,
    verifiedAt: new Date(), // whoever brings it along answers for it
  };
  await world.transaction(({ accounts }) => accounts.insert(account));
  return account;
}

/**
 * One plain address (RFC 5321 without comments, quotes and groups): whatever else a mail header understands is not let in.
 *
 * @throws Problem `value`.
 */
export function plainAddress(text: string): string {
  const email = text.trim();
  if (!isPlainAddress(email)) throw new Problem('value', 'This is not an e-mail address.', { expression: 'email' });
  return email;
}

/** Access by compartment hangs on this reference, so it is checked where it enters. */
export function checkPerson(role: Role, fhirUser: string): void {
  const type = role === 'patient' ? 'Patient' : 'Practitioner';
  if (!new RegExp(`^${type}/[A-Za-z0-9.-]{1,64}$`).test(fhirUser)) {
    throw new Problem('invariant', `The role ${role} needs a reference to a ${type}.`, { expression: 'fhirUser' });
  }
}

/** FHIR id of the patient that the account is; undefined for staff. */
export function patientOf(account: Pick<Account, 'role' | 'fhirUser'>): string | undefined {
  const [type, id] = account.fhirUser.split('/');
  return account.role === 'patient' && type === 'Patient' ? id : undefined;
}
