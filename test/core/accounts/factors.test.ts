import { TOTP } from 'otpauth';
import { expect, test } from 'vitest';
import { makeRecoveryCodes, recoveryDigest } from '../../../server/core/accounts/factors/recovery-codes.ts';
import {
  newTotpSecret,
  openTotp,
  sealTotp,
  stepOfCode,
  totpSetUp,
} from '../../../server/core/accounts/factors/totp.ts';
import { waysOf } from '../../../server/core/accounts/factors/ways.ts';
import type { Factor } from '../../../server/core/accounts/factors/factor-store.ts';
import {
  deviceFactorLimit,
  factorLimits,
  strangerLimits,
} from '../../../server/core/accounts/sign-in/sign-in-limits.ts';
import { secretBox } from '../../../server/infrastructure/secret-box.ts';

const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'; // RFC 6238, appendix B: "12345678901234567890"
const at = (seconds: number) => new Date(seconds * 1000);

test.each([
  [59, '287082', 1],
  [1111111109, '081804', 37037036],
  [1234567890, '005924', 41152263],
  [2000000000, '279037', 66666666],
])('the code of RFC 6238 at %i s is known with its step', (seconds, code, step) => {
  expect(stepOfCode(secret, code, at(seconds))).toBe(step);
});

test.each([
  ['two steps before', -2, false],
  ['one step before', -1, true],
  ['now', 0, true],
  ['one step after', 1, true],
  ['two steps after', 2, false],
])('a code of %s', (_name, steps, good) => {
  const now = 1_800_000_015;
  const code = new TOTP({ secret }).generate({ timestamp: (now + steps * 30) * 1000 });
  expect(stepOfCode(secret, code, at(now))).toBe(good ? Math.floor(now / 30) + steps : undefined);
});

test.each(['', '12345', '1234567', '12345a', '+12345', '１２３４５６', '287082\0'])('%j is no code', (code) => {
  expect(stepOfCode(secret, code, at(59))).toBeUndefined();
});

test('the secret of an app has 160 bits, and is told to the app with site and address', () => {
  const made = newTotpSecret();
  expect(made).toMatch(/^[A-Z2-7]{32}$/);
  expect(newTotpSecret()).not.toBe(made);
  const url = new URL(totpSetUp(made, { issuer: 'St. Mary: East & West', email: 'a+b@test.example' }).uri);
  expect([url.protocol, url.host]).toEqual(['otpauth:', 'totp']);
  expect(url.searchParams.get('secret')).toBe(made);
  expect(url.searchParams.get('issuer')).toBe('St. Mary: East & West');
});

test('a sealed secret opens for its own factor only', () => {
  const box = secretBox([new Uint8Array(32).fill(7)]);
  const sealed = sealTotp(box, 'one', secret);
  expect(sealed).not.toContain(secret);
  expect(openTotp(box, { id: 'one', secret: sealed })).toBe(secret);
  expect(() => openTotp(box, { id: 'two', secret: sealed })).toThrow();
});

test('ten recovery codes are all different, and are known in any case, groups and with letters that look like digits', () => {
  const { codes, digests } = makeRecoveryCodes();
  expect([codes.length, new Set(codes).size, digests.length]).toEqual([10, 10, 10]);
  for (const [i, code] of codes.entries()) {
    expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(recoveryDigest(code)).toBe(digests[i]);
    const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
    expect(recoveryDigest(typed)).toBe(digests[i]);
  }
  expect(recoveryDigest('')).toBeUndefined();
  expect(recoveryDigest(codes[0]!.slice(1))).toBeUndefined();
});

const totp = {
  kind: 'totp',
  id: 't',
  accountId: 'a',
  name: 'App',
  secret: '',
  createdAt: new Date(0),
} satisfies Factor;
const key = { kind: 'passkey', id: 'k', accountId: 'a', name: 'Key', credential: 'c', publicKey: '', transports: [], counter: 0, createdAt: new Date(0) } satisfies Factor; // prettier-ignore

test.each([
  ['nothing, and need not', { own: [] }, 'doctor', false, []],
  ['nothing, and must, without mail', { own: [] }, 'admin', false, []],
  ['nothing, and must, with mail', { own: [] }, 'admin', true, ['mail']],
  ['mail wished, where it is not allowed', { own: [], mail: true }, 'doctor', false, []],
  ['mail wished', { own: [], mail: true }, 'doctor', true, ['mail']],
  ['an app, and must: no weaker way by itself', { own: [totp] }, 'admin', true, ['totp']],
  ['all of it', { own: [totp, key], mail: true, left: 3 }, 'admin', true, ['passkey', 'totp', 'mail', 'recovery']],
  ['recovery codes alone are nothing', { own: [], left: 3 }, 'doctor', true, []],
] as const)(
  'who has %s',
  async (_name, has: { own: readonly Factor[]; mail?: boolean; left?: number }, role, mailCodes, ways) => {
    const factors = {
      of: async () => [...has.own],
      mail: async () => has.mail === true,
      recoveryCodesLeft: async () => has.left ?? 0,
    };
    const found = await waysOf({ factors }, { secondFactorRoles: ['admin'], mailCodes }, { id: 'a', role });
    expect(found.ways).toEqual(ways);
    expect(found.required).toBe(role === 'admin');
  },
);

test('wrong codes are not counted where wrong passwords are: a right password forgets those', () => {
  const keys = [...Object.values(factorLimits('id', '192.0.2.1')), deviceFactorLimit('device', 'id')];
  const passwords = Object.values(strangerLimits('id', '192.0.2.1')).map((one) => one.key);
  for (const one of keys) {
    expect(passwords).not.toContain(one.key);
    expect(one.key).toContain('id'); // no key that all accounts share
  }
});
