import { Problem } from '../problem.ts';
import type { Account } from './account-store.ts';
import { normalise, passwordFault, type PasswordHasher } from './password.ts';

/**
 * What is stored of a password that a person has chosen. Slow on purpose: call it outside a transaction.
 *
 * @throws Problem `value` with the reason why it is not good enough; what the hasher throws when too many wait for it.
 */
export async function hashNewPassword(
  passwords: PasswordHasher,
  password: string,
  { email, displayName }: Pick<Account, 'email' | 'displayName'>,
): Promise<string> {
  // The longer one, also for who has a second factor: that can be taken off, the password stays.
  const fault = passwordFault(password, { secondFactor: false, context: [email, displayName] });
  if (fault) throw new Problem('value', fault, { expression: 'password' });
  return passwords.hash(normalise(password));
}
