import type { Reading } from '../../world.ts';
import type { Role } from '../../principal.ts';
import type { Settings } from '../../settings.ts';
import type { Account } from '../account-store.ts';
import type { Factor, PasskeyFactor, TotpFactor } from './factor-store.ts';

/** How somebody can prove themselves after the password. */
export type Way = 'passkey' | 'totp' | 'mail' | 'recovery';

export interface Ways {
  /** The strongest first; empty: the person has nothing. */
  ways: Way[];
  passkeys: PasskeyFactor[];
  totps: TotpFactor[];
  recoveryCodesLeft: number;
  /** The role may not be without. */
  required: boolean;
}

type Rules = Pick<Settings, 'secondFactorRoles' | 'mailCodes'>;

export function mustHaveFactor(settings: Pick<Settings, 'secondFactorRoles'>, role: Role): boolean {
  return settings.secondFactorRoles.includes(role);
}

/**
 * What a person can prove themselves with. Codes by mail, where the site allows them, are for who wants them and, so that
 * nobody is locked out, for who must have something and has nothing else yet.
 */
export async function waysOf(
  { factors }: { factors: Pick<Reading['factors'], 'of' | 'mail' | 'recoveryCodesLeft'> },
  settings: Rules,
  account: Pick<Account, 'id' | 'role'>,
): Promise<Ways> {
  const own = await factors.of(account.id);
  const recoveryCodesLeft = await factors.recoveryCodesLeft(account.id);
  const required = mustHaveFactor(settings, account.role);
  const passkeys = own.filter((factor): factor is PasskeyFactor & Factor => factor.kind === 'passkey');
  const totps = own.filter((factor): factor is TotpFactor & Factor => factor.kind === 'totp');
  const byMail = settings.mailCodes && ((required && own.length === 0) || (await factors.mail(account.id)));
  const ways: Way[] = [
    ...(passkeys.length > 0 ? (['passkey'] as const) : []),
    ...(totps.length > 0 ? (['totp'] as const) : []),
    ...(byMail ? (['mail'] as const) : []),
  ];
  if (ways.length > 0 && recoveryCodesLeft > 0) ways.push('recovery');
  return { ways, passkeys, totps, recoveryCodesLeft, required };
}
