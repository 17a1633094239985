import { postMail } from '../../deliveries/post-mail.ts';
import { newId } from '../../identifier.ts';
import type { Principal } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import { traceOf, type Trace } from '../../trace.ts';
import type { Stores, Surroundings, WritesTo } from '../../world.ts';
import type { Account } from '../account-store.ts';
import type { PasskeyFactor } from './factor-store.ts';
import { makeRecoveryCodes } from './recovery-codes.ts';
import { newTotpSecret, openTotp, sealTotp, stepOfCode, totpSetUp, type TotpSetUp } from './totp.ts';
import { mustHaveFactor } from './ways.ts';

type Touched = 'accounts' | 'factors' | 'deliveries' | 'jobs' | 'audit';
type FactorWorld = Pick<Surroundings, 'settings' | 'secrets' | 'now'> & WritesTo<Touched>;

/** Who changes whose factors: people change their own. */
export interface OwnAct extends Trace {
  principal: Principal;
}

/** Begins with an authenticator app: it counts once `confirmTotp` has seen a code of it. */
export async function addTotp(world: FactorWorld, { principal }: OwnAct): Promise<TotpSetUp & { id: string }> {
  const [id, secret] = [newId(), newTotpSecret()];
  const email = await world.transaction(async (stores) => {
    const account = await own(stores, principal);
    await stores.factors.insert(
      {
        kind: 'totp',
        id,
        accountId: account.id,
        name: 'Authenticator app',
        secret: sealTotp(world.secrets, id, secret),
      },
      { confirmed: false },
    );
    return account.email;
  });
  return { id, ...totpSetUp(secret, { issuer: world.settings.organizationName, email }) };
}

/** @throws Problem `not-found` if there is nothing to confirm, `value` if the code is not right. */
export async function confirmTotp(world: FactorWorld, act: OwnAct, id: string, code: string): Promise<void> {
  await world.transaction(async (stores) => {
    const account = await own(stores, act.principal);
    const factor = await stores.factors.unconfirmed(account.id, id);
    if (factor?.kind !== 'totp')
      throw new Problem('not-found', 'There is no app to confirm: begin again, and confirm within an hour.');
    const step = stepOfCode(openTotp(world.secrets, factor), code.replace(/\s/g, ''), world.now());
    if (step === undefined)
      throw new Problem('value', 'This code is not right. Type the six digits that the app shows now.', {
        expression: 'code',
      });
    await stores.factors.confirm(id);
    await stores.factors.use(id, step); // it does not sign in as well
    await tell(world, stores, account, act, {
      kind: 'totp',
      done: 'added',
      words: 'An authenticator app was added to',
    });
  });
}

/** @throws Problem `duplicate` if the passkey is somebody's already. */
export async function addPasskey(
  world: FactorWorld,
  act: OwnAct,
  name: string,
  made: Pick<PasskeyFactor, 'credential' | 'publicKey' | 'transports' | 'counter'>,
): Promise<void> {
  await world.transaction(async (stores) => {
    const account = await own(stores, act.principal);
    await stores.factors.insert(
      { kind: 'passkey', id: newId(), accountId: account.id, name, ...made },
      { confirmed: true },
    );
    await tell(world, stores, account, act, { kind: 'passkey', done: 'added', words: 'A passkey was added to' });
  });
}

/** @throws Problem `not-found`, `business-rule` for the last one of a role that must have one. */
export async function removeFactor(world: FactorWorld, act: OwnAct, id: string): Promise<void> {
  await world.transaction(async (stores) => {
    const account = await own(stores, act.principal);
    const factors = await stores.factors.of(account.id);
    const factor = factors.find((one) => one.id === id);
    if (!factor) throw new Problem('not-found', 'You have no such second factor.');
    const byMail = world.settings.mailCodes && (await stores.factors.mail(account.id));
    const isLast = factors.length === 1 && !byMail;
    if (isLast) mustNotNeedIt(world, account);
    await stores.factors.remove(account.id, id);
    if (isLast) await stores.factors.replaceRecoveryCodes(account.id, []);
    await tell(world, stores, account, act, {
      kind: factor.kind,
      done: 'removed',
      words: `${factor.kind === 'totp' ? 'An authenticator app' : 'A passkey'} was taken off`,
    });
  });
}

/** @throws Problem `business-rule` where codes by mail are not allowed, or are all that a role has that must have something. */
export async function setMailCodes(world: FactorWorld, act: OwnAct, on: boolean): Promise<void> {
  if (on && !world.settings.mailCodes)
    throw new Problem('business-rule', 'Codes by mail are not allowed here: use an authenticator app or a passkey.');
  await world.transaction(async (stores) => {
    const account = await own(stores, act.principal);
    const isLast = !on && (await stores.factors.of(account.id)).length === 0;
    if (isLast) mustNotNeedIt(world, account);
    await stores.factors.setMail(account.id, on);
    if (isLast) await stores.factors.replaceRecoveryCodes(account.id, []);
    const words = on ? 'Codes by mail were switched on for' : 'Codes by mail were switched off for';
    await tell(world, stores, account, act, { kind: 'mail', done: on ? 'added' : 'removed', words });
  });
}

/** Ten new ones in the place of those there were. @throws Problem `business-rule` without a second factor. */
export async function renewRecoveryCodes(world: FactorWorld, act: OwnAct): Promise<string[]> {
  const { codes, digests } = makeRecoveryCodes();
  await world.transaction(async (stores) => {
    const account = await own(stores, act.principal);
    const has = (await stores.factors.of(account.id)).length > 0 || (await stores.factors.mail(account.id));
    if (!has) throw new Problem('business-rule', 'Recovery codes stand for a second factor: set one up first.');
    await stores.factors.replaceRecoveryCodes(account.id, digests);
    await tell(world, stores, account, act, {
      kind: 'recovery',
      done: 'added',
      words: 'New recovery codes were made for',
    });
  });
  return codes;
}

/**
 * Takes everything but the password from an account, for a person who has lost it. The caller ends what is signed in and
 * gives the link with which the person sets up a new one.
 */
export async function resetFactors(
  { factors, audit }: Pick<Stores, 'factors' | 'audit'>,
  act: OwnAct,
  accountId: string,
): Promise<void> {
  await factors.removeAll(accountId);
  await audit.append({
    action: 'D',
    event: 'account:factor',
    outcome: 'success',
    principal: act.principal,
    entities: [`account/${accountId}`, 'factor/all/reset'],
    ...traceOf(act),
  });
}

/** The caller's account, locked: of two changes at once the second sees the first. */
async function own(
  { accounts, factors }: Pick<Stores, 'accounts' | 'factors'>,
  principal: Principal,
): Promise<Account> {
  await factors.lock(principal.subject);
  const account = await accounts.byId(principal.subject);
  if (!account || account.disabled) throw new Problem('forbidden', 'This account cannot be changed.');
  return account;
}

function mustNotNeedIt({ settings }: FactorWorld, { role }: Account): void {
  if (mustHaveFactor(settings, role))
    throw new Problem(
      'business-rule',
      `The role ${role} needs a second factor: add another one before you take this off.`,
    );
}

/** A row in the trail, and a mail to the person: whoever did it with a stolen session must not stay unnoticed. */
async function tell(
  { secrets, settings }: FactorWorld,
  stores: Pick<Stores, 'audit' | 'deliveries' | 'jobs'>,
  account: Account,
  act: OwnAct,
  { kind, done, words }: { kind: string; done: 'added' | 'removed'; words: string },
): Promise<void> {
  await stores.audit.append({
    action: done === 'added' ? 'C' : 'D',
    event: 'account:factor',
    outcome: 'success',
    principal: act.principal,
    entities: [`account/${account.id}`, `factor/${kind}/${done}`],
    ...traceOf(act),
  });
  await postMail(stores, secrets, {
    kind: 'notice',
    to: account.email,
    subject: `Your second factor at ${settings.organizationName} was changed`,
    text: `${words} your account. If it was not you, change your password and tell your administrator at once.`,
    accountId: account.id,
  });
}
