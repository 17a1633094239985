import type { HumanName, Patient } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { coercionOf, storedCoercion } from '../../../server/core/studies/coercion.ts';
import { humanNames } from '../../../server/core/studies/fhir-values.ts';
import { patientIdentity, patientIdSystem } from '../../../server/core/studies/match-patient.ts';
import type { PersonName } from '../../../server/core/dicom/json.ts';

const settings = { fhirBaseUrl: 'https://pacs.example.org/fhir' };
const mr = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] };
const of = (patient: Partial<Patient>, more = {}) =>
  coercionOf({ resourceType: 'Patient', ...patient }, { ...settings, ...more });
const nameOf = (...name: HumanName[]) => of({ name })['00100010']!.Value?.[0] as PersonName | undefined;

describe('what a Patient is in images', () => {
  it.each([
    ['the site', undefined, undefined],
    ['an OID', 'urn:oid:1.2.3', 'HOSP'],
    ['a UUID', 'urn:uuid:00112233-4455-6677-8899-aabbccddeeff', undefined],
    ['an issuer', `${settings.fhirBaseUrl}/NamingSystem/patient-id-of-CLINIC%20%C3%84`, undefined],
    ['an address', 'https://hospital.example/mrn', undefined],
  ])('is matched to the same identifier again: %s', (_, system, issuer) => {
    const wanted = system ?? patientIdSystem(settings);
    const identifier = [{ system: wanted, value: 'P-1', type: mr, ...(issuer && { assigner: { display: issuer } }) }];
    expect(patientIdentity(of({ identifier }), settings)).toMatchObject({ system: wanted, value: 'P-1' });
  });

  it('is the number that images of this site name, and the others beside it', () => {
    const identifier: Patient['identifier'] = [
      { value: 'OLD', use: 'old', type: mr },
      { value: 'ELSEWHERE', system: 'urn:oid:1.2', type: mr },
      { value: 'SOCIAL', type: { coding: [{ code: 'SS' }] } },
      { value: 'x'.repeat(65), type: mr },
      { value: 'HERE', system: 'urn:oid:9', type: mr },
    ];
    const said = of({ identifier }, { patientIdSystem: 'urn:oid:9' });
    expect(said['00100020']).toEqual({ vr: 'LO', Value: ['HERE'] });
    expect(said['00101002']!.Value).toEqual([
      expect.objectContaining({ '00100020': { vr: 'LO', Value: ['ELSEWHERE'] }, '00100022': { vr: 'CS', Value: ['TEXT'] } }),
      expect.objectContaining({ '00100020': { vr: 'LO', Value: ['OLD'] } }),
    ]); // prettier-ignore
    expect(JSON.stringify(said)).not.toContain('SOCIAL');
  });

  it('has no value where the record has none, so that no value of another is shown', () => {
    expect(of({ birthDate: '1970-02', gender: 'unknown' })).toEqual({
      '00100010': { vr: 'PN' },
      '00100020': { vr: 'LO' },
      '00100021': { vr: 'LO' },
      '00100024': { vr: 'SQ' },
      '00100030': { vr: 'DA' },
      '00100040': { vr: 'CS' },
      '00101002': { vr: 'SQ' },
    });
  });

  it('takes what describes another person away where it was another, and leaves what was measured', () => {
    const coercion = { attributes: of({}), at: '2026-11-27T09:10:11Z', system: 'CSSS' };
    const corrected = storedCoercion({ ...coercion, reason: 'CORRECT' }).attributes;
    expect(corrected).toMatchObject({ '00101010': { vr: 'AS' }, '00102110': { vr: 'LO' }, '00104000': { vr: 'LT' } });
    expect(corrected).not.toHaveProperty('00101030');
    expect(storedCoercion({ ...coercion, reason: 'COERCE' }).attributes).toEqual(coercion.attributes);
  });
});

describe('a name', () => {
  it.each<PersonName>([
    { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
    { Alphabetic: 'van der Berg^Jan^Piet^Dr.^III' },
    { Alphabetic: '王^小東' },
    { Ideographic: '王^小東', Alphabetic: 'Wang^XiaoDong' },
  ])('comes back as it came: %o', (name) => {
    expect(nameOf(...humanNames(name))).toEqual(name);
  });

  it('is the one in use, without what would separate parts of it', () => {
    expect(nameOf({ use: 'old', family: 'Born' }, { use: 'official', family: 'A^B=C\\D', given: ['E\nF'] })).toEqual({ Alphabetic: 'A B C D^E F' }); // prettier-ignore
    expect(nameOf({ text: 'Erika Example' })).toEqual({ Alphabetic: 'Erika Example' });
    expect(nameOf({ given: ['Nur'] })).toEqual({ Alphabetic: '^Nur' });
    expect(nameOf({ use: 'official' })).toBeUndefined();
  });

  it('that is too long for an image goes without suffix, prefix and further names first', () => {
    const long = { family: 'F'.repeat(40), given: ['G'.repeat(20), 'H'.repeat(30)], suffix: ['S'.repeat(20)] };
    expect(nameOf(long)).toEqual({ Alphabetic: `${'F'.repeat(40)}^${'G'.repeat(20)}` });
    expect(nameOf({ family: '😀'.repeat(70) })!.Alphabetic).toBe('😀'.repeat(64));
  });
});
