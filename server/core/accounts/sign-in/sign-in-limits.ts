import { networkOf } from '../../network.ts';
import type { AttemptKey } from '../authorizations.ts';

const minute = 60;
const quarter = 15 * minute;

/**
 * What a try counts on, from a browser in which this person has not signed in before: the account from this network,
 * the account from anywhere, the network for all accounts. From the last of the free tries on each one costs a wait of
 * 30 s, then twice as long, up to an hour for the account (NIST SP 800-63B-4 3.2.2): some 100 guesses a day, and an
 * honest person's mistakes are forgotten in the meantime.
 */
export function strangerLimits(email: string, address: string): Record<'pair' | 'account' | 'place', AttemptKey> {
  return {
    pair: { key: `pair ${email} ${networkOf(address, 24)}`, free: 10, leak: quarter, longest: quarter },
    account: { key: `account ${email}`, free: 60, leak: quarter, longest: 60 * minute },
    place: { key: `place ${networkOf(address, 32)}`, free: 100, leak: minute, longest: quarter },
  };
}

/**
 * In a browser in which this person has signed in before only its own tries count. So nobody elsewhere, and nobody in
 * the same building, can keep a doctor from the doctor's own computer by wrong passwords.
 */
export function deviceLimit(device: string, email: string): AttemptKey {
  return { key: `device ${device} ${email}`, free: 10, leak: quarter, longest: quarter };
}

/** What a wrong code counts on, after a right password: the account from this network, and from anywhere. */
export function factorLimits(accountId: string, address: string): Record<'pair' | 'account', AttemptKey> {
  return {
    pair: { key: `factor-pair ${accountId} ${networkOf(address, 24)}`, free: 10, leak: quarter, longest: quarter },
    account: { key: `factor-account ${accountId}`, free: 60, leak: quarter, longest: 60 * minute },
  };
}

/** In a browser in which this person has signed in before only its own wrong codes count. */
export function deviceFactorLimit(device: string, accountId: string): AttemptKey {
  return { key: `factor-device ${device} ${accountId}`, free: 10, leak: quarter, longest: quarter };
}
