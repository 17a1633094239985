import { postMail } from '../../deliveries/post-mail.ts';
import { Problem } from '../../problem.ts';
import { inOneTransaction } from '../../records/write.ts';
import type { Trace } from '../../trace.ts';
import type { World, WriteContext } from '../../world.ts';
import { addressKey, plainAddress } from '../account.ts';
import { auditAccount, selfOf } from './account-audit.ts';
import { addressAskedLetter, addressChangedLetter, newAddressLetter } from './account-letters.ts';
import type { Account } from '../account-store.ts';
import { makeLink, readLink, takeLink } from '../one-time-link.ts';
import { inviteAgain } from './invitation.ts';
import type { Person } from './people-store.ts';
import { stateOf } from './person-state.ts';

/**
 * Asks for another address of an account: the new one gets a link that confirms it, the old one hears of it, and
 * nothing changes until the link is used. Of somebody who has not answered the invitation the address is changed at
 * once, and the invitation goes there.
 *
 * @throws Problem `value`; `business-rule` for the address that it has; `conflict` for a disabled account.
 */
export async function askForAddress(context: WriteContext, person: Person, wanted: string): Promise<void> {
  const { stores, world } = context;
  const email = plainAddress(wanted);
  if (email === person.email)
    throw new Problem('business-rule', 'This is the address already.', { expression: 'email' });
  const state = stateOf(person);
  if (state === 'disabled') throw new Problem('conflict', 'The account is disabled: enable it first.');
  await auditAccount(context, 'account:address', person);
  if (state === 'invited') {
    await stores.people.change(person.id, { email });
    return inviteAgain(context, { ...person, email });
  }
  const known = await stores.accounts.byEmail(email);
  const link = await makeLink(stores, { purpose: 'verify-address', accountId: person.id, data: { email } });
  const about = { accountId: person.id };
  // Whose address it is already is told to nobody but that mailbox.
  if (!known || known.id === person.id)
    await postMail(stores, world.secrets, { to: email, ...about, ...newAddressLetter(world.settings, link) });
  await postMail(stores, world.secrets, { to: person.email, ...about, ...addressAskedLetter(world.settings) });
}

/** The address that a link confirms, as long as it works. */
export async function addressLink(world: World, word: string): Promise<string | undefined> {
  return world.read(async ({ links, accounts }) => {
    const link = await readLink(links, word);
    if (link?.purpose !== 'verify-address' || link.accountId === undefined) return undefined;
    const account = await accounts.byId(link.accountId);
    return account && stateOf(account) === 'active' ? link.data['email'] : undefined;
  });
}

/**
 * The new address counts from now on.
 *
 * @throws Problem `deleted` for a link that does not work (any more), `duplicate` if the address has got an account since.
 */
export async function confirmAddress(world: World, word: string, trace: Trace): Promise<Account> {
  const asked = await world.read(async ({ links, accounts }) => {
    const link = await readLink(links, word);
    return link?.accountId === undefined ? undefined : accounts.byId(link.accountId);
  });
  const over = () => new Problem('deleted', 'This link does not work any more. Ask for the change again.');
  if (!asked) throw over();
  return inOneTransaction(world, { principal: selfOf(asked), ...trace }, async (context) => {
    const { stores } = context;
    const link = await takeLink(stores.links, word);
    const person = link?.accountId === undefined ? undefined : await stores.people.lock(link.accountId);
    const email = link?.data['email'];
    if (link?.purpose !== 'verify-address' || !person || !email || stateOf(person) !== 'active') throw over();
    await stores.people.change(person.id, { email, verifiedAt: world.now() });
    // Words that went to the old mailbox open nothing any more.
    await stores.links.revoke(person.id, ['reset-password', 'reset-factors', 'verify-address']);
    await auditAccount(context, 'account:address', person);
    if (addressKey(email) !== addressKey(person.email))
      await postMail(stores, world.secrets, { to: person.email, accountId: person.id, ...addressChangedLetter(world.settings) }); // prettier-ignore
    return { ...person, email };
  });
}
