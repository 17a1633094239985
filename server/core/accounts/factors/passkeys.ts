import type { Account } from '../account-store.ts';
import type { PasskeyFactor } from './factor-store.ts';

/** What the browser is asked (WebAuthn Level 3, JSON forms), and the challenge that its answer must hold. */
export interface PasskeyQuestion {
  options: unknown;
  challenge: string;
}

/** Passkeys and security keys of this site. */
export interface Passkeys {
  /** @param known of this person: they are not made twice. */
  askToMake(
    account: Pick<Account, 'id' | 'email' | 'displayName'>,
    known: readonly PasskeyFactor[],
  ): Promise<PasskeyQuestion>;
  /** The new passkey; undefined if the answer is none to this question from this site. */
  made(
    response: unknown,
    challenge: string,
  ): Promise<Pick<PasskeyFactor, 'credential' | 'publicKey' | 'transports' | 'counter'> | undefined>;
  askToProve(known: readonly PasskeyFactor[]): Promise<PasskeyQuestion>;
  /** Which of them signed, and its counter; undefined if none did. */
  proved(
    response: unknown,
    challenge: string,
    known: readonly PasskeyFactor[],
  ): Promise<{ factor: PasskeyFactor; counter: number } | undefined>;
}
