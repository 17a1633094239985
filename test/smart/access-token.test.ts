import { createHmac } from 'node:crypto';
import { decodeJwt, exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { smartKeys } from '../../server/smart/keys.ts';
import { signIn } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());

const app = { clientId: 'demo-app', redirectUri: appRedirect };
const patient = { email: 'patient@test.example', password };
const smartScope = 'openid fhirUser launch/patient patient/*.rs';

test('tokens that are not ours, or are something else, are refused', async () => {
  const tokens = await signIn(server.url, { ...app, ...patient, scope: smartScope });
  const [head, body, signature] = tokens.access_token.split('.') as [string, string, string];
  const claims = decodeJwt(tokens.access_token);
  const { keys } = (await (await fetch(`${server.url}/oidc/jwks`)).json()) as { keys: JWK[] };
  expect(keys.every((key) => key.d === undefined && key.p === undefined)).toBe(true);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const hsHead = part({ alg: 'HS256', typ: 'at+jwt', kid: keys[0]!.kid });
  const confused = (secret: string) =>
    `${hsHead}.${body}.${createHmac('sha256', secret).update(`${hsHead}.${body}`).digest('base64url')}`;
  const { privateKey } = await generateKeyPair('RS256');
  const signed = (change: object, header: object = {}) =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: keys[0]!.kid!, ...header })
      .sign(privateKey);
  const bad: Record<string, string> = {
    'alg none': `${part({ alg: 'none', typ: 'at+jwt' })}.${body}.`,
    'HS256 with the public key': confused(JSON.stringify(keys[0])),
    'HS256 with the modulus': confused(keys[0]!.n!),
    'foreign key': await signed({}),
    'foreign key that it brings along': await signed(
      {},
      { jwk: await exportJWK((await generateKeyPair('RS256')).publicKey) },
    ),
    'another patient, signature kept': `${head}.${part({ ...claims, patient: 'patient-2' })}.${signature}`,
    'no signature': `${head}.${body}.`,
    'the ID token': tokens.id_token!,
    'an opaque word': 'abc',
    'three dots': '...',
  };
  for (const [name, token] of Object.entries(bad)) {
    const answer = await server.whoAmI(token);
    expect(answer.status, name).toBe(401);
    expect(answer.challenge, name).toMatch(/^Bearer /);
  }
});

test('tokens signed by our own key are still refused with another issuer, audience, type, or without an end', async () => {
  const { signing: jwks } = await smartKeys(server.authorizations);
  const tokens = await signIn(server.url, { ...app, ...patient, scope: smartScope });
  const claims = decodeJwt(tokens.access_token);
  const key = await importJWK(jwks[0]!, 'RS256');
  const sign = (change: object, typ = 'at+jwt') =>
    new SignJWT(JSON.parse(JSON.stringify({ ...claims, ...change })))
      .setProtectedHeader({ alg: 'RS256', typ, kid: jwks[0]!.kid! })
      .sign(key);
  const now = Math.floor(Date.now() / 1000);
  expect((await server.whoAmI(await sign({}))).status).toBe(200);
  for (const change of [
    { iss: 'https://evil.example/oidc' },
    { aud: 'https://evil.example/fhir' },
    { exp: undefined },
    { iat: undefined },
    { jti: undefined },
    { client_id: undefined },
    { exp: now - 60, iat: now - 120 },
    { iat: now - 7200, exp: now + 60 },
    { nbf: now + 600 },
    { sub: server.accounts.doctor.id, jti: 'x1' },
    { patient: 'patient-2' },
    { patient: undefined },
    { grant: 'unknown', jti: 'x2' },
    { grant: undefined, jti: 'x3' },
    { client_id: 'gone', jti: 'x4' },
    { roles: ['admin'] },
  ]) {
    expect((await server.whoAmI(await sign(change))).status, JSON.stringify(change)).toBe(401);
  }
  expect((await server.whoAmI(await sign({}, 'JWT'))).status).toBe(401);
});

test('a request without a token, or with one in the wrong place, is refused with a challenge that names no error', async () => {
  const tokens = await signIn(server.url, { ...app, ...patient, scope: smartScope });
  for (const [path, headers] of [
    ['/who-am-i', {}],
    [`/who-am-i?access_token=${tokens.access_token}`, {}],
    ['/who-am-i', { Authorization: `Basic ${tokens.access_token}` }],
    ['/who-am-i', { Authorization: `Bearer ${tokens.access_token} x` }],
  ] as const) {
    const response = await fetch(`${server.url}${path}`, { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="csss"');
  }
});
