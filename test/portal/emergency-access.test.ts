import type { Bundle, ImagingStudy, Patient, Resource } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureAccount } from '../../server/core/accounts/account.ts';
import { demoPassword } from '../../server/demo/people.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { signIn } from '../harness/sign-in.ts';

// A record that the site has restricted: who does not treat this person sees nothing of it by any way, and opens it in an
// emergency with a reason that stays.
let server: TestServer;
let who: Record<'doctor' | 'treating' | 'department' | 'pharmacist' | 'admin' | 'service', Caller>;
let study: ImagingStudy;
const uid = newUid();
const restricted = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };
const json = { 'Content-Type': 'application/json' };
const patient: Patient = {
  resourceType: 'Patient',
  id: 'vip',
  meta: { security: [restricted] },
  identifier: [{ system: 'https://csss.example/patient-id', value: 'VIP-1' }],
  name: [{ family: 'Verwey', given: ['Ina'] }],
  generalPractitioner: [{ reference: 'Practitioner/treating' }, { reference: 'Organization/ward' }],
};

async function put<R extends Resource>(by: Caller, resource: R): Promise<R> {
  const answer = await by.send('PUT', `/fhir/${resource.resourceType}/${resource.id}`, resource);
  if (!answer.ok) throw new Error(`${resource.resourceType}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as R;
}

async function staff(name: string): Promise<Caller> {
  const { world, passwords } = server.system;
  await put(who.service, { resourceType: 'Practitioner', id: name, name: [{ family: name, given: ['Dr.'] }] });
  const email = `${name}@demo.csss.example`;
  await ensureAccount(world, passwords, { email, password: demoPassword, role: 'doctor', displayName: name, fhirUser: `Practitioner/${name}` }); // prettier-ignore
  return caller(server, (await signIn(server.url, { email, password: demoPassword })).access_token);
}

beforeAll(async () => {
  server = await startTestServer({ workers: false });
  const as = async (role: 'doctor' | 'pharmacist' | 'admin') => caller(server, (await server.signIn(role)).access_token);
  who = { service: caller(server, await server.backend()) } as typeof who;
  await put(who.service, { resourceType: 'Organization', id: 'ward', name: 'Ward 3' });
  Object.assign(who, { doctor: await as('doctor'), pharmacist: await as('pharmacist'), admin: await as('admin') });
  who.treating = await staff('treating');
  who.department = await staff('department');
  await put(who.service, {
    resourceType: 'PractitionerRole',
    id: 'in-the-ward',
    active: true,
    practitioner: { reference: 'Practitioner/department' },
    organization: { reference: 'Organization/ward' },
  });
  patient.identifier![0]!.system = `${server.fhir}/NamingSystem/patient-id`;
  await put(who.service, patient);
  await put(who.service, { resourceType: 'Patient', id: 'plain', name: [{ family: 'Plain' }] });
  const stored = await who.service.store([imageFile({ study: uid, patientId: 'VIP-1' })]);
  expect(stored.status).toBe(200);
  study = (await who.service.search<ImagingStudy>(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${uid}`))[0]!;
  expect(study.subject.reference).toBe('Patient/vip');
  // What tokens stand on is asked again within twenty seconds; here at once.
  for (const one of ['doctor', 'treating', 'department', 'pharmacist'] as const)
    who[one] = caller(server, (await signIn(server.url, { email: `${one}@demo.csss.example`, password: demoPassword })).access_token);
}, 120_000); // prettier-ignore
afterAll(() => server.stop());

const seen = async (by: Caller, path: string) => (await by.get(path)).status;
const found = async (by: Caller, query: string) =>
  ((await by.json<Bundle>(`/fhir/${query}`)).entry ?? []).map(
    ({ resource }) => `${resource!.resourceType}/${resource!.id}`,
  );
const ways = () => [
  '/fhir/Patient/vip', '/fhir/Patient/vip/_history', '/fhir/Patient/vip/_history/1', `/fhir/ImagingStudy/${study.id}`, `/dicomweb/studies/${uid}/metadata`,
  `/dicomweb/studies/${uid}`, `/dicomweb/studies/${uid}/rendered`,
]; // prettier-ignore

test('who is named, in person or by the department, reads it, and so do administrators and services', async () => {
  for (const one of ['treating', 'department', 'admin', 'service'] as const)
    for (const way of ways()) expect([one, way, await seen(who[one], way)]).toEqual([one, way, 200]);
});

test.each(['doctor', 'pharmacist'] as const)('another %s does not learn by any way that it is there', async (role) => {
  const by = who[role];
  for (const way of ways()) expect([way, await seen(by, way)]).toEqual([way, 404]);
  expect(await found(by, 'Patient?family=Verwey')).toEqual([]);
  expect(await found(by, 'Patient?identifier=VIP-1')).toEqual([]);
  expect(await found(by, 'ImagingStudy?patient=vip')).toEqual([]);
  expect(await found(by, 'ImagingStudy?patient.family=Verwey')).toEqual([]);
  expect(await found(by, 'Practitioner?_id=treating&_revinclude=Patient:general-practitioner')).toEqual(['Practitioner/treating']); // prettier-ignore
  expect(await found(by, 'Patient?_has:ImagingStudy:patient:status=available')).not.toContain('Patient/vip');
  expect((await by.json<Bundle>('/fhir/Patient?_summary=count&family=Verwey')).total).toBe(0);
  expect(await found(by, 'Task?patient=vip')).toEqual([]);
  expect(await found(by, '_history?_count=100')).not.toContain('Patient/vip');
  expect(await by.json('/dicomweb/studies?PatientID=VIP-1').catch(() => [])).toEqual([]);
  expect(await found(by, 'Patient?family=Plain')).toEqual(['Patient/plain']);
});

test('what lies in no compartment and is about the record is kept with it, and so is a Binary, however its context is written', async () => {
  const { id } = await put(who.service, { resourceType: 'Device', id: 'pacemaker', serialNumber: 'S-1', patient: { reference: 'Patient/vip' } }); // prettier-ignore
  await put(who.service, { resourceType: 'GuidanceResponse', id: 'advice', status: 'success', moduleUri: 'urn:x', subject: { reference: 'Patient/vip' } }); // prettier-ignore
  await put(who.service, { resourceType: 'Device', id: 'scanner', serialNumber: 'S-2' });
  const binaries: string[] = [];
  for (const context of [
    `ImagingStudy/${study.id}`,
    `${server.fhir}/ImagingStudy/${study.id}`,
    `ImagingStudy/${study.id}/_history/1`,
  ]) {
    const stored = await who.service.send('POST', '/fhir/Binary', 'about her', { 'Content-Type': 'text/plain', 'X-Security-Context': context }); // prettier-ignore
    expect([context, stored.status]).toEqual([context, 201]);
    binaries.push(`/fhir/Binary/${/Binary\/([^/]+)/.exec(stored.headers.get('location')!)![1]}`);
  }
  for (const by of [who.doctor, who.pharmacist]) {
    for (const way of [
      `/fhir/Device/${id}`,
      `/fhir/Device/${id}/_history`,
      '/fhir/GuidanceResponse/advice',
      ...binaries,
    ])
      expect([way, await seen(by, way)]).toEqual([way, 404]);
    expect(await found(by, 'Device?_id=pacemaker,scanner')).toEqual(['Device/scanner']);
    expect(await found(by, 'Device?patient=vip')).toEqual([]);
  }
  for (const way of [`/fhir/Device/${id}`, '/fhir/GuidanceResponse/advice', ...binaries])
    expect([way, await seen(who.treating, way)]).toEqual([way, 200]);
});

test('another doctor writes nothing into it, and brings nothing there', async () => {
  const by = who.doctor;
  expect((await by.send('PUT', '/fhir/Patient/vip', { ...patient, meta: undefined })).status).toBe(404);
  const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/vip' } };
  expect((await by.send('POST', '/fhir/Observation', observation)).status).toBe(403);
}); // prettier-ignore

test('only an administrator restricts a record, lifts that, or names who reads it', async () => {
  const by = who.treating;
  const version = async () => (await who.admin.json<Patient>('/fhir/Patient/vip')).meta!.versionId!;
  const before = await version();
  expect((await by.send('PUT', '/fhir/Patient/vip', { ...patient, meta: undefined })).status).toBe(403);
  expect((await by.send('PUT', '/fhir/Patient/vip', { ...patient, generalPractitioner: [{ reference: 'Practitioner/demo-doctor' }] })).status).toBe(403); // prettier-ignore
  expect((await by.send('PUT', '/fhir/Patient/plain', { resourceType: 'Patient', id: 'plain', meta: { security: [restricted] } })).status).toBe(403); // prettier-ignore
  expect(await version()).toBe(before);
  const merge = { resourceType: 'Parameters', parameter: [
    { name: 'source-patient', valueReference: { reference: 'Patient/vip' } }, { name: 'target-patient', valueReference: { reference: 'Patient/plain' } },
  ] }; // prettier-ignore
  const refused = await who.admin.send('POST', '/fhir/Patient/$merge', merge);
  expect(refused.status).toBe(422);
  expect(await refused.text()).toContain('give the target the label first');
});

test('a doctor opens it with the whole number and a reason; it is marked, told to administrators, and ends', async () => {
  const find = (identifier: string) => who.doctor.send('POST', '/portal/emergency-access/find', { identifier }, json);
  expect(await (await find('VIP')).json()).toEqual({ records: [] });
  expect(await (await find('VIP-1')).json()).toEqual({
    records: [{ patient: 'vip', restricted: true, initials: 'I. V.', open: false }],
  });
  const ask = (body: object, by = who.doctor) => by.send('POST', '/portal/emergency-access', body, json);
  expect((await ask({ patient: 'vip', reason: 'short' })).status).toBe(400);
  expect((await ask({ patient: 'plain', reason: 'Unconscious in the shock room' })).status).toBe(404);
  expect((await ask({ patient: 'vip', reason: 'Unconscious in the shock room' }, who.pharmacist)).status).toBe(403);
  const opened = await ask({ patient: 'vip', reason: 'Unconscious in the shock room' });
  expect(opened.status).toBe(201);
  const { until } = (await opened.json()) as { until: string };
  expect(Math.abs(new Date(until).getTime() - Date.now() - 3_600_000)).toBeLessThan(60_000);
  for (const way of ways()) expect([way, await seen(who.doctor, way)]).toEqual([way, 200]);
  expect(await seen(who.pharmacist, '/fhir/Patient/vip')).toBe(404);
  expect((await who.doctor.send('PUT', '/fhir/Patient/vip', { ...patient, meta: undefined })).status).toBe(403);
  const rows = await server.system.sql.query<{ event: string; purpose: string | null }>(
    `select event, purpose from audit where 'vip' = any (patients) and purpose is not null order by seq`,
  );
  expect(rows.map(({ event }) => event)).toEqual(expect.arrayContaining(['access:emergency', 'fhir:read', 'dicomweb:retrieve'])); // prettier-ignore
  expect(await who.admin.json('/portal/emergency-access')).toMatchObject({
    accesses: [{ patient: 'vip', reason: 'Unconscious in the shock room', who: expect.stringContaining('Iyer') }],
  });
  const mails = await server.system.sql.query(`select recipient from delivery where kind = 'alert'`);
  expect(mails).toEqual([{ recipient: 'admin@demo.csss.example' }]);

  await server.system.sql.query(`update emergency_access set until = now()`);
  const again = caller(server, (await server.signIn('doctor')).access_token);
  expect(await seen(again, '/fhir/Patient/vip')).toBe(404);
  expect(await again.json('/portal/me/emergency-access')).toEqual({ accesses: [] });
});

test('a record that is not restricted any more is everybody\'s again', async () => {
  const { meta: _meta, ...unlabelled } = patient;
  await put(who.admin, unlabelled);
  const again = caller(server, (await server.signIn('doctor')).access_token);
  expect(await seen(again, '/fhir/Patient/vip')).toBe(200);
}); // prettier-ignore

test('nobody gives out a record that is kept from them, and who opened it in an emergency leaves no way in', async () => {
  await put(who.admin, patient);
  await put(who.service, { resourceType: 'Patient', id: 'merged-away', name: [{ family: 'Before' }] });
  const { sql } = server.system;
  await sql.query(`insert into account (id, email, role, display_name, fhir_user, password_hash, tied)
    values ('accomplice', 'accomplice@demo.csss.example', 'patient', 'A', 'Patient/empty-one', 'x', false)`); // prettier-ignore
  await put(who.service, { resourceType: 'Patient', id: 'empty-one', name: [{ family: 'Empty' }] });
  const merge = { resourceType: 'Parameters', parameter: [
    { name: 'source-patient', valueReference: { reference: 'Patient/merged-away' } }, { name: 'target-patient', valueReference: { reference: 'Patient/vip' } },
  ] }; // prettier-ignore
  expect((await who.admin.send('POST', '/fhir/Patient/$merge', merge)).status).toBe(200);
  const code = (by: Caller, id = 'vip') => by.send('POST', `/portal/patients/${id}/code`, {}, json);
  const tie = (by: Caller, id: string) =>
    by.send('POST', '/portal/registrations/accomplice/tie', { patient: id }, json);
  for (const by of [who.doctor, who.pharmacist]) {
    const nobody = await (await code(by, 'nobody')).text();
    const hidden = await code(by);
    expect([hidden.status, (await hidden.text()).replace('vip', 'nobody')]).toEqual([404, nobody]);
    expect((await tie(by, 'vip')).status).toBe(404);
    expect((await tie(by, 'merged-away')).status).toBe(404);
  }
  const reason = 'Unconscious in the shock room';
  expect((await who.doctor.send('POST', '/portal/emergency-access', { patient: 'vip', reason }, json)).status).toBe(
    201,
  );
  expect((await code(who.doctor)).status).toBe(403);
  expect((await tie(who.doctor, 'vip')).status).toBe(403);
  const away = { resourceType: 'Parameters', parameter: [
    { name: 'patient', valueReference: { reference: 'Patient/plain' } }, { name: 'reason', valueString: 'Wrong patient' },
  ] }; // prettier-ignore
  expect((await who.doctor.send('POST', `/fhir/ImagingStudy/${study.id}/$move`, away)).status).toBe(403);
  await sql.query(`update emergency_access set until = now()`);
  expect(await sql.query(`select tied from account where id = 'accomplice'`)).toEqual([{ tied: false }]);
  expect((await code(who.treating)).status).toBe(201);
  expect((await code(who.admin)).status).toBe(201);
});
