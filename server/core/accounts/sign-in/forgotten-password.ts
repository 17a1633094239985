import { randomBytes } from 'node:crypto';
import { isPlainAddress } from '../../deliveries/mail-address.ts';
import { postMail } from '../../deliveries/post-mail.ts';
import { systemPrincipal } from '../../principal.ts';
import { inOneTransaction } from '../../records/write.ts';
import type { Trace } from '../../trace.ts';
import type { World } from '../../world.ts';
import { addressKey } from '../account.ts';
import { auditAccount } from '../people/account-audit.ts';
import { mayAskForMail } from './account-limits.ts';
import { noResetLetter, resetLetter } from '../people/account-letters.ts';
import type { AttemptStore } from '../authorizations.ts';
import { makeLink } from '../one-time-link.ts';
import { stateOf } from '../people/person-state.ts';

/**
 * Mails a link for a new password to an address that has an account. Whether it has one shows in nothing but that mail;
 * the caller answers after a time that does not depend on it either (`takeItsTime`).
 *
 * @throws Problem `throttled` for a network that asks too often.
 */
export async function askForNewPassword(
  world: World,
  attempts: AttemptStore,
  { email, sourceAddress, ...trace }: { email: string; sourceAddress: string } & Trace,
): Promise<void> {
  if (!(await mayAskForMail(attempts, 'forgotten', { email, sourceAddress }))) return;
  const address = addressKey(email);
  if (!isPlainAddress(address)) return;
  await inOneTransaction(
    world,
    { principal: systemPrincipal('accounts'), sourceAddress, ...trace },
    async (context) => {
      const { stores } = context;
      const account = await stores.accounts.byEmail(address);
      if (!account) {
        // The same row is written, and nobody knows its word.
        await makeLink(stores, { purpose: 'reset-password', data: { decoy: randomBytes(8).toString('hex') } });
        return;
      }
      const state = stateOf(account);
      const link = { purpose: 'reset-password', accountId: account.id, data: {} } as const;
      const letter =
        state === 'active'
          ? resetLetter(world.settings, await makeLink(stores, link, { keepEarlier: true }))
          : noResetLetter(world.settings, state);
      await auditAccount(context, 'account:forgotten', account, { action: 'E', principal: undefined });
      await postMail(stores, world.secrets, { to: account.email, accountId: account.id, ...letter });
    },
  );
}
