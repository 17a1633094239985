import { Problem } from '../../problem.ts';
import type { Settings } from '../../settings.ts';
import type { Account } from '../account-store.ts';
import { mustHaveFactor } from '../factors/ways.ts';
import { normalise, type PasswordHasher } from './password.ts';
import { passwordFault } from './password-strength.ts';

/**
 * What is stored of a password that a person has chosen. Slow on purpose: call it outside a transaction.
 *
 * @throws Problem `value` with the reason why it is not good enough; what the hasher throws when too many wait for it.
 */
export async function hashNewPassword(
  { settings }: { settings: Pick<Settings, 'secondFactorRoles' | 'organizationName'> },
  passwords: PasswordHasher,
  password: string,
  { email, displayName, role }: Pick<Account, 'email' | 'displayName' | 'role'>,
): Promise<string> {
  // Shorter only beside a factor that the role cannot be without: others can be taken off, and the password stays.
  const secondFactor = mustHaveFactor(settings, role);
  const fault = passwordFault(password, { secondFactor, context: [email, displayName, settings.organizationName] });
  if (fault !== undefined) throw new Problem('value', fault, { expression: 'password' });
  return passwords.hash(normalise(password));
}
