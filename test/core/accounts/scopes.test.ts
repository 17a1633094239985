import { expect, test } from 'vitest';
import { covers, isKnownScope, parseScope, parseScopes, roleMayUse } from '../../../server/core/accounts/scopes.ts';

test.each([
  ['patient/Observation.rs', { context: 'patient', type: 'Observation', permissions: 'rs' }],
  ['user/*.cruds', { context: 'user', type: '*', permissions: 'cruds' }],
  ['system/ImagingStudy.s', { context: 'system', type: 'ImagingStudy', permissions: 's' }],
  ['patient/*.read', { context: 'patient', type: '*', permissions: 'rs' }],
  ['patient/*.write', { context: 'patient', type: '*', permissions: 'cud' }],
  ['user/Patient.*', { context: 'user', type: 'Patient', permissions: 'cruds' }],
  [
    'patient/Observation.rs?category=laboratory',
    { context: 'patient', type: 'Observation', permissions: 'rs', query: 'category=laboratory' },
  ],
  [
    'user/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory&status=final',
    {
      context: 'user',
      type: 'Observation',
      permissions: 'rs',
      query: 'category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory&status=final',
    },
  ],
  [
    'user/Observation.rs?_security=R',
    { context: 'user', type: 'Observation', permissions: 'rs', query: '_security=R' },
  ],
] as const)('%s is understood', (text, scope) => {
  expect(parseScope(text)).toEqual(scope);
});

test.each([
  'patient/Observation.sr',
  'patient/Observation.dus',
  'patient/Observation.rr',
  'patient/Observation.',
  'patient/Observation',
  'patient/observation.rs',
  'patient/.rs',
  'Patient/Observation.rs',
  'patients/Observation.rs',
  'patient/Observation.rs ',
  ' patient/Observation.rs',
  'patient/Observation.rs?',
  'patient/Observation.rs?category',
  'patient/Observation.rs?category=',
  'patient/Observation.rs?subject.name=x',
  'patient/Observation.rs?category:in=x',
  'patient/Observation.rs?_filter=x',
  'patient/Observation.rs?_has:Group:member:_id=x',
  'patient/Observation.rs?a=b&&c=d',
  'patient/Observation.read?',
  'patient/Observation.RS',
  'patient/*.*x',
  'patient/../Observation.rs',
  'patient/Obs ervation.rs',
  'system/*',
  '',
  'bogus/x',
  `patient/${'A'.repeat(600)}.rs`,
])('%j is not a scope', (text) => {
  expect(parseScope(text)).toBeUndefined();
  expect(isKnownScope(text)).toBe(false);
});

test.each(['Foo', 'Resource', 'DomainResource', 'HumanName', 'Object', 'Patients', 'PATIENT'])(
  'a scope for %s, which is no type of resource, is not known',
  (type) => {
    for (const text of [`patient/${type}.rs`, `user/${type}.read`, `system/${type}.cruds`])
      expect(isKnownScope(text)).toBe(false);
    expect(isKnownScope('patient/Patient.rs')).toBe(true);
    expect(isKnownScope('user/*.rs')).toBe(true);
  },
);

test('a list keeps what is known, once', () => {
  expect(parseScopes('openid patient/Patient.rs bogus patient/Patient.rs  user/Task.u')).toHaveLength(2);
  expect(parseScopes(undefined)).toEqual([]);
});

test.each([
  ['system/*.rs', 'system/Patient.rs', true],
  ['system/Patient.rs', 'system/*.rs', false],
  ['system/Patient.rs', 'system/Patient.cruds', false],
  ['system/Patient.cruds', 'system/Patient.r', true],
  ['user/*.cruds', 'system/Patient.r', false],
  ['system/Observation.rs?category=laboratory', 'system/Observation.rs', false],
  ['system/Observation.rs?category=laboratory', 'system/Observation.r?category=laboratory', true],
  ['system/Observation.rs', 'system/Observation.r?category=laboratory', true],
])('%s covers %s: %s', (wide, narrow, expected) => {
  expect(covers(parseScope(wide)!, parseScope(narrow)!)).toBe(expected);
});

test('no person uses system/, no patient uses user/ or changes records', () => {
  const may = (role: 'patient' | 'doctor' | 'pharmacist' | 'admin', text: string) =>
    roleMayUse(role, parseScope(text)!);
  for (const role of ['patient', 'doctor', 'pharmacist', 'admin'] as const)
    expect(may(role, 'system/*.rs')).toBe(false);
  for (const role of ['doctor', 'pharmacist', 'admin'] as const)
    expect([may(role, 'user/*.rs'), may(role, 'patient/*.rs')]).toEqual([true, true]);
  expect(may('patient', 'user/*.rs')).toBe(false);
  expect(may('patient', 'patient/*.rs')).toBe(true);
  expect(may('patient', 'patient/Observation.ud')).toBe(false);
});
