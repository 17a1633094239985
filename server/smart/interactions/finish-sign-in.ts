import type { Account } from '../../core/accounts/account-store.ts';
import { twoFactors } from '../../core/accounts/sign-in/fresh-factor.ts';
import { finish, type InteractionParts, type Step } from './interaction-step.ts';
import { rememberDevice } from './known-device.ts';

/** The person is in: by the password, or by both factors. */
export async function finishSignIn(
  parts: InteractionParts,
  step: Step,
  account: Account,
  { remember, amr, proved = false }: { remember: boolean; amr: string[]; proved?: boolean },
): Promise<void> {
  rememberDevice(deviceParts(parts), step.ctx, account);
  await parts.world.transaction(({ accounts }) => accounts.signedIn(account.id));
  const login = { accountId: account.id, remember, amr, ...(proved && { acr: twoFactors }) };
  await finish(parts, step, { login });
}

export function deviceParts({ cookieKey, world }: InteractionParts): { cookieKey: string; publicUrl: string } {
  return { cookieKey, publicUrl: world.settings.publicUrl };
}
