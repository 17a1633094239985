import { describe, expect, it } from 'vitest';
import { statusFrom } from '../../viewer/src/api/server-status.ts';
import { fhirUserOf, jwtClaims, personFrom } from '../../viewer/src/smart/claims.ts';
import { safePath } from '../../viewer/src/smart/sign-in.ts';

const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

describe('who is signed in', () => {
  it('takes the role from the tokens and the person from fhirUser', () => {
    const access = jwtClaims(jwt({ roles: ['doctor'] }));
    expect(personFrom({ sub: 'a1', name: 'Dr. Ü', fhirUser: 'https://x.test/fhir/Practitioner/p-1' }, access)).toEqual({
      subject: 'a1',
      name: 'Dr. Ü',
      role: 'doctor',
      fhirUser: 'Practitioner/p-1',
    });
  });

  it.each([
    [{ sub: 'a1' }, {}],
    [{ sub: 'a1' }, { roles: ['root'] }],
    [{ sub: 'a1' }, { roles: 'doctor' }],
    [{ name: 'x' }, { roles: ['doctor'] }],
  ])('is nobody without a known role and subject: %j %j', (identity, access) =>
    expect(personFrom(identity, access)).toBeUndefined(),
  );

  it('reads claims beyond ASCII, and nothing from what is no JWT', () => {
    expect(jwtClaims(jwt({ name: 'தமிழ் Ü' }))).toEqual({ name: 'தமிழ் Ü' });
    for (const broken of ['', 'a.b.c', 'a', 'a.bnVsbA.c', '..']) expect(jwtClaims(broken)).toEqual({});
  });

  it('knows people only, and whole references only', () => {
    for (const other of [undefined, 7, 'Device/1', 'https://x/fhir/Patient/', 'Patient/a b', 'XPatient/1'])
      expect(fhirUserOf(other)).toBeUndefined();
    expect(fhirUserOf('Patient/1')).toBe('Patient/1');
  });
});

describe('the page to come back to', () => {
  it.each(['https://evil.test/', '//evil.test', '/\\evil.test', 'javascript:alert(1)', '', undefined, { path: '/' }])(
    'is never %j',
    (path) => expect(safePath(path)).toBe('/work'),
  );
  it('is a path of this application', () => expect(safePath('/study/1?x=2')).toBe('/study/1?x=2'));
});

describe('what the server says of itself', () => {
  it('is taken where it has the right type and left out where not', () => {
    const status = statusFrom({
      mode: 'demo',
      siteName: 'Clinic',
      logo: 'yes',
      confidenceThreshold: 75,
      model: { name: 'm', trained: 'yes', accuracy: 1.2 },
    });
    expect(status).toEqual({
      mode: 'demo',
      siteName: 'Clinic',
      logo: false,
      timeZone: undefined,
      confidenceThreshold: undefined,
      idleMinutes: 15,
      languages: [],
      model: { name: 'm', version: undefined, trained: false, provider: undefined, accuracy: undefined, testImages: undefined }, // prettier-ignore
    });
    expect(statusFrom(null).mode).toBe('production');
    expect(statusFrom({ model: null }).model).toBeUndefined();
  });
});
