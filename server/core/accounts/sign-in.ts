import type { Account, Stores } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { AttemptKey, AttemptStore } from './authorizations.ts';
import { addressKey } from './account.ts';
import { normalise, type PasswordHasher } from './password.ts';

export interface SignInAttempt {
  email: string;
  password: string;
  /** Network address of the caller, as far as it can be trusted. */
  sourceAddress: string;
  requestId?: string;
  /** App on whose behalf the person signs in. */
  clientId: string;
}

const minutes = 60;

/**
 * Ten tries for an account from one place. From all places together 90 in an hour (below the 100 of NIST SP
 * 800-63B-4 3.2.2): guessing is hopeless, and nobody can lock a doctor out for a day.
 */
function limits(email: string, address: string): { pair: AttemptKey; account: AttemptKey; place: AttemptKey } {
  return {
    pair: { key: `pair ${email} ${address}`, limit: 10, window: 15 * minutes },
    account: { key: `account ${email}`, limit: 90, window: 60 * minutes },
    place: { key: `place ${address}`, limit: 100, window: 15 * minutes },
  };
}

/**
 * Checks address and password. Unknown, disabled and mistyped get the same answer in the same time, and
 * each leaves an audit row: the audit names the account only when it exists.
 *
 * @returns the account whose password it was.
 * @throws Problem `login` when they do not fit, `throttled` with `retryAfter` after too many tries.
 */
export async function signIn(
  stores: Pick<Stores, 'accounts' | 'audit'>,
  { attempts, passwords }: { attempts: AttemptStore; passwords: PasswordHasher },
  attempt: SignInAttempt,
): Promise<Account> {
  const email = addressKey(attempt.email);
  const keys = limits(email, attempt.sourceAddress);
  const wait = await attempts.begin(Object.values(keys));
  const account = await stores.accounts.byEmail(email);
  const record = (outcome: 'success' | 'refused', event = 'smart:sign-in') =>
    stores.audit.append({
      action: 'E',
      event,
      outcome,
      principal: account && {
        kind: 'user',
        subject: account.id,
        clientId: attempt.clientId,
        role: account.role,
        fhirUser: account.fhirUser,
        scopes: [],
      },
      ...(attempt.requestId === undefined ? {} : { requestId: attempt.requestId }),
      sourceAddress: attempt.sourceAddress,
    });
  if (wait > 0) {
    await record('refused', 'smart:sign-in-throttled');
    throw new Problem('throttled', 'Too many tries. Wait before you try again.', { retryAfter: wait });
  }
  const fits = await passwords.verify(account?.passwordHash ?? (await passwords.decoy), normalise(attempt.password));
  if (!account || !fits || account.disabled) {
    await record('refused');
    throw new Problem('login', 'E-mail address or password is not right.');
  }
  await attempts.succeed({ forget: [keys.pair.key, keys.account.key], giveBack: [keys.place.key] });
  await record('success');
  return account;
}
