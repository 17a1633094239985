import type { Account } from '../account-store.ts';
import type { PersonState } from './people-store.ts';

/** How a person's account stands: invited people have no password yet. */
export function stateOf({ disabled, passwordHash }: Pick<Account, 'disabled' | 'passwordHash'>): PersonState {
  if (disabled) return 'disabled';
  return passwordHash === null ? 'invited' : 'active';
}
