import { postMail } from '../../deliveries/post-mail.ts';
import type { Surroundings, WritesTo } from '../../world.ts';
import type { Account } from '../account-store.ts';
import { makeLink } from '../one-time-link.ts';
import { mailLimits } from './mail-code.ts';

/**
 * Mails a link to set up a second factor to somebody who must have one and has none: the password alone lets nobody
 * choose it.
 *
 * @returns seconds until another can be sent, 0 when this one was.
 */
export async function mailLinkToSetUp(
  world: Pick<Surroundings, 'secrets' | 'settings'> & WritesTo<'factors' | 'links' | 'deliveries' | 'jobs'>,
  account: Account,
): Promise<number> {
  const { secrets, settings } = world;
  return world.transaction(async (stores) => {
    const wait = await stores.factors.countMail(account.id, mailLimits);
    if (wait > 0) return wait;
    const { word, seconds } = await makeLink(stores, { purpose: 'reset-factors', accountId: account.id, data: {} });
    await postMail(stores, secrets, {
      kind: 'link',
      to: account.email,
      subject: `Set up your second factor for ${settings.organizationName}`,
      text: [
        'Your account needs a second factor beside the password. Set it up here:',
        '',
        `${settings.publicUrl}/account/link/${word}`,
        '',
        `The link works once, for ${Math.round(seconds / 60)} minutes.`,
        'If you are not signing in now, somebody else knows your password: change it and tell your administrator.',
      ].join('\n'),
      accountId: account.id,
      usefulSeconds: seconds,
    });
    return 0;
  });
}
