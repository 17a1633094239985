import type { Account } from '../account-store.ts';
import type { ReadsFrom } from '../../world.ts';
import { Problem } from '../../problem.ts';
import type { AttemptKey, AttemptStore } from '../authorizations.ts';
import { addressKey } from '../account.ts';
import { normalise, type PasswordHasher } from './password.ts';
import { deviceLimit, strangerLimits } from './sign-in-limits.ts';

export interface SignInAttempt {
  email: string;
  password: string;
  /** Network address of the caller, as far as it can be trusted. */
  sourceAddress: string;
  /** The browser, and whether this person has signed in with it before. */
  device?: { id: string; knows(account: Account): boolean };
  requestId?: string;
  /** App on whose behalf the person signs in. */
  clientId: string;
}

/**
 * Checks address and password. Unknown, disabled and mistyped get the same answer in the same time, and
 * each leaves an audit row: the audit names the account only when it exists.
 *
 * @returns the account whose password it was.
 * @throws Problem `login` when they do not fit, `throttled` with `retryAfter` after too many tries, what the hasher
 * throws when too many wait for it.
 */
export async function signIn(
  world: ReadsFrom<'accounts' | 'audit'>,
  { attempts, passwords }: { attempts: AttemptStore; passwords: PasswordHasher },
  attempt: SignInAttempt,
): Promise<Account> {
  const email = addressKey(attempt.email);
  const account = await world.read(({ accounts }) => accounts.byEmail(email));
  const counted = countedOn(attempt, email, account);
  const wait = await attempts.begin(counted.all);
  const record = (outcome: 'success' | 'refused', event = 'smart:sign-in') =>
    world.read(({ audit }) =>
      audit.append({
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
      }),
    );
  if (wait > 0) {
    await record('refused', 'smart:sign-in-throttled');
    throw new Problem('throttled', throttledMessage(wait), { retryAfter: wait });
  }
  const hash = account?.passwordHash ?? (await passwords.decoy);
  const fits = await passwords.verify(hash, normalise(attempt.password)).catch(async (error: unknown) => {
    await attempts.settle({ giveBack: counted.all }); // nothing was learnt from it
    throw error;
  });
  if (!account || !fits || account.disabled) {
    await record('refused');
    throw new Problem('login', 'E-mail address or password is not right.');
  }
  await attempts.settle({ forget: counted.own, giveBack: counted.shared });
  await record('success');
  return account;
}

/** @returns `own` keys are of this account only, `shared` ones of others too. */
function countedOn(
  { device, sourceAddress }: SignInAttempt,
  email: string,
  account: Account | undefined,
): Record<'all' | 'own' | 'shared', AttemptKey[]> {
  if (device && account && device.knows(account)) {
    const own = [deviceLimit(device.id, email)];
    return { all: own, own, shared: [] };
  }
  const { pair, account: everywhere, place } = strangerLimits(email, sourceAddress);
  return { all: [pair, everywhere, place], own: [pair, everywhere], shared: [place] };
}

/** The same for known and unknown addresses. */
function throttledMessage(seconds: number): string {
  const wait = seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return (
    `Too many tries for this account or from this network. Try again in ${wait}, or in a browser that you have signed ` +
    'in with before: that one is not held up. If you do not know your password, ask your administrator.'
  );
}
