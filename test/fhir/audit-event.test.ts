import type { AuditEvent, Bundle, CapabilityStatement, Observation, Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemPrincipal, type Principal } from '../../server/core/principal.ts';
import { caller } from '../harness/records.ts';
import { fhirServer, type FhirServer } from './server.ts';

// The audit trail as AuditEvents in the profiles of IHE BALP, for those who may look at it.
const balp = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.';
let server: FhirServer;
let patient: Patient & { id: string };
let observation: Observation & { id: string };
const doctor: Principal = {
  ...caller('user/*.rs user/Observation.cruds', { role: 'doctor' }),
  fhirUser: 'Practitioner/house',
  tokenId: 'token-1',
};

beforeAll(async () => {
  server = await fhirServer();
  server.callers.set('doctor', doctor);
  server.callers.set('admin', { ...caller('user/*.rs', { role: 'admin' }), fhirUser: 'Practitioner/root' });
  server.callers.set('auditor', caller('system/AuditEvent.rs', { kind: 'client' }));
  patient = await server.put<Patient>({ resourceType: 'Patient' });
  await server.put({ resourceType: 'Practitioner', id: 'house' });
  observation = await server.put<Observation>({
    resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: `Patient/${patient.id}` },
  }); // prettier-ignore
  await server.call('GET', `/Observation/${observation.id}`, { as: 'doctor', headers: { 'X-Request-Id': 'read-1' } });
  await server.call('GET', `/Observation?patient=${patient.id}&code:text=x`, { as: 'doctor' });
  await server.call('DELETE', `/Patient/${patient.id}`, { as: 'doctor' });
});
afterAll(() => server.close());

async function found(query: string, as = 'admin'): Promise<AuditEvent[]> {
  const { json, status, text } = await server.call('GET', `/AuditEvent${query}`, { as });
  expect(status, text).toBe(200);
  return ((json as Bundle).entry ?? []).map(({ resource }) => resource as AuditEvent);
}
const codes = (events: AuditEvent[]) => events.map(({ subtype }) => subtype!.at(-1)!.code);

describe('an AuditEvent', () => {
  it('of a read is in the profile of BALP with the patient, and says who, through what, by which token, from where', async () => {
    const [event] = await found(`?patient=${patient.id}&subtype=read&agent=Practitioner/house`);
    expect(event).toMatchObject({
      meta: { versionId: '1', profile: [`${balp}OAUTHaccessTokenUse.Minimal`] }, // the network is unknown in this harness
      type: { code: 'rest' },
      subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'read' }, { code: 'fhir:read' }],
      action: 'R',
      outcome: '0',
      agent: [
        { type: { coding: [{ code: 'IRCP' }] }, who: { reference: 'Practitioner/house' }, role: [{ text: 'doctor' }], requestor: true },
        { type: { coding: [{ code: 'UserOauthAgent' }] }, policy: ['urn:ietf:params:oauth:jti:token-1'] },
        { type: { coding: [{ code: '110152' }] }, who: { identifier: { value: doctor.clientId } }, requestor: false },
        { type: { coding: [{ code: '110153' }] }, network: { address: server.base, type: '5' } },
      ],
      entity: [
        { type: { code: '1' }, role: { code: '1' }, what: { reference: `Patient/${patient.id}` } },
        { type: { code: '2' }, role: { code: '4' }, what: { reference: `Observation/${observation.id}/_history/1` } },
        { type: { code: 'XrequestId' }, what: { identifier: { value: 'read-1' } } },
      ],
    }); // prettier-ignore
  });

  it.each([
    ['fhir:create', 'C', 'PatientCreate'], ['fhir:update', 'U', 'PatientUpdate'], ['fhir:read', 'R', 'PatientRead'], ['fhir:vread', 'R', 'PatientRead'],
    ['fhir:delete', 'D', 'PatientDelete'], ['fhir:search', 'E', 'PatientQuery'],
  ] as const)('of %s by an app at a known address is in its profile', async (name, action, profile) => {
    const rows = [{ patients: ['one'] }, { patients: [] }, { patients: ['one', 'two'] }];
    for (const { patients } of rows)
      await server.world.read(({ audit }) =>
        audit.append({
          action, event: name, outcome: 'success', principal: doctor, patients, entities: ['Observation/1/_history/1'],
          sourceAddress: '10.1.2.3', requestId: `profile-${name}`, ...(name === 'fhir:search' && { query: 'code=1' }),
        }),
      );
    const events = await found(`?entity=Observation/1&subtype=${name}&_sort=date`);
    const plain = profile.replace('Patient', '');
    expect(events.map(({ meta }) => meta!.profile![0])).toEqual([profile, plain, plain].map((one) => balp + one));
    for (const event of events) expect(await server.world.checker.issues(event)).toEqual([]);
  }); // prettier-ignore

  it('of a search keeps the query in base64, and never in clear', async () => {
    const [event] = await found(`?patient=${patient.id}&subtype=search-type&action=E`);
    const query = event!.entity!.find(({ role }) => role?.code === '24')!;
    expect(Buffer.from(query.query!, 'base64').toString()).toContain('patient=');
    expect(query.what).toBeUndefined();
  });

  it('of images, sign-ins, exports, roles and refusals is told in the codes of DICOM', async () => {
    const append = (event: string, outcome: 'success' | 'refused' = 'success', entities: string[] = []) =>
      server.world.read(({ audit }) => audit.append({ action: 'E', event, outcome, principal: doctor, entities, reason: 'forbidden', times: 3, purpose: 'BTG' })); // prettier-ignore
    for (const event of ['dicomweb:store', 'dicomweb:metadata', 'smart:sign-in', 'smart:sign-out', 'audit:export', 'account:role', 'access:emergency'])
      await append(event, 'success', ['studies/1.2.3/series/1.2.4']); // prettier-ignore
    for (const [type, event] of [
      ['110104', 'dicomweb:store'], ['110103', 'dicomweb:metadata'], ['110106', 'audit:export'],
    ]) expect(codes(await found(`?type=http://dicom.nema.org/resources/ontology/DCM|${type}`)), type).toEqual([event]); // prettier-ignore
    for (const [subtype, event] of [
      ['110122', 'smart:sign-in'], ['110123', 'smart:sign-out'], ['110136', 'account:role'], ['110127', 'access:emergency'],
    ]) expect(codes(await found(`?subtype=${subtype}`)), subtype).toEqual([event]); // prettier-ignore
    const [store] = await found('?type=110104');
    expect(store!.entity![0]).toMatchObject({
      what: { identifier: { system: 'urn:dicom:uid', value: 'urn:oid:1.2.4' } },
      role: { code: '3' },
    });
    await append('fhir:update', 'refused');
    const [refused] = await found('?outcome=4&subtype=fhir:update');
    expect(refused).toMatchObject({ outcome: '4', outcomeDesc: 'forbidden, 3 times', purposeOfEvent: [{ coding: [{ code: 'BTG' }] }] }); // prettier-ignore
    for (const event of await found('?_count=100')) expect(await server.world.checker.issues(event)).toEqual([]);
  });
});

describe('a search for AuditEvents', () => {
  it('finds by each parameter that is offered, and nothing else', async () => {
    const all = await found('?_count=200');
    const [one] = await found(`?patient=${patient.id}&subtype=read&agent=Practitioner/house`);
    const clients = all.flatMap(({ agent }) => agent).find(({ who }) => who?.identifier?.value === 'test-app')!.who!
      .identifier!.system!;
    const hits: [string, (event: AuditEvent) => boolean][] = [
      [`_id=${one!.id}`, (event) => event.id === one!.id],
      [`patient=Patient/${patient.id}`, (event) => JSON.stringify(event.entity ?? []).includes(`"Patient/${patient.id}"`)],
      [`patient=${server.base}/Patient/${patient.id}`, (event) => JSON.stringify(event.entity ?? []).includes(`"Patient/${patient.id}"`)],
      ['agent=Practitioner/house', (event) => event.agent[0]!.who?.reference === 'Practitioner/house'],
      ['agent:Practitioner=house', (event) => event.agent[0]!.who?.reference === 'Practitioner/house'],
      ['agent:identifier=test-app', (event) => event.agent.some(({ who }) => who?.identifier?.value === 'test-app')],
      [`agent:identifier=${clients}|test-app`, (event) => event.agent.some(({ who }) => who?.identifier?.value === 'test-app')],
      [`agent:identifier=${clients}|`, (event) => event.agent.some(({ who }) => who?.identifier?.system === clients)],
      [`agent:identifier=${clients.replace('/clients', '/accounts')}|test-app`, () => false],
      ['agent:identifier=urn:elsewhere|test-app', () => false],
      ['agent:identifier=|test-app', () => false],
      ['type=|rest', () => false],
      ['subtype=|read,|fhir:read', () => false],
      ['outcome=http://hl7.org/fhir/audit-event-outcome|', () => true],
      ['action=http://hl7.org/fhir/audit-event-action|', () => true],
      ['action=R,D', (event) => event.action === 'R' || event.action === 'D'],
      ['action:not=E', (event) => event.action !== 'E'],
      ['outcome=4', (event) => event.outcome === '4'],
      [`entity=Observation/${observation.id}`, (event) => JSON.stringify(event.entity ?? []).includes(observation.id)],
      ['type=rest', (event) => event.type.code === 'rest'],
      ['address=10.1.', (event) => event.agent.some(({ network }) => network?.address?.startsWith('10.1.') === true)],
      ['date=lt2020', () => false],
      ['date=ge2020&date=lt2120', () => true],
      [`date=${one!.recorded}`, (event) => event.recorded === one!.recorded],
      ['patient=nobody', () => false],
      ['address:missing=false', (event) => event.agent.some(({ network }) => network?.type === '2')],
    ]; // prettier-ignore
    const narrowed = all.length;
    for (const [query, fits] of hits) {
      const ids = (await found(`?${query}&_count=200`)).map(({ id }) => id);
      const wanted = all.filter(fits).map(({ id }) => id);
      // Each search leaves a row of its own, which came after these.
      expect(
        ids.filter((id) => all.some((event) => event.id === id)),
        query,
      ).toEqual(wanted);
    }
    expect(narrowed).toBeGreaterThan(20);
  });

  it('gives pages, newest first or oldest first, that new rows do not move, and a total when asked', async () => {
    for (const [sort, sign] of [
      ['-date', -1],
      ['date', 1],
    ] as const) {
      const ids: number[] = [];
      let url: string | undefined = `/AuditEvent?agent=Practitioner/house&_sort=${sort}&_count=3&_total=accurate`;
      let total = 0;
      while (url !== undefined) {
        const { json } = await server.call('GET', url, { as: 'admin' });
        const bundle = json as Bundle;
        total ||= bundle.total!;
        ids.push(...(bundle.entry ?? []).map(({ resource }) => Number(resource!.id)));
        url = bundle.link!.find(({ relation }) => relation === 'next')?.url;
      }
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => sign * (a - b)));
      expect(ids.length).toBe(total);
    }
    const counted = await server.call('GET', '/AuditEvent?agent=Practitioner/house&_summary=count', { as: 'admin' });
    expect(counted.json.total).toBeGreaterThan(5);
  });

  it('is answered in the compartment of a patient, and in a Bundle', async () => {
    const inside = await server.call('GET', `/Patient/${patient.id}/AuditEvent?_count=2`, { as: 'admin' });
    expect((inside.json as Bundle).entry!.length).toBe(2);
    const everything = await server.call('GET', `/Patient/${patient.id}/$everything`, { as: 'admin' });
    expect(everything.text).not.toContain('AuditEvent');
  });

  it.each([
    'agent.name=x', '_has:Provenance:target:agent=x', '_include=AuditEvent:patient', '_sort=action', 'policy=x', 'type:text=rest', '_revinclude=Provenance:target',
  ])('refuses %s rather than answer something else', async (query) => {
    const { status } = await server.call('GET', `/AuditEvent?${query}`, { as: 'admin', headers: { Prefer: 'handling=strict' } });
    expect(status).toBe(400);
  }); // prettier-ignore

  it.each(['date=yesterday', 'type=a|b|c'])('refuses the value %s', async (query) => {
    expect((await server.call('GET', `/AuditEvent?${query}`, { as: 'admin' })).status).toBe(400);
  });

  it('cannot be made from another type', async () => {
    for (const query of ['_has:AuditEvent:patient:action=R', '_revinclude=AuditEvent:patient'])
      expect((await server.call('GET', `/Patient?${query}`, { as: 'admin' })).status, query).toBe(400);
  });

  it('is itself in the trail, with the query', async () => {
    await server.call('GET', `/AuditEvent?patient=${patient.id}`, {
      as: 'admin',
      headers: { 'X-Request-Id': 'looked' },
    });
    const rows = await server.database.sql.query<{
      event: string;
      fhir_user: string;
      patients: string[];
      query: string;
    }>(`select event, fhir_user, patients, query from audit where request_id = 'looked'`);
    expect(rows).toEqual([
      { event: 'fhir:search', fhir_user: 'Practitioner/root', patients: expect.arrayContaining([patient.id]) as string[], query: Buffer.from(`patient=${patient.id}`).toString('base64') },
    ]); // prettier-ignore
  });
});

describe('the right to see it', () => {
  it('is that of administrators, and of services with the scope', async () => {
    expect((await found('?_count=1')).length).toBe(1);
    expect((await found('?_count=1', 'auditor')).length).toBe(1);
    const [event] = await found('?_count=1');
    for (const path of [`/AuditEvent/${event!.id}`, `/AuditEvent/${event!.id}/_history/1`]) {
      const read = await server.call('GET', path, { as: 'admin' });
      expect(read.json).toMatchObject({ resourceType: 'AuditEvent', id: event!.id });
    }
  });

  it.each([
    ['a doctor', caller('user/*.rs', { role: 'doctor' })],
    ['a pharmacist', caller('user/*.rs', { role: 'pharmacist' })],
    ['a patient', caller('patient/*.rs user/*.rs', { role: 'patient', patient: 'a', fhirUser: 'Patient/a' })],
    ['an administrator without the scope', caller('user/Patient.rs', { role: 'admin' })],
    ['a service without the scope', caller('system/Patient.rs', { kind: 'client' })],
    ['a service in the context of a patient', caller('patient/*.rs', { kind: 'client', patient: 'a' })],
  ])('is not that of %s', async (name, principal) => {
    server.callers.set(name.replaceAll(' ', ''), principal);
    const as = name.replaceAll(' ', '');
    for (const path of ['/AuditEvent', '/AuditEvent/1', '/Patient/a/AuditEvent'])
      expect((await server.call('GET', path, { as })).status, path).toBe(403);
  });

  it('holds what a granular scope says, and an administrator in the context of a patient sees that one only', async () => {
    server.callers.set('granular', caller('system/AuditEvent.rs?action=R', { kind: 'client' }));
    for (const event of await found('?_count=50', 'granular')) expect(event.action).toBe('R');
    server.callers.set('context', caller('patient/AuditEvent.rs', { role: 'admin', patient: patient.id }));
    const events = await found('?_count=50', 'context');
    expect(events.length).toBeGreaterThan(2);
    for (const event of events) expect(JSON.stringify(event.entity)).toContain(`Patient/${patient.id}`);
  });

  it('is never one to write', async () => {
    const body: AuditEvent = { resourceType: 'AuditEvent', id: '1', type: { code: 'rest' }, recorded: '2020-01-01T00:00:00Z', agent: [{ requestor: true }], source: { observer: { display: 'x' } } }; // prettier-ignore
    for (const as of ['all', 'admin'])
      for (const [method, path] of [['POST', '/AuditEvent'], ['PUT', '/AuditEvent/1'], ['DELETE', '/AuditEvent/1']] as const)
        expect((await server.call(method, path, { as, ...(method !== 'DELETE' && { body }) })).status, `${as} ${method}`).toBe(403); // prettier-ignore
    expect((await server.call('GET', '/AuditEvent/_history', { as: 'admin' })).status).toBe(400);
  });

  it('is what the CapabilityStatement says, and no more', async () => {
    const { json } = await server.call('GET', '/metadata', { as: null });
    const resources = (json as CapabilityStatement).rest![0]!.resource!;
    const entry = resources.find(({ type }) => type === 'AuditEvent')!;
    expect(entry.interaction!.map(({ code }) => code)).toEqual(['read', 'vread', 'search-type']);
    expect(entry.searchParam!.map(({ name }) => name)).toEqual(
      ['_id', '_lastUpdated', 'action', 'address', 'agent', 'date', 'entity', 'outcome', 'patient', 'subtype', 'type'],
    ); // prettier-ignore
    expect(entry).toMatchObject({
      conditionalCreate: false,
      conditionalUpdate: false,
      conditionalDelete: 'not-supported',
    });
    expect(entry.supportedProfile).toContain(`${balp}PatientRead`);
    expect(JSON.stringify(resources.map(({ searchRevInclude }) => searchRevInclude))).not.toContain('AuditEvent');
  });
});

it('what the server does by itself is told as its own', async () => {
  await server.world.read(({ audit }) =>
    audit.append({
      action: 'D',
      event: 'audit:retention',
      outcome: 'success',
      principal: systemPrincipal('house-keeping'),
    }),
  );
  const [event] = await found('?subtype=audit:retention');
  expect(event!.agent).toEqual([expect.objectContaining({ name: 'house-keeping', requestor: true })]);
});
