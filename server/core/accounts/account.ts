import type { ReadsFrom, WritesTo } from '../world.ts';
import { newId } from '../identifier.ts';
import type { Account } from './account-store.ts';
import type { Role } from '../principal.ts';
import { Problem } from '../problem.ts';
import type { AuthorizationStore } from './authorizations.ts';
import { mustHaveFactor } from './factors/ways.ts';
import { normalise, type PasswordHasher } from './password.ts';
import { passwordFault } from './password-strength.ts';
import type { Settings } from '../settings.ts';

export interface NewAccount {
  email: string;
  password: string;
  role: Role;
  displayName: string;
  /** `Practitioner/id`, or `Patient/id` for a patient. */
  fhirUser: string;
}

type AccountWorld = ReadsFrom<'accounts'> & WritesTo<'accounts'>;

/** One plain address (RFC 5321 without comments, quotes and groups): whatever else a mail header understands is not let in. */
const plainAddress =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$/;

/** The form under which an address is looked up and counted. */
export function addressKey(email: string): string {
  return email.trim().toLowerCase().slice(0, 320);
}

/**
 * Makes an account whose password a person chose.
 *
 * @throws Problem `value` for an address or password that is not accepted, `invariant` if role and person do
 * not fit, `duplicate` if the address is taken.
 */
export async function createAccount(
  world: AccountWorld,
  passwords: PasswordHasher,
  wanted: NewAccount,
  /** `secondFactor`: the role cannot be without one, so that a shorter password does. */
  options: { secondFactor: boolean } = { secondFactor: false },
): Promise<Account> {
  const fault = passwordFault(wanted.password, { ...options, context: [wanted.email, wanted.displayName] });
  if (fault) throw new Problem('value', fault, { expression: 'password' });
  return insertAccount(world, passwords, wanted);
}

/**
 * Makes the account if its address is free, and leaves an existing one as it is: for the accounts that the
 * operator or demo mode brings along, whose published passwords the rules for new ones would refuse.
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
  const email = wanted.email.trim();
  if (email.length > 254 || !plainAddress.test(email)) {
    throw new Problem('value', 'This is not an e-mail address.', { expression: 'email' });
  }
  checkPerson(wanted.role, wanted.fhirUser);
  const account: Account = {
    id: newId(),
    email,
    passwordHash: await passwords.hash(normalise(wanted.password)),
    role: wanted.role,
    displayName: wanted.displayName,
    fhirUser: wanted.fhirUser,
    disabled: false,
  };
  await world.transaction(({ accounts }) => accounts.insert(account));
  return account;
}

/** Access by compartment hangs on this reference, so it is checked where it enters. */
function checkPerson(role: Role, fhirUser: string): void {
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

/** Locks a person out: no new sign-in, and every session and authorisation ends (tokens within 60 s). */
export async function disableAccount(
  world: AccountWorld,
  authorizations: AuthorizationStore,
  id: string,
): Promise<void> {
  await world.transaction(({ accounts }) => accounts.setDisabled(id, true));
  await authorizations.revokeAccount(id);
}

/** Gives another role. What the old one was granted ends; the person signs in anew. */
export async function changeRole(
  world: AccountWorld,
  authorizations: AuthorizationStore,
  id: string,
  { role, fhirUser }: { role: Role; fhirUser: string },
): Promise<void> {
  checkPerson(role, fhirUser);
  await world.transaction(({ accounts }) => accounts.setRole(id, role, fhirUser));
  await authorizations.revokeAccount(id);
}

/**
 * Sets a new password and ends what was signed in with the old one. Beside a second factor that the role cannot be without
 * it may be shorter.
 *
 * @throws Problem `value`.
 */
export async function changePassword(
  world: AccountWorld & { settings: Pick<Settings, 'secondFactorRoles' | 'organizationName'> },
  passwords: PasswordHasher,
  authorizations: AuthorizationStore,
  account: Account,
  password: string,
): Promise<void> {
  const context = [account.email, account.displayName, world.settings.organizationName];
  const secondFactor = mustHaveFactor(world.settings, account.role);
  const fault = passwordFault(password, { secondFactor, context });
  if (fault) throw new Problem('value', fault, { expression: 'password' });
  const passwordHash = await passwords.hash(normalise(password));
  await world.transaction(({ accounts }) => accounts.setPasswordHash(account.id, passwordHash));
  await authorizations.revokeAccount(account.id);
}
