import type { ImagingStudy, Observation, OperationOutcome, Parameters, Patient, Provenance, Task } from '@medplum/fhirtypes'; // prettier-ignore
import { afterAll, expect, test } from 'vitest';
import { ensureAccount } from '../../server/core/accounts/account.ts';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { demoPassword } from '../../server/demo/people.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { mergeWorld } from './merge-world.ts';
import { read } from './review-world.ts';

// Two records of one person: merged, everything of the one is the other's, by whatever it is asked for; taken back, it
// is as it was.

const { place, who, person, store, post, observation, merge, unmerge, refused, ids, retire } = await mergeWorld();
afterAll(() => place.stop());

const ways = [
  ['$merge', (source: string, target: string) => merge(who.admin, source, target)],
  ['a plain update', (source: string, target: string) => retire(who.admin, source, target)],
] as const;

test.each(ways)(
  'by %s everything about the source is about the target: 200 records, studies, reviews',
  async (_name, way) => {
    const [source, target] = [await person(), await person()];
    const { study } = await store(source);
    await store(source);
    await store(target);
    const observations: string[] = [];
    for (let at = 0; at < 200; at++) observations.push((await post(observation(source.id))).id);
    const condition = await post({ resourceType: 'Condition', subject: { reference: `Patient/${source.id}` } });
    const deep = await post({
      ...observation(source.id),
      contained: [{ resourceType: 'RelatedPerson', id: 'one', patient: { reference: `Patient/${source.id}` } }],
      extension: [
        { url: 'https://example.org/seen', valueReference: { reference: `${place.server.fhir}/Patient/${source.id}` } },
      ],
      performer: [{ reference: '#one' }],
    });
    const group = await post({ resourceType: 'Group', type: 'person', actual: true, member: [{ entity: { reference: `Patient/${source.id}` } }] }); // prettier-ignore
    const binary = await post({ resourceType: 'Binary', contentType: 'text/plain', data: 'YQ==', securityContext: { reference: `Patient/${source.id}` } }); // prettier-ignore
    const tasks = await ids(`Task?patient=Patient/${source.id}`);
    expect(tasks).toHaveLength(6); // two reviews, with an analysis that is not for them and the doctor's step

    const start = performance.now();
    const answer = await way(source.id, target.id);
    const ms = performance.now() - start;
    expect(answer.status).toBe(200);
    expect(ms).toBeLessThan(30_000);

    expect(await ids(`Observation?patient=Patient/${target.id}&_count=500`)).toEqual([...observations, deep.id].sort());
    expect(await ids(`Condition?patient=Patient/${target.id}`)).toEqual([condition.id]);
    expect(await ids(`Group?member=Patient/${target.id}`)).toEqual([group.id]);
    expect(await ids(`ImagingStudy?patient=Patient/${target.id}`)).toHaveLength(3);
    expect(await ids(`Task?patient=Patient/${target.id}`)).toEqual(expect.arrayContaining(tasks));
    for (const type of ['Observation', 'Condition', 'ImagingStudy', 'Task', 'DiagnosticReport', 'ServiceRequest'])
      expect([type, await ids(`${type}?patient=Patient/${source.id}`)]).toEqual([type, []]);
    expect(JSON.stringify(await read(place.world, 'Observation', deep.id))).not.toContain(source.id);
    expect(await read(place.world, 'Binary', binary.id)).toMatchObject({ securityContext: { reference: `Patient/${target.id}` } }); // prettier-ignore

    expect(await read(place.world, 'Patient', source.id)).toMatchObject({ active: false, link: [{ other: { reference: `Patient/${target.id}` }, type: 'replaced-by' }] }); // prettier-ignore
    expect(await read(place.world, 'Patient', target.id)).toMatchObject({
      identifier: [{ value: target.number }, { value: source.number, use: 'old' }],
      link: [{ other: { reference: `Patient/${source.id}` }, type: 'replaces' }],
    });

    // Later images with either number, into new studies and into those that were there.
    for (const of of [source, target]) {
      expect((await store(of)).status).toBe(200);
      expect((await store(of, study)).status).toBe(200);
    }
    expect(await ids(`ImagingStudy?patient=Patient/${target.id}`)).toHaveLength(5);
    expect((await read<ImagingStudy>(place.world, 'ImagingStudy', (await place.world.read(({ studies }) => studies.study(study)))!.imagingStudyId)).numberOfInstances).toBe(3); // prettier-ignore

    const [told] = await who.admin.search<Provenance>(`Provenance?target=Patient/${source.id}&_sort=-recorded`);
    expect(told!.activity).toMatchObject({ text: 'merge', coding: [{ code: 'UPDATE' }, { code: 'merge' }] });
    expect(told!.target.map(({ reference }) => reference)).toEqual(
      expect.arrayContaining([`Observation/${deep.id}/_history/2`, `Patient/${source.id}/_history/2`]),
    );
    expect(told!.agent[0]!.who.reference).toBe('Practitioner/demo-admin');
    const history = await who.admin.json<{ total?: number; entry: unknown[] }>(`/fhir/Observation/${deep.id}/_history`);
    expect(history.entry).toHaveLength(2);
  },
);

test('a doctor may change a Patient, and neither merge nor unmerge; a token of one patient may not', async () => {
  const [source, target] = [await person(), await person()];
  expect((await merge(who.doctor, source.id, target.id)).status).toBe(403);
  expect((await retire(who.doctor, source.id, target.id)).status).toBe(403);
  const reading = caller(place.server, await place.server.backend('system/Patient.rs'));
  expect((await merge(reading, source.id, target.id)).status).toBe(403);
  const renamed = await who.doctor.send('PUT', `/fhir/Patient/${source.id}`, {
    ...source.patient,
    name: [{ family: 'New' }],
  });
  expect(renamed.status).toBe(200);
  const writing = caller(place.server, await place.server.backend('system/Patient.u'));
  expect((await merge(writing, source.id, target.id)).status).toBe(200);
  expect((await unmerge(who.doctor, source.id)).status).toBe(403);
  expect((await unmerge(writing, source.id)).status).toBe(200);
});

test('what cannot be merged is refused with the reason, and nothing changes', async () => {
  const [a, b, c] = [await person(), await person(), await person()];
  expect(await refused(await merge(who.admin, a.id, a.id))).toEqual([422, expect.stringContaining('itself')]);
  expect(await refused(await merge(who.admin, a.id, 'nobody'))).toEqual([422, expect.stringContaining('does not exist')]); // prettier-ignore
  expect((await retire(who.admin, a.id, a.id)).status).toBe(422);
  expect((await retire(who.admin, a.id, 'nobody')).status).toBe(422);
  const alive = { ...a.patient, link: [{ other: { reference: `Patient/${b.id}` }, type: 'replaced-by' }] };
  expect(await refused(await who.admin.send('PUT', `/fhir/Patient/${a.id}`, alive))).toEqual([422, expect.stringContaining('not active')]); // prettier-ignore
  expect((await read<Patient>(place.world, 'Patient', a.id)).meta!.versionId).toBe('1');

  expect((await merge(who.admin, a.id, b.id)).status).toBe(200);
  const before = (await read<Patient>(place.world, 'Patient', b.id)).meta!.versionId;
  expect((await merge(who.admin, a.id, b.id)).status).toBe(200); // again: the same answer, nothing new
  expect((await read<Patient>(place.world, 'Patient', b.id)).meta!.versionId).toBe(before);
  expect(await refused(await merge(who.admin, a.id, c.id))).toEqual([422, expect.stringContaining('$unmerge')]);
  expect(await refused(await merge(who.admin, b.id, a.id))).toEqual([422, expect.stringContaining('merged')]);
  expect((await retire(who.admin, b.id, a.id)).status).toBe(422);
  expect(await refused(await merge(who.admin, c.id, a.id))).toEqual([422, expect.stringContaining(`Patient/${b.id}`)]);

  // Neither half of the link comes off by an update, nor does the retired one become active.
  const retired = await read<Patient>(place.world, 'Patient', a.id);
  const { link: _link, ...unlinked } = retired;
  for (const wanted of [unlinked, { ...retired, active: true }, { ...unlinked, active: true }])
    expect(await refused(await who.service.send('PUT', `/fhir/Patient/${a.id}`, wanted))).toEqual([422, expect.stringContaining('$unmerge')]); // prettier-ignore
  const { link: _other, ...survivor } = await read<Patient>(place.world, 'Patient', b.id);
  expect(await refused(await who.service.send('PUT', `/fhir/Patient/${b.id}`, survivor))).toEqual([422, expect.stringContaining('$unmerge')]); // prettier-ignore
  expect((await who.service.send('PUT', `/fhir/Patient/${a.id}`, { ...retired, gender: 'male' })).status).toBe(200);
});

test('a merge that goes on takes along what was merged before', async () => {
  const [a, b, c] = [await person(), await person(), await person()];
  const own = await post(observation(a.id));
  await merge(who.admin, a.id, b.id);
  await merge(who.admin, b.id, c.id);
  expect(await ids(`Observation?patient=Patient/${c.id}`)).toEqual([own.id]);
  await store(a);
  expect(await ids(`ImagingStudy?patient=Patient/${c.id}`)).toHaveLength(1);
  expect(await refused(await unmerge(who.admin, a.id))).toEqual([422, expect.stringContaining('another merge')]);
  expect((await unmerge(who.admin, b.id)).status).toBe(200);
  expect((await unmerge(who.admin, a.id)).status).toBe(200);
  expect(await ids(`Observation?patient=Patient/${a.id}`)).toEqual([own.id]);
});

test('one person has one number: later images that name the retired one are shown with the survivor’s, in new studies too', async () => {
  const [source, middle, target] = [await person(), await person(), await person()];
  const { study } = await store(target);
  expect((await merge(who.admin, source.id, middle.id)).status).toBe(200);
  expect((await merge(who.admin, middle.id, target.id)).status).toBe(200);

  for (const named of [source, middle]) {
    for (const late of [await store(named, study), await store(named)]) {
      expect(late.status).toBe(200);
      const metadata = await who.service.json<DicomJson[]>(`/dicomweb/studies/${late.study}/metadata`);
      expect(metadata.map((one) => one['00100020']?.Value)).toEqual(metadata.map(() => [target.number]));
      const shown = JSON.stringify(metadata.map((one) => one['04000561']));
      expect(shown).toContain(named.number);
    }
  }
  const found = await who.service.json<DicomJson[]>(`/dicomweb/studies?PatientID=${target.number}`);
  expect(found).toHaveLength(3);
});

test('a preview says what would happen and changes nothing', async () => {
  const [source, target] = [await person(), await person()];
  await store(source);
  await post(observation(source.id));
  const answer = await merge(who.admin, source.id, target.id, [{ name: 'preview', valueBoolean: true }]);
  const { parameter } = (await answer.json()) as Parameters;
  expect(parameter!.map(({ name }) => name)).toEqual(['input', 'outcome', 'result']);
  expect((parameter![1]!.resource as OperationOutcome).issue[0]!.diagnostics).toMatch(/^Nothing was changed.*1 study/);
  expect(parameter![2]!.resource).toMatchObject({ id: target.id, link: [{ type: 'replaces' }] });
  for (const { id } of [source, target]) expect((await read<Patient>(place.world, 'Patient', id)).meta!.versionId).toBe('1'); // prettier-ignore
  expect(await ids(`ImagingStudy?patient=Patient/${source.id}`)).toHaveLength(1);
});

test('both may be named by identifiers, and what the target shall be may be said', async () => {
  const [source, target] = [await person(), await person()];
  const identifier = (value: string) => ({ system: 'urn:oid:2.16.840.1.77', value });
  const by = (result: Patient) =>
    who.admin.send('POST', '/fhir/Patient/$merge', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'source-patient-identifier', valueIdentifier: identifier(source.number) },
        { name: 'target-patient-identifier', valueIdentifier: identifier(target.number) },
        { name: 'result-patient', resource: result },
      ],
    } satisfies Parameters);
  const wanted: Patient = { ...target.patient, name: [{ family: 'Chosen' }] };
  expect(await refused(await by(wanted))).toEqual([422, expect.stringContaining('replaces')]);
  expect(await refused(await by({ ...wanted, id: source.id }))).toEqual([422, expect.stringContaining('the target')]);
  const link: Patient['link'] = [{ other: { reference: `Patient/${source.id}` }, type: 'replaces' }];
  expect((await by({ ...wanted, link })).status).toBe(200);
  expect(await read(place.world, 'Patient', target.id)).toMatchObject({ name: [{ family: 'Chosen' }], link });
  expect((await by({ ...wanted, link })).status).toBe(200); // said twice
  const nobody = await who.admin.send('POST', '/fhir/Patient/$merge', {
    resourceType: 'Parameters',
    parameter: [
      { name: 'source-patient-identifier', valueIdentifier: identifier('N-0') },
      { name: 'target-patient', valueReference: { reference: `Patient/${target.id}` } },
    ],
  });
  expect(nobody.status).toBe(422);
});

test('taken back, all that came with the merge and is the survivor’s still goes back; what came since stays and is named', async () => {
  const [source, target, other] = [await person(), await person(), await person()];
  const { study } = await store(source);
  const own = await post(observation(source.id));
  const both = await post(observation(source.id, { focus: [{ reference: `Patient/${target.id}` }] }));
  const passedOn = await post(observation(source.id));
  const theirs = await post(observation(target.id));
  await merge(who.admin, source.id, target.id);
  const since = await post(observation(target.id));
  const late = await store(source);
  const standing = await read<Observation>(place.world, 'Observation', passedOn.id);
  await who.service.send('PUT', `/fhir/Observation/${passedOn.id}`, { ...standing, subject: { reference: `Patient/${other.id}` } }); // prettier-ignore

  const answer = await unmerge(who.admin, source.id);
  expect(answer.status).toBe(200);
  const [outcome] = ((await answer.json()) as Parameters).parameter!;
  const said = (outcome!.resource as OperationOutcome).issue.map(({ diagnostics }) => diagnostics).join(' ');
  expect(said).toContain(`Observation/${since.id}`);
  expect(said).not.toContain(own.id);
  expect(said).not.toContain(theirs.id);

  expect(await ids(`Observation?patient=Patient/${source.id}`)).toEqual([own.id, both.id].sort());
  expect(await ids(`Observation?patient=Patient/${target.id}`)).toEqual(expect.arrayContaining([theirs.id, since.id]));
  expect(await read(place.world, 'Observation', both.id)).toMatchObject({ subject: { reference: `Patient/${source.id}` }, focus: [{ reference: `Patient/${target.id}` }] }); // prettier-ignore
  expect(await ids(`Observation?patient=Patient/${other.id}`)).toEqual([passedOn.id]);
  const row = (await place.world.read(({ studies }) => studies.study(study)))!;
  expect(row.patientId).toBe(source.id);
  expect(await ids(`ImagingStudy?patient=Patient/${source.id}`)).toEqual([row.imagingStudyId]);
  const review = await who.admin.search<Task>(`Task?focus=ImagingStudy/${row.imagingStudyId}`);
  expect([...new Set(review.map((task) => task.for!.reference))]).toEqual([`Patient/${source.id}`]);
  expect((await place.world.read(({ studies }) => studies.study(late.study)))!.patientId).toBe(target.id);

  const restored = await read<Patient>(place.world, 'Patient', source.id);
  expect([restored.active, restored.link]).toEqual([true, undefined]);
  const left = await read<Patient>(place.world, 'Patient', target.id);
  expect([left.identifier, left.link]).toEqual([target.patient.identifier, undefined]);
  expect((await store(source, study)).status).toBe(200);
  expect(await refused(await unmerge(who.admin, source.id))).toEqual([422, expect.stringContaining('not merged')]);
  const [told] = await who.admin.search<Provenance>(`Provenance?target=Patient/${source.id}&_sort=-recorded`);
  expect(told).toMatchObject({ activity: { text: 'unmerge' }, reason: [{ text: 'they are brothers' }] });

  // Merged anew, and taken back anew: by what the second merge wrote.
  await merge(who.admin, source.id, target.id);
  expect((await unmerge(who.admin, source.id)).status).toBe(200);
  expect(await ids(`Observation?patient=Patient/${source.id}`)).toEqual([own.id, both.id].sort());
});

test('taken back, the survivor’s own record does not show by its history whom it was taken for', async () => {
  const [source, target] = [await person(), await person()];
  const email = `${target.number}@example.org`.toLowerCase();
  await ensureAccount(place.world, place.server.system.passwords, { email, password: demoPassword, role: 'patient', displayName: 'P', fhirUser: `Patient/${target.id}` }); // prettier-ignore
  await merge(who.admin, source.id, target.id);
  await unmerge(who.admin, source.id);
  const self = caller(place.server, (await place.server.signIn('patient', { email })).access_token);
  const paths = [1, 2, 3].map((version) => `/fhir/Patient/${target.id}/_history/${version}`);
  expect(await Promise.all(paths.map(async (path) => (await self.get(path)).status))).toEqual([404, 404, 200]);
  for (const path of [
    `/fhir/Patient/${target.id}/_history`,
    '/fhir/Patient/_history',
    `/fhir/Patient/${target.id}/$everything`,
  ])
    expect(await (await self.get(path)).text()).not.toMatch(new RegExp(`${source.id}|"${source.number}"`));
  expect((await who.admin.get(paths[1]!)).status).toBe(200);
});

test('who is signed in as the retired record signs in again, as the survivor; taken back, as before', async () => {
  const [source, target] = [await person(), await person()];
  const email = `${source.number}@example.org`.toLowerCase();
  await ensureAccount(place.world, place.server.system.passwords, { email, password: demoPassword, role: 'patient', displayName: 'P', fhirUser: `Patient/${source.id}` }); // prettier-ignore
  const of = async () => caller(place.server, (await place.server.signIn('patient', { email })).access_token);
  const seen = async (by: Caller) => [await by.search('Patient'), await by.search('Observation')].map((all) => all.map(({ id }) => id)); // prettier-ignore
  const before = await of();
  const [own, theirs] = [await post(observation(source.id)), await post(observation(target.id))];
  expect(await seen(before)).toEqual([[source.id], [own.id]]);
  await merge(who.admin, source.id, target.id);
  const old = await before.get(`/fhir/Observation/${theirs.id}`);
  expect([401, 404]).toContain(old.status);
  const after = await of();
  const [patients, observations] = await seen(after);
  expect([patients, observations!.sort()]).toEqual([[target.id], [own.id, theirs.id].sort()]);
  await unmerge(who.admin, source.id);
  expect(await seen(await of())).toEqual([[source.id], [own.id]]);
});
