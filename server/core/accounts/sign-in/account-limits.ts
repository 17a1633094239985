/** How often what needs no sign-in may be asked for: by network, and by the address that would get the mail. */
import { Problem } from '../../problem.ts';
import { addressKey } from '../account.ts';
import type { AttemptKey, AttemptStore } from '../authorizations.ts';
import { networkOf } from '../../network.ts';

const minute = 60;

/**
 * Counts a request for a mail with a link. A network that asks too often waits, whatever it asks for. An address that
 * was asked for too often gets no more mail for some minutes, from whomever: the answer stays the same, and the links
 * that it got before go on working, so that nobody can keep a person from their account by asking.
 *
 * @returns whether a mail may be sent. @throws Problem `throttled` for the network.
 */
export async function mayAskForMail(
  attempts: AttemptStore,
  what: 'register' | 'forgotten',
  { email, sourceAddress }: { email: string; sourceAddress: string },
): Promise<boolean> {
  const network: AttemptKey = {
    key: `${what} network ${networkOf(sourceAddress, 32)}`,
    free: 20,
    leak: minute,
    longest: 15 * minute,
  };
  const wait = await attempts.begin([network]);
  if (wait > 0)
    throw new Problem(
      'throttled',
      `Too many requests from this network. Try again in ${Math.ceil(wait / 60)} minutes.`,
      {
        retryAfter: wait,
      },
    );
  const address: AttemptKey = { key: `${what} address ${addressKey(email)}`, free: 4, leak: 10 * minute, longest: 15 * minute }; // prettier-ignore
  return (await attempts.begin([address])) === 0;
}

/** Counts a signed-in person's tries at the own password. @throws Problem `throttled`. */
export async function mayTryPassword(attempts: AttemptStore, accountId: string): Promise<AttemptKey> {
  const key: AttemptKey = { key: `own password ${accountId}`, free: 10, leak: 15 * minute, longest: 15 * minute };
  const wait = await attempts.begin([key]);
  if (wait > 0)
    throw new Problem('throttled', `Too many wrong passwords. Try again in ${wait} seconds.`, { retryAfter: wait });
  return key;
}
