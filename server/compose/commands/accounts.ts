import { disableAccount, resetFactors } from '../../core/accounts/people/change-access.ts';
import type { Account } from '../../core/accounts/account-store.ts';
import { invitePerson } from '../../core/accounts/people/invite.ts';
import { makeLink } from '../../core/accounts/one-time-link.ts';
import { Problem } from '../../core/problem.ts';
import { inOneTransaction } from '../../core/records/write.ts';
import type { WriteContext } from '../../core/world.ts';
import type { System } from '../../compose.ts';
import { noted, type Command } from './command.ts';

const email = { type: 'string' } as const;

export const createAdmin: Command = {
  summary: 'makes an administrator and prints a link that works once, for an hour',
  options: { email, given: { type: 'string' }, family: { type: 'string' } },
  required: ['email', 'given', 'family'],
  async run(line, given) {
    const { world } = await line.open();
    const { word, seconds } = await inOneTransaction(world, line, (context) =>
      firstAdmin(context, { email: String(given.email), given: String(given.given), family: String(given.family) }),
    );
    line.print(`${line.publicUrl}/account/link/${word}`);
    line.say(
      `Open this link within ${seconds / 60} minutes to set the password and the second factor. It works once; running the command again voids it.`,
    );
  },
};

/**
 * @throws Problem `duplicate` if somebody signs in with the address already, or it belongs to somebody who is no
 * administrator.
 */
async function firstAdmin(
  context: WriteContext,
  person: { email: string; given: string; family: string },
): Promise<{ word: string; seconds: number }> {
  const { stores } = context;
  const standing = await stores.accounts.byEmail(person.email);
  const name = { given: person.given, family: person.family };
  if (!standing) return invitePerson(context, { email: person.email, role: 'admin', name }, 'first-admin');
  const fault = whyNot(standing);
  if (fault !== undefined) throw new Problem('duplicate', `${person.email} ${fault}`);
  await stores.links.revoke(standing.id, ['invitation']);
  const link = await makeLink(stores, { purpose: 'first-admin', accountId: standing.id, data: {} });
  await stores.audit.append(noted(context, 'account:invite', [`account/${standing.id}`]));
  return link;
}

function whyNot({ role, disabled, passwordHash }: Account): string | undefined {
  if (disabled) return 'has an account that is disabled. Enable it on the page of the users, or use another address.';
  if (passwordHash !== null)
    return 'has an account that can sign in. Who has lost the second factor: reset-factor; the password: "forgotten password" on the sign-in page.';
  if (role !== 'admin')
    return `was invited with the role ${role}. Use another address, or change the role on the page of the users.`;
  return undefined;
}

export const listAccounts: Command = {
  summary: 'lists the accounts: role, state, second factors, last sign-in',
  async run(line) {
    const { sql, world } = await line.open();
    const rows = await sql.query<AccountLine>(listing);
    const table = [['ADDRESS', 'ROLE', 'STATE', 'SECOND FACTORS', 'LAST SIGN-IN'], ...rows.map(toCells)];
    const widths = table[0]!.map((_title, at) => Math.max(...table.map((cells) => cells[at]!.length)));
    for (const cells of table)
      line.print(cells.map((cell, at) => (at < cells.length - 1 ? cell.padEnd(widths[at]!) : cell)).join('  '));
    await world.read(({ audit }) => audit.append(noted(line, 'account:list', [], 'R')));
  },
};

interface AccountLine {
  email: string;
  role: string;
  state: string;
  factors: string[];
  last_sign_in_at: Date | null;
}

const listing = `
  select email, role, last_sign_in_at,
         array(select distinct kind from second_factor where account_id = account.id and confirmed_at is not null order by kind)
           || case when mail_factor then array['mail'] else '{}' end as factors,
         case when disabled then 'disabled' when password_hash is null then 'invited' else 'active' end as state
    from account order by role, lower(email)`;

function toCells({ email, role, state, factors, last_sign_in_at }: AccountLine): string[] {
  return [
    email,
    role,
    state,
    factors.join(', ') || '-',
    last_sign_in_at?.toISOString().slice(0, 16).concat('Z') ?? '-',
  ];
}

export const disable: Command = {
  summary: 'locks an account out at once, everywhere within a minute',
  options: { email },
  required: ['email'],
  async run(line, given) {
    const system = await line.open();
    const account = await found(system, String(given.email));
    if (account.disabled) return line.say(`${account.email} was disabled already.`);
    await inOneTransaction(system.world, line, (context) => disableAccount(context, account.id));
    line.say(`${account.email} cannot sign in any more, and what was signed in has ended.`);
  },
};

export const resetFactor: Command = {
  summary: 'mails a link with which somebody sets a new second factor; --print prints it instead',
  options: { email, print: { type: 'boolean' } },
  required: ['email'],
  async run(line, given) {
    const system = await line.open();
    const account = await found(system, String(given.email));
    const mail = given.print !== true;
    const { word, seconds } = await inOneTransaction(system.world, line, (context) =>
      resetFactors(context, account.id, { mail }),
    );
    if (given.print === true) line.print(`${line.publicUrl}/account/link/${word}`);
    line.say(
      given.print === true
        ? `Hand the link over in person. It works once, for ${seconds / 60} minutes.`
        : `A link was sent to ${account.email}. It works once, for ${seconds / 60} minutes.`,
    );
  },
};

/** @throws Problem `not-found`. */
async function found({ world }: Pick<System, 'world'>, address: string): Promise<Account> {
  const account = await world.read(({ accounts }) => accounts.byEmail(address));
  if (!account) throw new Problem('not-found', `No account has the address ${address}. "list" shows all of them.`);
  return account;
}
