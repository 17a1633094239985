/** What administrators do with the access of others. All of it acts at the next check of a token, 20 s at most. */
import { postMail } from '../../deliveries/post-mail.ts';
import type { Role } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import type { WriteContext } from '../../world.ts';
import { checkPerson } from '../account.ts';
import { auditAccount } from './account-audit.ts';
import { newFactorLetter, roleLetter } from './account-letters.ts';
import type { LinkPurpose } from '../link-store.ts';
import { makeLink } from '../one-time-link.ts';
import type { AccountAct, Person } from './people-store.ts';
import { stateOf } from './person-state.ts';

const everyPurpose: readonly LinkPurpose[] = [
  'first-admin',
  'invitation',
  'reset-password',
  'reset-factors',
  'verify-address',
  'register',
];

/**
 * The account of an act, locked. Administrators are locked first and in one order, so that of two who act on each
 * other at once the second is seen to be none any more, and the last one is seen to be the last.
 *
 * @throws Problem `not-found`; `forbidden` if who acts is no administrator any more.
 */
export async function personForAct(context: WriteContext, id: string): Promise<{ person: Person; admins: string[] }> {
  const { principal, stores } = context;
  const admins = await stores.people.lockActiveAdmins();
  if (principal.kind === 'user' && !admins.includes(principal.subject))
    throw new Problem('forbidden', 'You are no administrator any more: another one has changed that meanwhile.');
  const person = await stores.people.lock(id);
  if (!person) throw new Problem('not-found', 'There is no such user.');
  return { person, admins };
}

/**
 * Locks a person out: no new sign-in, links that wait are void, every session and authorisation ends.
 *
 * @throws Problem `conflict` if it is disabled already, `business-rule` for oneself and the last administrator.
 */
export async function disableAccount(context: WriteContext, id: string, reason?: string): Promise<void> {
  const { person, admins } = await personForAct(context, id);
  if (person.disabled) throw await happened(context, person, 'The account is disabled already', ['disable']);
  mustStayRun(context, person, admins, 'disable');
  await context.stores.accounts.setDisabled(id, true);
  await context.stores.links.revoke(id, everyPurpose);
  await context.stores.shares.endAll(id, 'account');
  await context.stores.sessions.endAll(id);
  await note(context, person, 'disable', reason);
  await auditAccount(context, 'account:disable', person);
}

/** @throws Problem `conflict` if it is not disabled. */
export async function enableAccount(context: WriteContext, id: string): Promise<void> {
  const { person } = await personForAct(context, id);
  if (!person.disabled) throw await happened(context, person, 'The account is not disabled', ['enable']);
  await context.stores.accounts.setDisabled(id, false);
  await note(context, person, 'enable');
  await auditAccount(context, 'account:enable', person);
}

/**
 * Gives another role. What the old one was granted ends; the person signs in anew. The person's record stays: staff
 * keep their Practitioner. An account never changes between staff and patients, because their rights hang on different
 * records.
 *
 * @param wanted.from the role that who acts has seen.
 * @throws Problem `conflict` if the role is another than that, or the wanted one already; `business-rule`.
 */
export async function changeRole(
  context: WriteContext,
  id: string,
  wanted: { role: Role; reason: string; from?: Role | undefined },
): Promise<void> {
  const { person, admins } = await personForAct(context, id);
  if (wanted.from !== undefined && wanted.from !== person.role)
    throw await happened(context, person, `The role is ${person.role} by now`, ['role']);
  if (wanted.role === person.role)
    throw await happened(context, person, `The role is ${person.role} already`, ['role']);
  if ((wanted.role === 'patient') !== (person.role === 'patient'))
    throw new Problem(
      'business-rule',
      'An account of staff does not become one of a patient, nor the other way round: disable it and invite the person with another address.',
      { expression: 'role' },
    );
  mustStayRun(context, person, admins, 'demote');
  checkPerson(wanted.role, person.fhirUser);
  await context.stores.accounts.setRole(id, wanted.role, person.fhirUser);
  await context.stores.sessions.endAll(id);
  await note(context, person, 'role', wanted.reason);
  await auditAccount(context, 'account:role', { ...person, role: wanted.role });
  await tell(context, person, roleLetter(context.world.settings, wanted.role));
}

/** Signs a person out everywhere, apps included. */
export async function endSessions(context: WriteContext, id: string): Promise<void> {
  const { person } = await personForAct(context, id);
  await context.stores.sessions.endAll(id);
  await note(context, person, 'end-sessions');
  await auditAccount(context, 'account:end-sessions', person);
}

/**
 * Takes the second factors off an account, signs it out and makes a link with which the person sets up a new one.
 *
 * @param options.mail it goes to the person's address (default); else whoever asked hands it over.
 * @throws Problem `conflict` for somebody who is disabled or has not answered the invitation.
 */
export async function resetFactors(
  context: WriteContext,
  id: string,
  { mail = true }: { mail?: boolean } = {},
): Promise<{ word: string; seconds: number }> {
  const { person } = await personForAct(context, id);
  const state = stateOf(person);
  if (state !== 'active')
    throw new Problem(
      'conflict',
      state === 'invited'
        ? 'The invitation was not answered yet: the person sets up a second factor with it. Send it again.'
        : 'The account is disabled: enable it first.',
    );
  await context.stores.factors.removeAll(id);
  await context.stores.sessions.endAll(id);
  const link = await makeLink(context.stores, { purpose: 'reset-factors', accountId: id, data: {} });
  await note(context, person, 'reset-factors');
  await auditAccount(context, 'account:factor', person);
  if (mail) await tell(context, person, newFactorLetter(context.world.settings, link));
  return link;
}

/** @throws Problem `business-rule`. */
function mustStayRun(
  { principal }: WriteContext,
  person: Person,
  admins: readonly string[],
  act: 'disable' | 'demote',
): void {
  if (principal.kind === 'user' && principal.subject === person.id)
    throw new Problem('business-rule', `You cannot ${act} yourself: ask another administrator.`);
  if (admins.includes(person.id) && admins.length === 1)
    throw new Problem(
      'business-rule',
      `This is the last administrator who can sign in. Invite another one, who answers the invitation, before you ${act} this one.`,
    );
}

/** Says what somebody else did meanwhile. */
async function happened(
  { stores }: WriteContext,
  { id }: Person,
  what: string,
  acts: AccountAct['act'][],
): Promise<Problem> {
  const last = await stores.people.lastAct(id, acts);
  const by = last?.byName === undefined ? '' : ` by ${last.byName}`;
  const when = last === undefined ? '' : `, changed${by} at ${last.at.toISOString().slice(0, 19)}Z`;
  return new Problem('conflict', `${what}${when}. Load the page again.`);
}

async function note({ stores, principal }: WriteContext, { id }: Person, act: AccountAct['act'], reason?: string) {
  await stores.people.noteAct(id, { act, by: principal.subject, ...(reason !== undefined && { reason }) });
}

async function tell(
  { world, stores }: WriteContext,
  { id: accountId, email: to }: Person,
  words: ReturnType<typeof roleLetter>,
): Promise<void> {
  await postMail(stores, world.secrets, { to, accountId, ...words });
}
