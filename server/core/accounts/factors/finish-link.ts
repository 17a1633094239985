import type { Account } from '../account-store.ts';
import type { OneTimeLink } from '../link-store.ts';
import { takeLink } from '../one-time-link.ts';
import { Problem } from '../../problem.ts';
import { traceOf, type Trace } from '../../trace.ts';
import type { Stores, Surroundings, WritesTo } from '../../world.ts';
import type { NewFactor } from './factor-store.ts';
import { makeRecoveryCodes } from './recovery-codes.ts';
import { mustHaveFactor } from './ways.ts';

/** Links that end on the page on which somebody takes an account over. */
export const takeOver: readonly OneTimeLink['purpose'][] = ['first-admin', 'invitation', 'reset-factors'];

/** What was chosen on the page of a link. */
export interface TakenOver {
  /** Not where the account keeps the password that it has. */
  passwordHash?: string;
  factor?: NewFactor & { /** Of the code that showed it to work: it does not work a second time. */ usedStep?: number };
  /** Codes by mail, where the site allows them. */
  mail?: boolean;
}

type Written = Pick<Stores, 'accounts' | 'factors' | 'links' | 'sessions' | 'audit'>;

/**
 * Uses a link up and does all that was chosen with it, or nothing: password, second factor in the place of any there was,
 * recovery codes; what was signed in before ends. Whoever finishes first has the link.
 *
 * @returns the account and its new recovery codes, to be shown once; undefined if the link is over.
 * @throws Problem `business-rule` if the role must have a second factor and none was chosen, or there is no password.
 */
export async function finishLink(
  world: Pick<Surroundings, 'settings'> & WritesTo<'accounts' | 'factors' | 'links' | 'sessions' | 'audit'>,
  word: string,
  chosen: TakenOver,
  trace: Trace,
): Promise<{ account: Account; codes: string[] } | undefined> {
  return world.transaction(async (stores) => {
    const link = await takeLink(stores.links, word);
    const account = link?.accountId === undefined ? undefined : await stores.accounts.byId(link.accountId);
    if (!link || !takeOver.includes(link.purpose) || !account || account.disabled) return undefined;
    mustBeWhole(world.settings, account, chosen);
    if (chosen.passwordHash !== undefined) await stores.accounts.setPasswordHash(account.id, chosen.passwordHash);
    const codes = await setFactors(stores, account, chosen);
    await stores.accounts.verified(account.id);
    await stores.links.revoke(account.id, [...takeOver, 'reset-password']);
    await stores.sessions.endAll(account.id);
    await record(stores, account, chosen, trace);
    return { account, codes };
  });
}

function mustBeWhole(settings: Surroundings['settings'], account: Account, chosen: TakenOver): void {
  if (account.passwordHash === null && chosen.passwordHash === undefined)
    throw new Problem('business-rule', 'Choose a password first.', { expression: 'password' });
  const hasFactor = chosen.factor !== undefined || (chosen.mail === true && settings.mailCodes);
  if (!hasFactor && mustHaveFactor(settings, account.role))
    throw new Problem('business-rule', `The role ${account.role} needs a second factor: set one up.`);
}

async function setFactors({ factors }: Written, account: Account, { factor, mail }: TakenOver): Promise<string[]> {
  await factors.removeAll(account.id);
  if (factor) await factors.insert(factor, { confirmed: true });
  if (factor?.usedStep !== undefined) await factors.use(factor.id, factor.usedStep);
  if (mail) await factors.setMail(account.id, true);
  if (!factor && !mail) return [];
  const { codes, digests } = makeRecoveryCodes();
  await factors.replaceRecoveryCodes(account.id, digests);
  return codes;
}

async function record({ audit }: Written, account: Account, chosen: TakenOver, trace: Trace): Promise<void> {
  const { id: subject, role, fhirUser } = account;
  const principal = { kind: 'user', subject, clientId: 'csss', role, fhirUser, scopes: [] } as const;
  const row = { action: 'U', outcome: 'success', principal, ...traceOf(trace) } as const;
  const kind = chosen.factor?.kind ?? (chosen.mail ? 'mail' : undefined);
  if (chosen.passwordHash !== undefined)
    await audit.append({ ...row, event: 'account:password', entities: [`account/${subject}`] });
  // Who went on without one has changed none: the trail must not say so.
  if (kind)
    await audit.append({ ...row, event: 'account:factor', entities: [`account/${subject}`, `factor/${kind}/set-up`] });
}
