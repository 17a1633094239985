import { readFileSync } from 'node:fs';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4/index.js';
import type { Resource, ResourceType } from '@medplum/fhirtypes';
import { describe, expect, it } from 'vitest';
import { buildSearchParameters, target } from '../../../scripts/build-search-parameters.ts';
import { indexRowsOf } from '../../../server/core/search/index-extraction.ts';
import { compilePath } from '../../../server/core/search/search-path.ts';
import { searchParametersOf, type SearchParameterTable } from '../../../server/core/search/search-parameters.ts';

type Model = NonNullable<Parameters<typeof fhirpath.evaluate>[3]>;
const table = JSON.parse(readFileSync(target, 'utf8')) as SearchParameterTable;

const subject = { reference: 'Patient/1' };
const samples: Resource[] = [
  { resourceType: 'Patient', id: '1', active: true, name: [{ family: 'A', given: ['B', 'C'] }], telecom: [{ system: 'email', value: 'x@y' }, { system: 'phone', value: '1' }],
    address: [{ city: 'X', use: 'home' }], deceasedDateTime: '2020-01-01', link: [{ type: 'seealso', other: { reference: 'Patient/2' } }, { type: 'refer', other: { reference: 'RelatedPerson/3' } }], generalPractitioner: [{ reference: 'Practitioner/1' }], communication: [{ language: { coding: [{ code: 'ta' }] } }] },
  { resourceType: 'Patient', deceasedBoolean: false },
  { resourceType: 'ImagingStudy', status: 'available', subject, started: '2024-01-01', modality: [{ code: 'CT' }], endpoint: [{ reference: 'Endpoint/1' }], basedOn: [{ reference: 'ServiceRequest/1' }],
    series: [{ uid: '1', modality: { code: 'CT' }, bodySite: { code: 'L' }, endpoint: [{ reference: 'Endpoint/2' }], performer: [{ actor: { reference: 'Practitioner/1' } }], instance: [{ uid: '1.1', sopClass: { code: 'x' } }, { uid: '1.2', sopClass: { code: 'x' } }] }] },
  { resourceType: 'Observation', status: 'final', code: { coding: [{ code: 'a' }], text: 'A' }, subject, effectivePeriod: { start: '2020' }, valueQuantity: { value: 1, unit: 'kg' },
    component: [{ code: { coding: [{ code: 'b' }] }, valueQuantity: { value: 2 } }, { code: { coding: [{ code: 'c' }] }, valueCodeableConcept: { coding: [{ code: 'd' }] } }] },
  { resourceType: 'Observation', status: 'final', code: { text: 'A' }, subject: { reference: 'Group/1' }, effectiveDateTime: '2020-01-01', valueCodeableConcept: { text: 'T', coding: [{ code: 'v' }] } },
  { resourceType: 'Observation', status: 'final', code: { text: 'A' }, valueString: 'text', effectiveInstant: '2020-01-01T00:00:00Z' },
  { resourceType: 'Task', status: 'requested', intent: 'order', for: subject, focus: { reference: 'ServiceRequest/1' }, owner: { reference: 'Practitioner/1' }, executionPeriod: { start: '2020' }, code: { text: 'x' }, businessStatus: { coding: [{ code: 'y' }] } },
  { resourceType: 'DiagnosticReport', status: 'final', code: { text: 'x' }, subject, effectiveDateTime: '2020', issued: '2020-01-01T00:00:00Z', media: [{ link: { reference: 'Media/1' } }], resultsInterpreter: [{ reference: 'Practitioner/1' }] },
  { resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject, medicationCodeableConcept: { coding: [{ code: 'm' }] }, dosageInstruction: [{ timing: { event: ['2020-01-01'] } }] },
  { resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject, medicationReference: { reference: 'Medication/1' } },
  { resourceType: 'Condition', subject, onsetAge: { value: 3 }, abatementDateTime: '2020', code: { text: 'x' } },
  { resourceType: 'AuditEvent', type: { code: 'rest' }, recorded: '2020-01-01T00:00:00Z', agent: [{ who: subject, requestor: true }, { who: { reference: 'Practitioner/1' }, requestor: false }], source: { observer: { reference: 'Device/1' } }, entity: [{ what: subject }] },
  { resourceType: 'Provenance', target: [subject, { reference: 'Task/1/_history/2' }], recorded: '2020-01-01T00:00:00Z', agent: [{ who: { reference: 'Practitioner/1' } }] },
  { resourceType: 'DocumentReference', status: 'current', subject, content: [{ attachment: { contentType: 'application/pdf', url: 'Binary/1' } }], relatesTo: [{ code: 'replaces', target: { reference: 'DocumentReference/2' } }] },
  { resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject, occurrencePeriod: { start: '2020' }, instantiatesCanonical: ['http://x'], requisition: { value: 'r' } },
] as Resource[]; // prettier-ignore

describe('the table of search parameters', () => {
  it('is what the definitions say', () => {
    expect(buildSearchParameters()).toEqual(table);
  });

  it('compiles for every type, and every compartment criterion is one of its parameters', () => {
    for (const type of Object.keys(table.parameters))
      expect(searchParametersOf(type as ResourceType).size).toBeGreaterThan(3);
    for (const [type, codes] of Object.entries(table.patientCompartment)) {
      for (const code of codes)
        expect(searchParametersOf(type as ResourceType).get(code)?.type, `${type}.${code}`).toBe('reference');
    }
  });

  it('has the combined parameters under each of their types', () => {
    for (const type of [
      'ImagingStudy',
      'Observation',
      'DiagnosticReport',
      'ServiceRequest',
      'DocumentReference',
      'MedicationRequest',
    ] as const)
      expect(searchParametersOf(type).get('patient')?.target).toEqual(['Patient']);
  });

  it('finds what fhirpath.js finds', () => {
    for (const resource of samples) {
      const entries = { ...table.parameters['Resource'], ...table.parameters[resource.resourceType] };
      for (const [code, entry] of Object.entries(entries)) {
        // fhirpath.js would fetch what resolve() names; the type in the reference tells as much.
        const path = entry.path
          .replace(/where\(resolve\(\) is (\w+)\)/g, `where(reference.contains('$1/'))`)
          .replace('and Patient.deceased', 'and deceased');
        const expected = path.split(' | ').flatMap((term) => evaluate(resource, term));
        const found = compilePath(entry.path)(resource).map(({ value }) => value);
        expect(found, `${resource.resourceType}.${code}`).toEqual(expected);
      }
    }
  });
});

function evaluate(resource: Resource, term: string): unknown[] {
  if (term === '') return [resource];
  const found = fhirpath.evaluate(resource, `${resource.resourceType}.${term}`, undefined, r4 as Model) as unknown[];
  return found.map((value) =>
    typeof value === 'object' && value !== null && 'asStr' in value
      ? String((value as { asStr: string }).asStr)
      : value,
  );
}

describe('index rows', () => {
  it('are cut and cleaned so that any content can be indexed', () => {
    const resource = {
      resourceType: 'Patient',
      name: [{ family: `a\0b\ud800${'x'.repeat(5000)}` }],
      birthDate: '2020-02-31',
      active: { odd: [] },
    } as unknown as Resource;
    const rows = indexRowsOf(resource, { baseUrl: '', timeZone: 'UTC' });
    expect(rows.string.every(({ value }) => value.length <= 255 && !value.includes('\0') && value.isWellFormed())).toBe(
      true,
    );
    expect(rows.date).toEqual([]);
    expect(rows.token.map(({ param }) => param)).toEqual(['Patient.deceased']);
  });

  it('of a thousand images hold each code once', () => {
    const instance = Array.from({ length: 1000 }, (_, n) => ({
      uid: `1.2.${n}`,
      sopClass: { system: 's', code: 'CT' },
    }));
    const rows = indexRowsOf(
      {
        resourceType: 'ImagingStudy',
        status: 'available',
        subject,
        series: [{ uid: '1', modality: { code: 'CT' }, instance }],
      },
      { baseUrl: '', timeZone: 'UTC' },
    );
    expect(rows.token.filter(({ param }) => param === 'ImagingStudy.dicom-class')).toHaveLength(1);
    expect(rows.token.filter(({ param }) => param === 'ImagingStudy.instance')).toHaveLength(1000);
  });
});
