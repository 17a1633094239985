/** SMART's own JavaScript client, `fhirclient`, as an app that has its token already. */
import smart from 'fhirclient';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller } from '../harness/records.ts';
import { fhirServer, type FhirServer } from '../fhir/server.ts';

type App = ReturnType<ReturnType<typeof smart>['client']>;
let server: FhirServer;
let app: App;
beforeAll(async () => {
  server = await fhirServer();
  await server.put({ resourceType: 'Patient', id: 'a', name: [{ family: 'Smart' }] });
  await server.put({ resourceType: 'Patient', id: 'b' });
  for (const n of [1, 2, 3]) {
    await server.put({
      resourceType: 'ImagingStudy',
      id: `s${n}`,
      status: 'available',
      subject: { reference: n === 3 ? 'Patient/b' : 'Patient/a' },
    });
  }
  server.callers.set('app', caller('patient/*.rs', { role: 'patient', patient: 'a', fhirUser: 'Patient/a' }));
  server.callers.set('doctor', caller('user/*.cruds', { role: 'doctor', fhirUser: 'Practitioner/d' }));
  app = clientWith('app');
});
afterAll(() => server.close());

function clientWith(token: string): App {
  const request = { headers: { host: 'app.example' }, socket: {}, url: '/' };
  return smart(request as never, {} as never).client({
    serverUrl: server.base,
    clientId: 'app',
    tokenResponse: { access_token: token, patient: 'a', token_type: 'bearer', expires_in: 300 },
  });
}

test('reads the patient in context', async () => {
  expect(await app.patient.read()).toMatchObject({ resourceType: 'Patient', id: 'a' });
});

test('reads all pages, with references resolved', async () => {
  const found = await app.request('ImagingStudy?_count=1&patient=a', {
    pageLimit: 0,
    flat: true,
    resolveReferences: ['subject'],
  } as never);
  expect(
    (found as { id: string; subject: { id: string } }[]).map(({ id, subject }) => [id, subject.id]).sort(),
  ).toEqual([
    ['s1', 'a'],
    ['s2', 'a'],
  ]);
});

test('asks in the compartment of its patient only', async () => {
  const bundle = (await app.patient.request('ImagingStudy')) as { entry: unknown[] };
  expect(bundle.entry).toHaveLength(2);
  await expect(app.request('Patient/b')).rejects.toMatchObject({ status: 404 });
  await expect(app.request('ImagingStudy?patient=b')).rejects.toMatchObject({ status: 403 });
});

test('creates, updates, patches and deletes with a clinical token', async () => {
  const doctor = clientWith('doctor');
  const created = (await doctor.create({
    resourceType: 'Observation',
    status: 'preliminary',
    code: { text: 'x' },
    subject: { reference: 'Patient/a' },
  })) as { id: string };
  expect(created.id).toBeDefined();
  const patched = await doctor.patch(`Observation/${created.id}`, [{ op: 'replace', path: '/status', value: 'final' }]);
  expect(patched).toMatchObject({ status: 'final' });
  expect(await doctor.update({ ...(patched as object), status: 'amended' } as never)).toMatchObject({
    status: 'amended',
  });
});

test('is told what is wrong in words', async () => {
  await expect(
    clientWith('doctor').create({ resourceType: 'Observation', status: 'nonsense', code: { text: 'x' } }),
  ).rejects.toThrow(/Observation\.status/);
});
