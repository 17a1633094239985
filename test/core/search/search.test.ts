import type { DiagnosticReport, Endpoint, ImagingStudy, Observation, Patient, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../../server/core/problem.ts';
import { parseSearch } from '../../../server/core/search/parse-search.ts';
import { search } from '../../../server/core/records/read.ts';
import { baseUrl, caller, recordsWorld, server, type RecordsWorld } from '../../harness/records.ts';

let here: RecordsWorld;
const uid = '1.2.840.99.1';

beforeAll(async () => {
  here = await recordsWorld();
  const patients: Patient[] = [
    { resourceType: 'Patient', id: 'a', active: true, gender: 'female', birthDate: '1970-03-12', name: [{ family: 'Müller', given: ['Zoë', 'Ann'] }],
      identifier: [{ system: 'urn:mrn', value: '17', type: { text: 'Record number', coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR', display: 'Medical record number' }] } }],
      telecom: [{ system: 'email', value: 'zoe@example.org' }], address: [{ city: 'Chennai', country: 'IN' }] },
    { resourceType: 'Patient', id: 'b', active: false, gender: 'male', birthDate: '1970-11', name: [{ family: 'Mullerova' }], deceasedBoolean: true,
      identifier: [{ system: 'urn:other', value: '17' }, { value: 'no,system|here' }] },
    { resourceType: 'Patient', id: 'c', birthDate: '1985', name: [{ family: '50%_off' }, { text: 'C\\D' }] },
  ]; // prettier-ignore
  const study: ImagingStudy = {
    resourceType: 'ImagingStudy', id: 's1', status: 'available', subject: { reference: 'Patient/a' }, started: '2024-05-10T10:00:00+05:30',
    identifier: [{ system: 'urn:dicom:uid', value: `urn:oid:${uid}` }, { system: 'urn:acsn', value: 'ACC1' }],
    modality: [{ system: 'http://dicom.nema.org/resources/ontology/DCM', code: 'CT', display: 'Computed Tomography' }], endpoint: [{ reference: 'Endpoint/e1' }],
    referrer: { identifier: { system: 'urn:npi', value: '99' }, display: 'Dr Patel' },
    series: [{ uid: `${uid}.1`, modality: { code: 'CT' }, instance: [{ uid: `${uid}.1.1`, sopClass: { system: 'urn:ietf:rfc:3986', code: 'urn:oid:1.2.840.10008.5.1.4.1.1.2' } }] }],
  }; // prettier-ignore
  const second: ImagingStudy = {
    resourceType: 'ImagingStudy', id: 's2', status: 'available', subject: { reference: `${baseUrl}/Patient/b` }, started: '2024-05',
    identifier: [{ system: 'urn:dicom:uid', value: 'urn:oid:1.2.3' }], modality: [{ code: 'MR' }], endpoint: [{ reference: 'Endpoint/e1' }],
  }; // prettier-ignore
  const endpoint: Endpoint = {
    resourceType: 'Endpoint', id: 'e1', status: 'active', address: 'https://csss.test/dicomweb', payloadType: [{ text: 'DICOM' }],
    connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'dicom-wado-rs' },
  }; // prettier-ignore
  const ai = (id: string, patient: string, covid: number): Observation => ({
    resourceType: 'Observation', id, status: 'final', code: { coding: [{ system: 'urn:c', code: 'ai' }] }, subject: { reference: `Patient/${patient}` },
    effectivePeriod: { start: '2024-01-01', end: '2024-01-31' }, valueCodeableConcept: { coding: [{ code: 'COVID' }] },
    component: [
      { code: { coding: [{ code: 'COVID' }] }, valueQuantity: { value: covid, system: 'http://unitsofmeasure.org', code: '1' } },
      { code: { coding: [{ code: 'Normal' }] }, valueQuantity: { value: 1 - covid, system: 'http://unitsofmeasure.org', code: '1' } },
    ],
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'AIAST' }], tag: [{ code: 'demo' }] },
  }); // prettier-ignore
  const weight: Observation = {
    resourceType: 'Observation', id: 'w', status: 'final', code: { text: 'Body weight' }, subject: { reference: 'Patient/a' }, effectiveDateTime: '2024-02-10',
    valueQuantity: { value: 92.3, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
  }; // prettier-ignore
  const report: DiagnosticReport = {
    resourceType: 'DiagnosticReport', id: 'r1', status: 'final', code: { text: 'CT' }, subject: { reference: 'Patient/a' },
    imagingStudy: [{ reference: 'ImagingStudy/s1' }], result: [{ reference: 'Observation/o1' }],
  }; // prettier-ignore
  const task: Task = {
    resourceType: 'Task', id: 't1', status: 'requested', intent: 'order', for: { reference: 'Patient/a' }, focus: { reference: 'ImagingStudy/s1' },
    businessStatus: { coding: [{ code: 'PENDING_AI' }] }, authoredOn: '2024-05-10T05:00:00Z',
  }; // prettier-ignore
  for (const resource of [
    ...patients,
    endpoint,
    study,
    second,
    ai('o1', 'a', 0.95),
    ai('o2', 'b', 0.4),
    weight,
    report,
  ])
    await here.put(resource);
  await here.world.transaction((stores) =>
    stores.records.put({
      resourceType: 'Task',
      id: 't1',
      version: 1,
      lastUpdated: new Date(),
      method: 'PUT',
      resource: task,
    }),
  );
});
afterAll(() => here.database.close());

/** Query string -> the ids that it must find, in any order. */
const table: Record<string, [query: string, ids: string][]> = {
  string: [
    ['Patient?family=muller', 'a b'],
    ['Patient?family=MÜLLER', 'a b'],
    ['Patient?family:exact=Müller', 'a'],
    ['Patient?family:exact=müller', ''],
    ['Patient?family:contains=ulle', 'a b'],
    ['Patient?given=zoe', 'a'],
    ['Patient?name=ann', 'a'],
    ['Patient?name=ann&family=mull', 'a'],
    ['Patient?name=ann,mullerova', 'a b'],
    ['Patient?family=%25', ''],
    ['Patient?family=50%25_', 'c'],
    ['Patient?family=50__off', ''],
    ['Patient?family:contains=%25', 'c'],
    ['Patient?name=c\\\\d', 'c'],
    ['Patient?address-city=chennai', 'a'],
    ['Patient?address=in', 'a'],
    ['Patient?family:missing=true', ''],
    ['Patient?given:missing=true', 'b c'],
  ],
  token: [
    ['Patient?identifier=17', 'a b'],
    ['Patient?identifier=urn:mrn|17', 'a'],
    ['Patient?identifier=urn:mrn|', 'a'],
    ['Patient?identifier=|17', ''],
    ['Patient?identifier=|no\\,system\\|here', 'b'],
    ['Patient?identifier=no\\,system\\|here', 'b'],
    ['Patient?identifier=urn:mrn|17,urn:other|17', 'a b'],
    ['Patient?identifier:not=urn:mrn|17', 'b c'],
    ['Patient?identifier:text=medical', 'a'],
    ['Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|17', 'a'],
    ['Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|18', ''],
    ['Patient?gender=female', 'a'],
    ['Patient?gender:not=female', 'b c'],
    ['Patient?gender:missing=true', 'c'],
    ['Patient?active=true', 'a'],
    ['Patient?email=zoe@example.org', 'a'],
    ['Patient?deceased=true', 'b'],
    ['Patient?deceased=false', 'a c'],
    [`ImagingStudy?identifier=urn:oid:${uid}`, 's1'],
    [`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${uid}`, 's1'],
    [`ImagingStudy?identifier=${uid}`, 's1'],
    ['ImagingStudy?identifier=ACC1', 's1'],
    ['ImagingStudy?modality=CT', 's1'],
    ['ImagingStudy?modality=CT,MR', 's1 s2'],
    ['ImagingStudy?modality:text=tomography', 's1'],
    [`ImagingStudy?series=${uid}.1`, 's1'],
    [`ImagingStudy?instance=${uid}.1.1`, 's1'],
    ['ImagingStudy?dicom-class=urn:oid:1.2.840.10008.5.1.4.1.1.2', 's1'],
    ['ImagingStudy?status=available', 's1 s2'],
    ['Observation?code:text=weight', 'w'],
    ['Observation?code:missing=false', 'o1 o2 w'],
    ['Observation?_security=AIAST', 'o1 o2'],
    ['Observation?_security:not=AIAST', 'w'],
    ['Observation?_tag=demo', 'o1 o2'],
    ['Task?business-status=PENDING_AI', 't1'],
    ['Task?status=requested,ready', 't1'],
    ['Endpoint?connection-type=dicom-wado-rs', 'e1'],
    ['Patient?_id=a,c', 'a c'],
    ['Patient?_id:not=a,c', 'b'],
  ],
  date: [
    ['Patient?birthdate=1970', 'a b'],
    ['Patient?birthdate=1970-03', 'a'],
    ['Patient?birthdate=1970-03-12', 'a'],
    ['Patient?birthdate=1970-11-05', ''],
    ['Patient?birthdate=ne1970', 'c'],
    ['Patient?birthdate=gt1970', 'c'],
    ['Patient?birthdate=ge1970-11', 'b c'],
    ['Patient?birthdate=lt1970-11', 'a'],
    ['Patient?birthdate=le1970', 'a b'],
    ['Patient?birthdate=sa1970-03', 'b c'],
    ['Patient?birthdate=eb1985', 'a b'],
    ['Patient?birthdate=gt1969&birthdate=lt1971', 'a b'],
    ['ImagingStudy?started=2024-05-10', 's1'],
    ['ImagingStudy?started=2024-05-10T10:00:00%2B05:30', 's1'],
    ['ImagingStudy?started=2024-05-10T10:00:00+05:30', 's1'],
    ['ImagingStudy?started=2024-05-10T04:30Z', 's1'],
    ['ImagingStudy?started=2024', 's1 s2'],
    ['ImagingStudy?started=ge2024-05-20', 's2'],
    ['ImagingStudy?started=gt2024-05-20', 's2'],
    ['ImagingStudy?started=lt2024-05-02', 's2'],
    ['ImagingStudy?started=sa2024-05-02', 's1'],
    ['Observation?date=ge2024-01-15', 'o1 o2 w'],
    ['Observation?date=gt2024-01-31', 'w'],
    ['Observation?date=2024-01', 'o1 o2'],
    ['Observation?date=2024-01-15', ''],
    ['Observation?date=ap2024-01-15', 'o1 o2 w'],
    ['Patient?_lastUpdated=gt2100', ''],
    ['Patient?_lastUpdated=lt2100', 'a b c'],
  ],
  reference: [
    ['ImagingStudy?patient=Patient/a', 's1'],
    ['ImagingStudy?patient=a', 's1'],
    ['ImagingStudy?subject=Patient/b', 's2'],
    ['ImagingStudy?subject:Patient=b', 's2'],
    ['ImagingStudy?subject:Device=b', ''],
    [`ImagingStudy?patient=${baseUrl}/Patient/a`, 's1'],
    ['ImagingStudy?patient=https://elsewhere.test/fhir/Patient/a', ''],
    ['ImagingStudy?patient=Patient/a/_history/1', 's1'],
    ['ImagingStudy?referrer:identifier=urn:npi|99', 's1'],
    ['ImagingStudy?referrer:missing=false', 's1'],
    ['ImagingStudy?endpoint=e1', 's1 s2'],
    ['DiagnosticReport?imaging-study=ImagingStudy/s1', 'r1'],
    ['DiagnosticReport?result=Observation/o1', 'r1'],
    ['Task?focus=ImagingStudy/s1', 't1'],
    ['Task?patient=a', 't1'],
  ],
  quantity: [
    ['Observation?value-quantity=92', 'w'],
    ['Observation?value-quantity=92.0', ''],
    ['Observation?value-quantity=92.3|http://unitsofmeasure.org|kg', 'w'],
    ['Observation?value-quantity=92.3||kg', 'w'],
    ['Observation?value-quantity=92.3|http://unitsofmeasure.org|g', ''],
    ['Observation?value-quantity=gt92', 'w'],
    ['Observation?value-quantity=lt92.3', ''],
    ['Observation?value-quantity=le92.3', 'w'],
    ['Observation?value-quantity=ap90', 'w'],
    ['Observation?value-quantity=ne92', ''],
    ['Observation?component-code-value-quantity=COVID$gt0.9', 'o1'],
    ['Observation?component-code-value-quantity=Normal$gt0.5', 'o2'],
    ['Observation?combo-code-value-quantity=COVID$lt0.5', 'o2'],
    ['Observation?code-value-concept=ai$COVID', 'o1 o2'],
    ['Observation?component-value-quantity=9.5e-1', 'o1'],
  ],
  chains: [
    ['ImagingStudy?patient.name=muller', 's1 s2'],
    ['ImagingStudy?patient.identifier=urn:mrn|17', 's1'],
    ['ImagingStudy?subject:Patient.gender=male', 's2'],
    ['ImagingStudy?subject.birthdate=1970-03', 's1'],
    ['DiagnosticReport?result.patient.family=muller', 'r1'],
    ['DiagnosticReport?imaging-study.endpoint.connection-type=dicom-wado-rs', 'r1'],
    ['Patient?_has:ImagingStudy:patient:modality=CT', 'a'],
    ['Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=final', 'a'],
    ['Observation?_has:DiagnosticReport:result:status=final', 'o1'],
    ['Patient?_has:ImagingStudy:patient:_id=s2', 'b'],
  ],
  includes: [
    ['ImagingStudy?_id=s1&_include=ImagingStudy:endpoint', 's1 e1'],
    ['ImagingStudy?_id=s1&_include=ImagingStudy:patient', 's1 a'],
    ['ImagingStudy?_id=s1&_include=ImagingStudy:*', 's1 a e1'],
    ['ImagingStudy?_include=ImagingStudy:endpoint', 's1 s2 e1'],
    ['ImagingStudy?_id=s1&_include=ImagingStudy:subject:Device', 's1'],
    ['Patient?_id=a&_revinclude=ImagingStudy:patient', 'a s1'],
    ['Patient?_id=a&_revinclude=ImagingStudy:patient&_include:iterate=ImagingStudy:endpoint', 'a s1 e1'],
    ['DiagnosticReport?_include=DiagnosticReport:result&_include:iterate=Observation:patient', 'r1 o1 a'],
  ],
};

for (const [kind, cases] of Object.entries(table)) {
  describe(`searching by ${kind}`, () => {
    it.each(cases)('%s finds "%s"', async (query, ids) => {
      expect((await here.find(query)).sort()).toEqual(ids.split(' ').filter(Boolean).sort());
    });
  });
}

describe('a search', () => {
  // Searches by one identifier keep their statement prepared: after the fifth time PostgreSQL keeps the plan, too.
  it('by an identifier finds the same however often, each caller what is theirs', async () => {
    const own = caller('patient/*.rs', { role: 'patient', patient: 'a', fhirUser: 'Patient/a' });
    for (let round = 0; round < 12; round++) {
      expect(await here.find('Patient?identifier=17')).toEqual(['a', 'b']);
      expect(await here.find('Patient?identifier=urn:other|17')).toEqual(['b']);
      expect(await here.find('Patient?identifier=urn:none|17')).toEqual([]);
      expect(await here.find('Patient?identifier=17', own)).toEqual(['a']);
      expect(await here.find('Patient?_id=c')).toEqual(['c']);
      expect(await here.find('Patient?_id=b', own).catch((error: Problem) => error.code)).toEqual('forbidden');
    }
  });

  const run = (query: string, extra: { after?: string; total?: 'accurate' } = {}) => {
    const [type, parameters] = query.split('?');
    const { query: parsed } = parseSearch(type as 'Patient', [...new URLSearchParams(parameters)], { strict: true });
    return search(here.world, server, { ...parsed, ...extra });
  };

  it.each([
    ['Patient?birthdate=1970-02-30', 'value'],
    ['Patient?birthdate=yesterday', 'value'],
    ['Patient?identifier:of-type=17', 'value'],
    ['Patient?identifier=a|b|c', 'value'],
    ['Observation?value-quantity=heavy', 'value'],
    ['Observation?value-quantity=1e999999', 'value'],
    ['Observation?code-value-quantity=x', 'value'],
    ['Patient?family:sounds=x', 'not-supported'],
    ['Patient?nonsense=x', 'not-supported'],
  ])('refuses %s as %s', async (query, code) => {
    await expect(async () => run(query)).rejects.toMatchObject({ code });
  });

  it('counts without giving records', async () => {
    expect(await run('Patient?_count=0')).toEqual({ matches: [], included: [], total: 3 });
    expect((await run('Patient?family=nobody', { total: 'accurate' })).total).toBe(0);
    expect((await run('Patient?_count=1', { total: 'accurate' })).total).toBe(3);
  });

  it('sorts by several keys in their own directions, with nothing last', async () => {
    const ids = async (query: string) => (await run(query)).matches.map(({ id }) => id);
    expect(await ids('Patient?_sort=family')).toEqual(['c', 'a', 'b']);
    expect(await ids('Patient?_sort=-birthdate')).toEqual(['c', 'b', 'a']);
    expect(await ids('Patient?_sort=gender')).toEqual(['a', 'b', 'c']);
    expect(await ids('Patient?_sort=-gender,_id')).toEqual(['b', 'a', 'c']);
    expect(await ids('Patient?_sort=_id')).toEqual(['a', 'b', 'c']);
  });

  it.each(['', '&_sort=family', '&_sort=-gender', '&_sort=-_lastUpdated', '&_sort=birthdate,-family'])(
    'gives every record once over its pages while others come and go (%s)',
    async (sort) => {
      const tag = `paging${sort}`.replace(/\W/g, '-');
      const resource = (n: number): Patient => ({
        resourceType: 'Patient',
        meta: { tag: [{ code: tag }] },
        name: n % 3 === 0 ? [{ text: 'no family' }] : [{ family: `Familyname${n % 5}` }],
        ...(n % 2 === 0 && { gender: n % 4 === 0 ? 'female' : 'male' }),
        ...(n % 4 !== 0 && { birthDate: `19${70 + n}-01-01` }),
      });
      const standing: string[] = [];
      for (let n = 0; n < 11; n++) standing.push((await here.put(resource(n))).id);
      const seen: string[] = [];
      let after: string | undefined;
      for (let page = 0; page < 30; page++) {
        const found = await run(`Patient?_tag=${tag}&_count=2${sort}`, after === undefined ? {} : { after });
        seen.push(...found.matches.map(({ id }) => id));
        if (found.next === undefined) break;
        after = found.next;
        if (page < 5) await here.put(resource(page));
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toEqual(expect.arrayContaining(standing));
    },
  );

  it('refuses a page link of another search, a changed one and a made-up one', async () => {
    const { next } = await run('Patient?_count=1&_sort=family');
    await expect(run('Patient?_count=1&_sort=-family', { after: next! })).rejects.toMatchObject({ code: 'value' });
    await expect(run('Patient?_count=1&_sort=family', { after: `${next!.slice(0, -3)}AAA` })).rejects.toMatchObject({
      code: 'value',
    });
    await expect(run('Patient?_count=1', { after: '' })).rejects.toMatchObject({ code: 'value' });
    await expect(run('Patient?_count=1', { after: "' or 1=1" })).rejects.toMatchObject({ code: 'value' });
  });

  it('follows an update: what is no longer so is no longer found', async () => {
    const { id } = await here.put<Patient>({ resourceType: 'Patient', name: [{ family: 'Before' }], gender: 'other' });
    await here.put<Patient>({ resourceType: 'Patient', id, name: [{ family: 'After' }] });
    expect(await here.find('Patient?family=before')).toEqual([]);
    expect(await here.find('Patient?gender=other')).toEqual([]);
    expect(await here.find('Patient?family=after')).toEqual([id]);
  });
});
