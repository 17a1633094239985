import { describe, expect, test } from 'vitest';
import { validationIssues } from '../../../server/core/validation/validate.ts';

const div = (inner: string) => `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>`;
const observation = (extra: object) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  ...extra,
});
const patient = (extra: object) => ({ resourceType: 'Patient', ...extra });
const first = (resource: unknown) => validationIssues(resource).map(({ code, expression }) => [code, expression])[0];

describe('accepts', () => {
  test.each([
    ['the least Patient', patient({})],
    ['a text of spaces, which R4 allows', patient({ name: [{ text: ' ' }] })],
    [
      'a primitive that is only an extension',
      patient({ _birthDate: { extension: [{ url: 'http://x', valueCode: 'unknown' }] } }),
    ],
    [
      'a mandatory primitive that is only an extension',
      observation({ status: undefined, _status: { extension: [{ url: 'http://x', valueString: 'y' }] } }),
    ],
    ['values and extensions side by side', patient({ name: [{ given: ['a', null], _given: [null, { id: 'x' }] }] })],
    ['partial dates', patient({ birthDate: '1970-02', deceasedDateTime: '2020' })],
    ['a leap day', patient({ birthDate: '2024-02-29' })],
    [
      'contained resources in use',
      patient({
        contained: [{ resourceType: 'Organization', id: 'o', name: 'x' }],
        managingOrganization: { reference: '#o' },
      }),
    ],
    ['a logical reference', observation({ subject: { identifier: { value: 'x' } } })],
    ['urn references', observation({ subject: { reference: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0' } })],
    [
      'a versioned absolute reference',
      observation({ subject: { reference: 'http://x.example/fhir/Patient/1/_history/2' } }),
    ],
    [
      'nested items by content reference',
      {
        resourceType: 'Questionnaire',
        status: 'draft',
        item: [{ linkId: '1', type: 'group', item: [{ linkId: '1.1', type: 'string' }] }],
      },
    ],
    [
      'a Bundle with resources inside',
      { resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient({}) }] },
    ],
    ['a narrative', patient({ text: { status: 'generated', div: div('<p class="a">x &amp; y<br/></p>') } })],
    [
      'a quantity with a comparator where that is allowed',
      observation({ valueQuantity: { value: 1, comparator: '<' } }),
    ],
  ])('%s', (_name, resource) => {
    expect(validationIssues(JSON.parse(JSON.stringify(resource)))).toEqual([]);
  });
});

describe('refuses', () => {
  test.each<[string, unknown, string, string]>([
    ['what is no object', [], 'structure', 'Resource'],
    ['nothing', null, 'structure', 'Resource'],
    ['an unknown type', { resourceType: 'Nonsense' }, 'structure', 'Resource'],
    ['an abstract type', { resourceType: 'DomainResource' }, 'structure', 'Resource'],
    ['a datatype as resource', { resourceType: 'HumanName' }, 'structure', 'Resource'],
    ['an unknown property', patient({ nonsense: 1 }), 'structure', 'Patient'],
    ['an unknown property deep inside', patient({ name: [{ nonsense: 1 }] }), 'structure', 'Patient.name[0]'],
    ['an empty array', patient({ name: [] }), 'structure', 'Patient.name'],
    ['an empty object', patient({ maritalStatus: {} }), 'structure', 'Patient.maritalStatus'],
    ['an empty object in a list', patient({ name: [{}] }), 'structure', 'Patient.name[0]'],
    ['an empty string', patient({ language: '' }), 'value', 'Patient.language'],
    ['null', patient({ birthDate: null }), 'structure', 'Patient.birthDate'],
    [
      'null in a list without extensions',
      patient({ name: [{ given: [null] }] }),
      'structure',
      'Patient.name[0].given[0]',
    ],
    ['one where many are', patient({ name: { family: 'x' } }), 'structure', 'Patient.name'],
    ['many where one is', patient({ birthDate: ['1970'] }), 'structure', 'Patient.birthDate'],
    ['a primitive where an object is', patient({ maritalStatus: 'M' }), 'structure', 'Patient.maritalStatus'],
    ['a missing mandatory element', { resourceType: 'Observation', status: 'final' }, 'required', 'Observation.code'],
    [
      'a missing mandatory element deep inside',
      patient({ link: [{ other: { reference: 'Patient/1' } }] }),
      'required',
      'Patient.link[0].type',
    ],
    [
      'two choices at once',
      patient({ deceasedBoolean: true, deceasedDateTime: '2020' }),
      'structure',
      'Patient.deceased',
    ],
    ['a choice of a type that is none', observation({ valueAttachment: { url: 'x' } }), 'structure', 'Observation'],
    ['a boolean in quotes', patient({ active: 'true' }), 'value', 'Patient.active'],
    ['a number in quotes', observation({ valueQuantity: { value: '1' } }), 'value', 'Observation.value.value'],
    ['a fraction where a whole number is', observation({ valueInteger: 1.5 }), 'value', 'Observation.value'],
    ['a whole number out of range', observation({ valueInteger: 2 ** 31 }), 'value', 'Observation.value'],
    ['zero where one or more is', patient({ telecom: [{ rank: 0 }] }), 'value', 'Patient.telecom[0].rank'],
    ['an impossible day', patient({ birthDate: '2023-02-29' }), 'value', 'Patient.birthDate'],
    ['an impossible month', patient({ birthDate: '2023-13' }), 'value', 'Patient.birthDate'],
    ['year zero', patient({ birthDate: '0000' }), 'value', 'Patient.birthDate'],
    [
      'a time without zone',
      observation({ effectiveDateTime: '2023-01-01T10:00:00' }),
      'value',
      'Observation.effective',
    ],
    [
      'a time without seconds',
      observation({ effectiveDateTime: '2023-01-01T10:00Z' }),
      'value',
      'Observation.effective',
    ],
    ['a date where an instant is', observation({ issued: '2023-01-01' }), 'value', 'Observation.issued'],
    ['a time of 25 hours', observation({ valueTime: '25:00:00' }), 'value', 'Observation.value'],
    ['a code with spaces around', patient({ gender: ' male' }), 'value', 'Patient.gender'],
    ['a code outside a required value set', patient({ gender: 'nonsense' }), 'code-invalid', 'Patient.gender'],
    ['an id with a slash', patient({ id: 'a/b' }), 'value', 'Patient.id'],
    ['an id of 65 characters', patient({ id: 'x'.repeat(65) }), 'value', 'Patient.id'],
    ['a URI with a space', patient({ implicitRules: 'http://x y' }), 'value', 'Patient.implicitRules'],
    [
      'a broken urn:uuid',
      patient({ identifier: [{ system: 'urn:uuid:nonsense' }] }),
      'value',
      'Patient.identifier[0].system',
    ],
    ['a broken urn:oid', patient({ identifier: [{ system: 'urn:oid:9.x' }] }), 'value', 'Patient.identifier[0].system'],
    [
      'base64 that is none',
      patient({ photo: [{ contentType: 'image/png', data: '=a==' }] }),
      'value',
      'Patient.photo[0].data',
    ],
    ['a control character', patient({ name: [{ text: 'a\u0007b' }] }), 'value', 'Patient.name[0].text'],
    ['half a surrogate pair', patient({ name: [{ text: '\ud800' }] }), 'value', 'Patient.name[0].text'],
    [
      'an extension without url',
      patient({ extension: [{ valueString: 'x' }] }),
      'required',
      'Patient.extension[0].url',
    ],
    [
      'an extension without content',
      patient({ extension: [{ url: 'http://x' }] }),
      'invariant',
      'Patient.extension[0]',
    ],
    [
      'an extension with value and extensions',
      patient({ extension: [{ url: 'http://x', valueString: 'y', extension: [{ url: 'z', valueString: 'q' }] }] }),
      'invariant',
      'Patient.extension[0]',
    ],
    [
      'a reference to a wrong type',
      patient({ managingOrganization: { reference: 'Patient/1' } }),
      'value',
      'Patient.managingOrganization.reference',
    ],
    [
      'a reference to an unknown type',
      observation({ subject: { reference: 'Person2/1' } }),
      'value',
      'Observation.subject.reference',
    ],
    [
      'a reference that is none',
      observation({ subject: { reference: 'nonsense' } }),
      'value',
      'Observation.subject.reference',
    ],
    [
      'a reference to the server root',
      observation({ subject: { reference: '/Patient/1' } }),
      'value',
      'Observation.subject.reference',
    ],
    [
      'a local reference to nothing',
      observation({ subject: { reference: '#x' } }),
      'invariant',
      'Observation.subject.reference',
    ],
    [
      'a contained resource of a wrong type',
      patient({ contained: [{ resourceType: 'Patient', id: 'o' }], managingOrganization: { reference: '#o' } }),
      'value',
      'Patient.managingOrganization.reference',
    ],
    [
      'a contained resource that nothing names',
      patient({ contained: [{ resourceType: 'Organization', id: 'o', name: 'x' }] }),
      'invariant',
      'Patient.contained[0]',
    ],
    [
      'a contained resource in a contained one',
      patient({
        contained: [
          { resourceType: 'Organization', id: 'o', name: 'x', contained: [{ resourceType: 'Patient', id: 'p' }] },
        ],
        managingOrganization: { reference: '#o' },
      }),
      'invariant',
      'Patient.contained[0].contained[0]',
    ],
    [
      'a contained resource with a version',
      patient({
        contained: [{ resourceType: 'Organization', id: 'o', name: 'x', meta: { versionId: '1' } }],
        managingOrganization: { reference: '#o' },
      }),
      'invariant',
      'Patient.contained[0].meta',
    ],
    ['a primitive extension of an object', patient({ _maritalStatus: { id: 'x' } }), 'structure', 'Patient'],
    [
      'extensions of another length than their values',
      patient({ name: [{ given: ['a', 'b'], _given: [null] }] }),
      'structure',
      'Patient.name[0].given',
    ],
    [
      'a resourceType in an element',
      patient({ name: [{ resourceType: 'HumanName', family: 'x' }] }),
      'structure',
      'Patient.name[0]',
    ],
    [
      'a period that ends before it starts',
      patient({ name: [{ family: 'x', period: { start: '2020', end: '2019-12' } }] }),
      'invariant',
      'Patient.name[0].period',
    ],
    [
      'a unit code without system',
      observation({ valueQuantity: { value: 1, code: 'mg' } }),
      'invariant',
      'Observation.value',
    ],
    [
      'a comparator on a SimpleQuantity',
      observation({ referenceRange: [{ low: { value: 1, comparator: '<' } }] }),
      'invariant',
      'Observation.referenceRange[0].low',
    ],
    ['data without contentType', patient({ photo: [{ data: 'aGk=' }] }), 'invariant', 'Patient.photo[0]'],
    ['a contact value without system', patient({ telecom: [{ value: '1' }] }), 'invariant', 'Patient.telecom[0]'],
    ['pat-1: a contact that is nobody', patient({ contact: [{ gender: 'male' }] }), 'invariant', 'Patient.contact[0]'],
    [
      'obs-6: a value and a reason for its absence',
      observation({ valueString: 'x', dataAbsentReason: { text: 'y' } }),
      'invariant',
      'Observation',
    ],
    [
      'obs-7: a component that repeats the code',
      observation({
        code: { coding: [{ system: 'a', code: 'b' }] },
        valueString: 'x',
        component: [{ code: { coding: [{ system: 'a', code: 'b' }] }, valueString: 'y' }],
      }),
      'invariant',
      'Observation',
    ],
    [
      'org-1: an Organization without name and identifier',
      { resourceType: 'Organization', active: true },
      'invariant',
      'Organization',
    ],
    ['bdl-1: a total on a collection', { resourceType: 'Bundle', type: 'collection', total: 1 }, 'invariant', 'Bundle'],
    [
      'bdl-7: two entries with one fullUrl',
      {
        resourceType: 'Bundle',
        type: 'collection',
        entry: [1, 2].map(() => ({ fullUrl: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', resource: patient({}) })),
      },
      'invariant',
      'Bundle',
    ],
    [
      'a fault inside a Bundle',
      { resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient({ gender: 'x' }) }] },
      'code-invalid',
      'Bundle.entry[0].resource.gender',
    ],
    [
      'inv-1: a Task changed before it was written',
      { resourceType: 'Task', status: 'ready', intent: 'order', authoredOn: '2020-02-01', lastModified: '2020-01-01' },
      'invariant',
      'Task',
    ],
  ])('%s', (_name, resource, code, expression) => {
    expect(first(JSON.parse(JSON.stringify(resource)))).toEqual([code, expression]);
  });

  test('a resource of garbage with a bounded list', () => {
    const names = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`p${n}`, n]));
    expect(validationIssues(patient(names)).length).toBeLessThanOrEqual(50);
  });
});
