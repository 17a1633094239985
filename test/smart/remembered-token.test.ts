import { decodeJwt, importJWK, SignJWT, type JWK } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { disableAccount } from '../../server/core/accounts/people/change-access.ts';
import type { AuthorizationStore } from '../../server/core/accounts/authorizations.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { inOneTransaction } from '../../server/core/records/write.ts';
import { accessTokens, type AccessTokens } from '../../server/smart/access-token.ts';
import { smartKeys } from '../../server/smart/keys.ts';
import { backendToken, signIn } from '../harness/sign-in.ts';
import { password, startSmallServer, type SmallServer } from './small-server.ts';

// A token whose signature was good is not verified again; what it stands on is asked again after 20 s. Here the checks
// are a second process's: it does not hear of what is revoked in the first.
let server: SmallServer;
let signing: JWK[];
beforeAll(async () => {
  server = await startSmallServer();
  signing = (await smartKeys(server.authorizations)).signing;
});
afterAll(() => server.close());
afterEach(() => void vi.restoreAllMocks());

interface Checks extends AccessTokens {
  /** How often the database was asked. */
  asked: number;
}

function checks(standing: AuthorizationStore['standing'] = server.authorizations.standing): Checks {
  const counted: Checks = {
    asked: 0,
    ...accessTokens({
      issuer: `${server.url}/oidc`,
      audience: `${server.url}/fhir`,
      signing,
      mailCodes: true,
      authorizations: {
        standing: (of) => {
          counted.asked++;
          return standing(of);
        },
      },
    }),
  };
  return counted;
}

function later(seconds: number): void {
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + seconds * 1000);
}

const backend = async () => (await backendToken(server.url, server.backend, 'system/Patient.rs')).access_token;

test('a token is looked up once in 20 s, and a changed one is another token', async () => {
  const second = checks();
  const token = await backend();
  const principal = await second.verify(token);
  expect(principal).toMatchObject({ kind: 'client', clientId: 'backend' });
  expect(await second.verify(token)).toBe(principal);
  expect(second.asked).toBe(1);
  for (const changed of [`${token.slice(0, -4)}AAAA`, `${token}A`, token.toUpperCase()]) {
    await expect(second.verify(changed)).rejects.toMatchObject({ code: 'login' });
  }
  later(20);
  await second.verify(token);
  expect(second.asked).toBe(2);
});

test('a remembered token that is revoked elsewhere stops within 20 s, and at once where it is revoked', async () => {
  const second = checks();
  const token = await backend();
  await second.verify(token);
  await server.authorizations.revokeToken(decodeJwt(token).jti!, new Date(Date.now() + 3_600_000));
  later(20);
  await expect(second.verify(token)).rejects.toMatchObject({ code: 'login' });
  await expect(second.verify(token)).rejects.toMatchObject({ code: 'login' });
  vi.restoreAllMocks();
  const other = await backend();
  await second.verify(other);
  await server.authorizations.revokeToken(decodeJwt(other).jti!, new Date(Date.now() + 3_600_000));
  second.forget();
  await expect(second.verify(other)).rejects.toMatchObject({ code: 'login' });
});

test('an answer that was on its way when something was revoked is not remembered', async () => {
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  let first = true;
  const second = checks(async (of) => {
    const standing = await server.authorizations.standing(of);
    if (first) await held;
    first = false;
    return standing;
  });
  const token = await backend();
  const early = second.verify(token);
  await vi.waitFor(() => expect(second.asked).toBe(1));
  await server.authorizations.revokeToken(decodeJwt(token).jti!, new Date(Date.now() + 3_600_000));
  second.forget();
  release();
  await early; // asked before it was revoked
  await expect(second.verify(token)).rejects.toMatchObject({ code: 'login' });
});

test('a remembered token of an account that is disabled stops within 20 s', async () => {
  const second = checks();
  const { access_token: token } = await signIn(server.url, { email: server.accounts.doctor.email, password });
  await second.verify(token);
  await inOneTransaction(server.world, { principal: systemPrincipal('test') }, (context) =>
    disableAccount(context, server.accounts.doctor.id),
  );
  later(20);
  await expect(second.verify(token)).rejects.toMatchObject({ code: 'login' });
  await server.world.transaction(({ accounts }) => accounts.setDisabled(server.accounts.doctor.id, false));
});

test('a remembered token ends at its time, to the second', async () => {
  const second = checks();
  const key = await importJWK(signing[0]!, 'RS256');
  const claims = decodeJwt(await backend());
  const now = Math.floor(Date.now() / 1000);
  const signed = (times: { iat: number; exp: number }) =>
    new SignJWT({ ...claims, ...times, jti: `short-${times.exp}` })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: signing[0]!.kid! })
      .sign(key);
  // Clocks may differ by 5 s.
  const [short, old] = [
    await signed({ iat: now - 60, exp: now + 10 }),
    await signed({ iat: now - 3590, exp: now + 600 }),
  ];
  await second.verify(short);
  await second.verify(old);
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime((now + 14) * 1000);
  await second.verify(short);
  vi.setSystemTime((now + 15) * 1000);
  await expect(second.verify(short)).rejects.toMatchObject({ code: 'expired' });
  vi.setSystemTime((now + 16) * 1000);
  await expect(second.verify(old)).rejects.toMatchObject({ code: 'expired' }); // no token lives longer than an hour
  vi.useRealTimers();
});
