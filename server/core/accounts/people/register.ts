/** Patients who make an account themselves: first the address is confirmed, then there is one. */
import { postMail } from '../../deliveries/post-mail.ts';
import { newId } from '../../identifier.ts';
import { systemPrincipal } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import { inOneTransaction } from '../../records/write.ts';
import type { Trace } from '../../trace.ts';
import type { World } from '../../world.ts';
import { plainAddress } from '../account.ts';
import { auditAccount, selfOf } from './account-audit.ts';
import { mayAskForMail } from '../sign-in/account-limits.ts';
import { knownAddressLetter, registrationLetter } from './account-letters.ts';
import type { Account } from '../account-store.ts';
import type { AttemptStore } from '../authorizations.ts';
import { emptyPatient } from './invite.ts';
import { tell } from '../../notices/tell.ts';
import { hashNewPassword } from '../sign-in/new-password.ts';
import { makeLink, readLink, takeLink } from '../one-time-link.ts';
import type { PasswordHasher } from '../sign-in/password.ts';
import { cleanName, writtenName, type PersonName } from './person-name.ts';

/** What a patient says about oneself. */
export interface Registration {
  email: string;
  name: PersonName;
  /** `YYYY-MM-DD`. */
  birthDate: string;
}

/**
 * Mails a link that confirms the address, or says that it has an account already; which of the two shows in nothing
 * but the mail. There is no account before the link was used.
 *
 * @throws Problem `not-found` where registration is closed; `value`, `required`; `throttled` for a network that asks too often.
 */
export async function askToRegister(
  world: World,
  attempts: AttemptStore,
  { sourceAddress, ...wanted }: Registration & { sourceAddress: string },
  trace: Trace,
): Promise<void> {
  mustBeOpen(world);
  const { email, name, birthDate } = checked(world, wanted);
  if (!(await mayAskForMail(attempts, 'register', { email, sourceAddress }))) return;
  const who = { principal: systemPrincipal('accounts'), ...trace, sourceAddress };
  await inOneTransaction(world, who, async ({ stores }) => {
    const known = await stores.accounts.byEmail(email);
    // The same rows are written for both.
    const link = await makeLink(stores, {
      purpose: 'register',
      data: known ? {} : { email, birthDate, given: name.given, family: name.family },
    });
    const letter = known ? knownAddressLetter(world.settings) : registrationLetter(world.settings, link);
    await postMail(stores, world.secrets, { to: known?.email ?? email, ...letter });
  });
}

/** What a link that confirms an address is about, as long as it works. */
export async function registrationLink(world: World, word: string): Promise<Registration | undefined> {
  if (world.settings.registration !== 'open') return undefined;
  const link = await world.read(({ links }) => readLink(links, word));
  return link?.purpose === 'register' ? registrationIn(link.data) : undefined;
}

/**
 * Makes the account of a confirmed address, with an empty record of one's own.
 *
 * @throws Problem `deleted` for a link that does not work (any more), `value` for a password that is not good enough,
 * `duplicate` if the address has got an account since.
 */
export async function finishRegistration(
  world: World,
  passwords: PasswordHasher,
  { word, password }: { word: string; password: string },
  trace: Trace,
): Promise<Account> {
  mustBeOpen(world);
  const over = () => new Problem('deleted', 'This link does not work any more. Register again.');
  const asked = await registrationLink(world, word);
  if (!asked) throw over();
  const displayName = writtenName(asked.name);
  const passwordHash = await hashNewPassword(world, passwords, password, {
    email: asked.email,
    displayName,
    role: 'patient',
  });
  return inOneTransaction(world, { principal: systemPrincipal('accounts'), ...trace }, async (context) => {
    const { stores } = context;
    const link = await takeLink(stores.links, word);
    if (link?.purpose !== 'register') throw over();
    if (await stores.accounts.byEmail(asked.email))
      throw new Problem('duplicate', 'This address has an account by now: sign in, or ask for a new password.');
    const account: Account = {
      id: newId(),
      email: asked.email,
      passwordHash,
      role: 'patient',
      displayName,
      fhirUser: `Patient/${await emptyPatient(context, asked)}`,
      disabled: false,
      verifiedAt: world.now(),
    };
    await stores.accounts.insert(account);
    await stores.people.change(account.id, { tied: false });
    await tell(context, { kind: 'registration', to: { role: 'admin' } });
    await auditAccount(context, 'account:register', account, { action: 'C', principal: selfOf(account) });
    return account;
  });
}

function mustBeOpen({ settings }: World): void {
  if (settings.registration !== 'open')
    throw new Problem('not-found', 'Nobody can register here by themselves. Ask the clinic for an invitation.');
}

function checked(world: World, { email, name, birthDate }: Registration): Registration {
  const today = world.now().toISOString().slice(0, 10);
  const date = /^\d{4}-\d{2}-\d{2}$/.test(birthDate) ? new Date(`${birthDate}T00:00:00Z`) : undefined;
  if (!date || Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== birthDate)
    throw new Problem('value', 'Give the date of birth as year, month and day.', { expression: 'birthDate' });
  if (birthDate > today || birthDate < '1890-01-01')
    throw new Problem('value', 'Nobody who registers was born on this date.', { expression: 'birthDate' });
  return { email: plainAddress(email), name: cleanName({ given: name.given, family: name.family }), birthDate };
}

function registrationIn({ email, given, family, birthDate }: Record<string, string>): Registration | undefined {
  if (!email || !given || !family || !birthDate) return undefined;
  return { email, name: { given, family }, birthDate };
}
