import { postMail } from '../../deliveries/post-mail.ts';
import { Problem } from '../../problem.ts';
import { inOneTransaction } from '../../records/write.ts';
import type { Trace } from '../../trace.ts';
import type { World, WriteContext } from '../../world.ts';
import type { Account } from '../account-store.ts';
import { auditAccount, selfOf } from '../people/account-audit.ts';
import { passwordChangedLetter } from '../people/account-letters.ts';
import type { AttemptStore } from '../authorizations.ts';
import { hashNewPassword } from './new-password.ts';
import { readLink, takeLink } from '../one-time-link.ts';
import { normalise, type PasswordHasher } from './password.ts';
import { mayTryPassword } from './account-limits.ts';
import { stateOf } from '../people/person-state.ts';
import type { Principal } from '../../principal.ts';

export interface PasswordParts {
  passwords: PasswordHasher;
  attempts: AttemptStore;
}

/**
 * Whether this is the signed-in person's password: asked before what would lock the person out.
 *
 * @throws Problem `business-rule` if it is another, `throttled` after too many tries, `not-found` for an account that is gone.
 */
export async function checkOwnPassword(
  world: World,
  { passwords, attempts }: PasswordParts,
  principal: Principal,
  password: string,
): Promise<Account> {
  const account = await world.read(({ accounts }) => accounts.byId(principal.subject));
  if (!account?.passwordHash) throw new Problem('not-found', 'The account is not there any more.');
  const counted = await mayTryPassword(attempts, account.id);
  const fits = await passwords.verify(account.passwordHash, normalise(password.slice(0, 1024)));
  if (!fits) throw new Problem('business-rule', 'This is not your present password.', { expression: 'current' });
  await attempts.settle({ forget: [counted] });
  return account;
}

/**
 * Sets a new password and ends everything else that is signed in or was allowed to apps: only the session in which it
 * was done stays.
 *
 * @throws Problem `value` for a password that is not good enough, and as `checkOwnPassword`.
 */
export async function changePassword(
  world: World,
  parts: PasswordParts,
  principal: Principal,
  { current, next }: { current: string; next: string },
  trace: Trace,
): Promise<void> {
  const account = await checkOwnPassword(world, parts, principal, current);
  const hash = await hashNewPassword(world, parts.passwords, next, account);
  await inOneTransaction(world, { principal, ...trace }, async (context) => {
    const now = await context.stores.people.lock(account.id);
    if (!now || now.passwordHash !== account.passwordHash)
      throw new Problem('conflict', 'The password was changed meanwhile, in another window. Sign in again.');
    await setPassword(context, account, hash, principal.grantId);
  });
}

/** What a link for a new password is for, as long as it works. */
export async function passwordLink(world: World, word: string): Promise<Account | undefined> {
  return world.read(async ({ links, accounts }) => {
    const link = await readLink(links, word);
    if (link?.purpose !== 'reset-password' || link.accountId === undefined) return undefined;
    const account = await accounts.byId(link.accountId);
    return account && stateOf(account) === 'active' ? account : undefined;
  });
}

/**
 * Sets the password that a forgotten one was replaced with. The second factor stays as it is.
 *
 * @throws Problem `deleted` for a link that does not work (any more), `value` for a password that is not good enough.
 */
export async function resetPassword(
  world: World,
  passwords: PasswordHasher,
  { word, password }: { word: string; password: string },
  trace: Trace,
): Promise<Account> {
  const over = () => new Problem('deleted', 'This link does not work any more. Ask for a new one.');
  const account = await passwordLink(world, word);
  if (!account) throw over();
  const hash = await hashNewPassword(world, passwords, password, account);
  return inOneTransaction(world, { principal: selfOf(account), ...trace }, async (context) => {
    const link = await takeLink(context.stores.links, word);
    const person = link?.accountId === undefined ? undefined : await context.stores.people.lock(link.accountId);
    if (link?.purpose !== 'reset-password' || !person || stateOf(person) !== 'active') throw over();
    await setPassword(context, person, hash);
    // The mail was read there.
    if (!person.verifiedAt) await context.stores.people.change(person.id, { verifiedAt: context.world.now() });
    return person;
  });
}

/** @param grantId authorisation whose session goes on. */
async function setPassword(context: WriteContext, account: Account, hash: string, grantId?: string): Promise<void> {
  const { stores, world } = context;
  await stores.accounts.setPasswordHash(account.id, hash);
  await stores.links.revoke(account.id, ['reset-password', 'verify-address']);
  await stores.sessions.endAll(account.id, grantId);
  await auditAccount(context, 'account:password', account);
  const letter = passwordChangedLetter(world.settings);
  await postMail(stores, world.secrets, { to: account.email, accountId: account.id, ...letter });
}
