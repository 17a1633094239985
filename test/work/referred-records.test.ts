import type { Bundle, OperationOutcome, Provenance, Resource, Task } from '@medplum/fhirtypes'; // prettier-ignore
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caller } from '../harness/calls.ts';
import { begin, bundleOf, callers, mustBeRefused, observation, place, reviews, standing } from './rights-world.ts';
import { read } from './review-world.ts';

beforeAll(() => begin(['PENDING_AI']), 240_000);
afterAll(() => place.stop());

describe('deleting what others refer to', () => {
  test('is refused with what refers to it, as far as the caller may see that', async () => {
    const admin = callers.get('admin')!;
    const { study, coordinationId } = reviews.get('PENDING_AI')!;
    const order = (await read<Task>(place.world, 'Task', coordinationId)).focus!.reference!;
    for (const [reference, told] of [
      [study.subject.reference!, /is referred to by \d+ records: /],
      [order, new RegExp(`DiagnosticReport/.*Task/|Task/.*DiagnosticReport/`)],
      ['Practitioner/demo-doctor', /Somebody signs in as/],
    ] as const) {
      const before = await standing(...(reference.split('/') as [string, string]));
      const answer = await admin.send('DELETE', `/fhir/${reference}`, '');
      expect(answer.status).toBe(409);
      await mustBeRefused(answer, told, reference);
      expect(await standing(...(reference.split('/') as [string, string]))).toEqual(before);
    }
    const blind = caller(place.server, await place.server.backend('system/Patient.cruds'));
    const answer = await blind.send('DELETE', `/fhir/${study.subject.reference}`, '');
    const { issue } = (await answer.json()) as OperationOutcome;
    expect([answer.status, issue[0]!.diagnostics]).toEqual([
      409,
      expect.stringMatching(/referred to by \d+ records\. /),
    ]);
  });

  test('goes with its referrers in one transaction, in whatever order, or with them pointed elsewhere', async () => {
    const service = callers.get('service')!;
    const made: Record<string, string> = {};
    const make = async (resource: Resource) => {
      const { id } = (await (await service.send('POST', `/fhir/${resource.resourceType}`, resource)).json()) as {
        id: string;
      };
      made[resource.resourceType] = id;
      return id;
    };
    const person = await make({ resourceType: 'Patient' });
    const encounter = await make({ resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, subject: { reference: `Patient/${person}` } }); // prettier-ignore
    const withEncounter = { ...observation, subject: { reference: `Patient/${person}` as const }, encounter: { reference: `Encounter/${encounter}` as const } }; // prettier-ignore
    const result = await make(withEncounter);
    const remove = (url: string) => ({ request: { method: 'DELETE', url } });
    const send = async (...entries: object[]) => service.send('POST', '/fhir', bundleOf(...entries));
    const halfway = await send(remove(`Encounter/${encounter}`), remove(`Patient/${person}`));
    expect(halfway.status).toBe(409);
    const outcome = (await halfway.json()) as OperationOutcome;
    expect(outcome.issue[0]).toMatchObject({ diagnostics: expect.stringContaining(`Observation/${result}`), expression: ['Bundle.entry[0]'] }); // prettier-ignore
    expect((await standing('Encounter', encounter)).id).toBe(encounter);

    const { encounter: _left, ...elsewhere } = withEncounter;
    const pointed = await send(remove(`Encounter/${encounter}`), { resource: { ...elsewhere, id: result }, request: { method: 'PUT', url: `Observation/${result}` } }); // prettier-ignore
    expect(((await pointed.json()) as Bundle).entry!.map(({ response }) => response!.status)).toEqual(['204 No Content', '200 OK']); // prettier-ignore
    const all = await send(remove(`Patient/${person}`), remove(`Observation/${result}`));
    expect(all.status).toBe(200);
  });

  test('a Provenance about a record does not keep it; a record that refers to itself goes', async () => {
    const service = callers.get('service')!;
    const list = (await (await service.send('POST', '/fhir/Organization', { resourceType: 'Organization', name: 'x' })).json()) as { id: string }; // prettier-ignore
    await service.send('PUT', `/fhir/Organization/${list.id}`, { resourceType: 'Organization', id: list.id, name: 'x', partOf: { reference: `Organization/${list.id}` } }); // prettier-ignore
    const provenance: Provenance = { resourceType: 'Provenance', target: [{ reference: `Organization/${list.id}` }], recorded: '2026-11-27T00:00:00Z', agent: [{ who: { display: 'x' } }] }; // prettier-ignore
    expect((await service.send('POST', '/fhir/Provenance', provenance)).status).toBe(201);
    expect((await service.send('DELETE', `/fhir/Organization/${list.id}`, '')).status).toBe(204);
  });
});
