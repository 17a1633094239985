import { expect, test } from 'vitest';
import { ensureAccount } from '../../../server/core/accounts/account.ts';
import type { AttemptStore } from '../../../server/core/accounts/authorizations.ts';
import type { PasswordHasher } from '../../../server/core/accounts/sign-in/password.ts';
import { passwordFault } from '../../../server/core/accounts/sign-in/password-strength.ts';
import { signIn } from '../../../server/core/accounts/sign-in/sign-in.ts';
import type { Account, AccountStore } from '../../../server/core/accounts/account-store.ts';
import type { AuditRow } from '../../../server/core/access/audit-trail.ts';
import type { ReadsFrom, WritesTo } from '../../../server/core/world.ts';
import { Problem } from '../../../server/core/problem.ts';

/** Ports in memory; the hasher counts, because every try must cost one verification. */
function world(): {
  house: ReadsFrom<'accounts' | 'audit'> & WritesTo<'accounts'>;
  accounts: AccountStore;
  passwords: PasswordHasher & { verified: string[] };
  attempts: AttemptStore & { wait: number };
  audit: AuditRow[];
} {
  const rows: Account[] = [];
  const verified: string[] = [];
  const by = (match: (row: Account) => boolean) => Promise.resolve(rows.find(match));
  const audit: AuditRow[] = [];
  const accounts: AccountStore = {
    byId: (id) => by((row) => row.id === id),
    activeWithRole: async (role) => rows.filter((row) => row.role === role),
    isSomebody: async (fhirUser) => rows.some((row) => row.fhirUser === fhirUser),
    byEmail: (email) => by((row) => row.email.toLowerCase() === email.toLowerCase()),
    async insert(account) {
      if (rows.some((row) => row.email.toLowerCase() === account.email.toLowerCase()))
        throw new Problem('duplicate', 'taken');
      rows.push(account);
    },
    async setDisabled(id, disabled) {
      rows.find((row) => row.id === id)!.disabled = disabled;
    },
    moveTo: () => Promise.resolve([]),
    setRole: async () => {},
    setPasswordHash: async () => {},
    signedIn: async () => {},
    verified: async () => {},
  };
  const stores = { accounts, audit: { append: async (row: AuditRow) => void audit.push(row) } };
  return {
    house: { read: (work) => work(stores), transaction: (work) => work(stores) },
    accounts,
    passwords: {
      hash: async (password) => `hash of ${password}`,
      async verify(hash, password) {
        verified.push(hash);
        return hash === `hash of ${password}`;
      },
      decoy: Promise.resolve('decoy'),
      verified,
    },
    attempts: {
      wait: 0,
      begin: async function () {
        return this.wait;
      },
      settle: async () => {},
    },
    audit,
  };
}

const doctor = {
  email: 'doc@test.example',
  password: 'four words make one',
  role: 'doctor',
  displayName: 'Doc',
  fhirUser: 'Practitioner/1',
} as const;
const attempt = { sourceAddress: '192.0.2.1', clientId: 'csss-viewer' };

test('a wrong password, an unknown user and a disabled account cost one verification each and fail alike', async () => {
  const { house, accounts, passwords, attempts, audit } = world();
  const account = await ensureAccount(house, passwords, doctor);
  const fail = (email: string, password: string) =>
    signIn(house, { attempts, passwords }, { ...attempt, email, password }).catch((error: unknown) => error);
  const wrong = await fail(doctor.email, 'x');
  const unknown = await fail('nobody@test.example', doctor.password);
  await accounts.setDisabled(account.id, true);
  const disabled = await fail(doctor.email, doctor.password);
  expect(passwords.verified).toEqual([account.passwordHash, 'decoy', account.passwordHash]);
  for (const error of [wrong, unknown, disabled])
    expect(error).toMatchObject({ code: 'login', message: (wrong as Problem).message });
  expect(audit.map((row) => [row.outcome, row.principal?.subject])).toEqual([
    ['refused', account.id],
    ['refused', undefined],
    ['refused', account.id],
  ]);
});

test('when a limit is reached the password is not looked at', async () => {
  const { house, passwords, attempts, audit } = world();
  await ensureAccount(house, passwords, doctor);
  attempts.wait = 60;
  await expect(signIn(house, { attempts, passwords }, { ...attempt, ...doctor })).rejects.toMatchObject({
    code: 'throttled',
    retryAfter: 60,
  });
  expect(passwords.verified).toEqual([]);
  expect(audit).toMatchObject([{ event: 'smart:sign-in-throttled', outcome: 'refused' }]);
});

test('a password that could not be looked at costs no try', async () => {
  const { house, passwords, attempts } = world();
  await ensureAccount(house, passwords, doctor);
  const returned: string[] = [];
  attempts.settle = async ({ forget = [], giveBack = [] }) => {
    expect(forget).toEqual([]);
    returned.push(...giveBack.map(({ key }) => key.split(' ')[0]!));
  };
  const busy = { ...passwords, verify: () => Promise.reject(new Problem('transient', 'busy', { retryAfter: 5 })) };
  const tried = signIn(house, { attempts, passwords: busy }, { ...attempt, ...doctor });
  await expect(tried).rejects.toMatchObject({ code: 'transient', retryAfter: 5 });
  expect(returned.sort()).toEqual(['account', 'pair', 'place']);
});

test('the address is compared without case and spaces, the password after NFKC', async () => {
  const { house, passwords, attempts } = world();
  await ensureAccount(house, passwords, { ...doctor, password: 'Ａ ﬁne long passphrase' });
  const account = await signIn(
    house,
    { attempts, passwords },
    { ...attempt, email: ' DOC@test.example ', password: 'A fine long passphrase' },
  );
  expect(account.email).toBe(doctor.email);
});

test('making sure of an account twice makes one', async () => {
  const { house, passwords } = world();
  const [one, two] = await Promise.all([
    ensureAccount(house, passwords, doctor),
    ensureAccount(house, passwords, doctor),
  ]);
  expect(two.id).toBe(one.id);
});

test.each([
  ['an address with a line break', { email: 'a@x.example\r\nBcc: evil@x.example' }, 'value'],
  ['two addresses', { email: 'a@x.example, b@x.example' }, 'value'],
  ['a display name in the address', { email: 'A <a@x.example>' }, 'value'],
  ['a patient as member of staff', { fhirUser: 'Patient/1' }, 'invariant'],
  ['a reference with a path', { fhirUser: 'Practitioner/../Patient/1' }, 'invariant'],
])('an account with %s is refused', async (_name, change, code) => {
  const { house, passwords } = world();
  await expect(ensureAccount(house, passwords, { ...doctor, ...change })).rejects.toMatchObject({ code });
});

test.each([
  ['four words make one', false, undefined],
  ['fourteen chars', false, '15'],
  ['8 chars!', true, undefined],
  ['7 chars', true, '8'],
  ['passwordpassword', false, 'first'],
  ['Password12345678901', false, 'first'],
  ['aaaaaaaaaaaaaaaaaaaa', false, 'first'],
  ['abcabcabcabcabcabc', false, 'first'],
  ['doc@test.example-2026', false, 'first'],
  ['x'.repeat(129), false, '128'],
  ['p'.repeat(3) + ' ünï çödé wörds ' + '🩻🫁'.repeat(2), false, undefined],
] as const)('the password %j (second factor: %s) is judged by NIST SP 800-63B', (password, secondFactor, fault) => {
  const found = passwordFault(password, { secondFactor, context: [doctor.email] });
  if (fault === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(fault);
});
