import { postMail } from '../../deliveries/post-mail.ts';
import { Problem } from '../../problem.ts';
import type { WriteContext } from '../../world.ts';
import { auditAccount } from './account-audit.ts';
import { invitationLetter } from './account-letters.ts';
import type { Account } from '../account-store.ts';
import { invitePerson, type NewPerson } from './invite.ts';
import { makeLink } from '../one-time-link.ts';
import type { Person } from './people-store.ts';
import { stateOf } from './person-state.ts';

/** Invites somebody by mail. @throws Problem as `invitePerson`. */
export async function inviteByMail(context: WriteContext, person: NewPerson): Promise<Account> {
  const { account, ...link } = await invitePerson(context, person, 'invitation');
  await context.stores.people.noteAct(account.id, { act: 'invite', by: context.principal.subject });
  await post(context, account, link);
  return account;
}

/**
 * Sends a new invitation; the earlier link ends.
 *
 * @throws Problem `conflict` for somebody who is not invited any more.
 */
export async function inviteAgain(context: WriteContext, person: Person): Promise<void> {
  const state = stateOf(person);
  if (state !== 'invited')
    throw new Problem(
      'conflict',
      state === 'active'
        ? 'The invitation was answered already: this person signs in, and gets a new password by "Forgotten password".'
        : 'The account is disabled: enable it first.',
    );
  const link = await makeLink(context.stores, { purpose: 'invitation', accountId: person.id, data: {} });
  await context.stores.people.noteAct(person.id, { act: 'invite', by: context.principal.subject });
  await post(context, person, link);
  await auditAccount(context, 'account:invite', person);
}

async function post(
  { world, stores }: WriteContext,
  { id: accountId, email: to }: Pick<Account, 'id' | 'email'>,
  link: { word: string; seconds: number },
): Promise<void> {
  await postMail(stores, world.secrets, { to, accountId, ...invitationLetter(world.settings, link) });
}
