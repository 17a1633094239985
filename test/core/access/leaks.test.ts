import type {
  Binary,
  Device,
  DiagnosticReport,
  Endpoint,
  ImagingStudy,
  Media,
  Observation,
  Patient,
  Practitioner,
  Resource,
  ResourceType,
  Task,
} from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../../../server/core/principal.ts';
import { history, read, readVersion } from '../../../server/core/records/read.ts';
import { writeInTransaction } from '../../../server/core/records/write.ts';
import { caller, recordsWorld, server, type RecordsWorld } from '../../harness/records.ts';

let here: RecordsWorld;
const alice = caller('patient/*.cruds', { role: 'patient', patient: 'a', fhirUser: 'Patient/a' });
const aliceByUserScope = caller('user/*.cruds', { role: 'patient', fhirUser: 'Patient/a' });
const app = caller('patient/*.rs', { kind: 'client', patient: 'a' });
const doctor = caller('user/*.cruds', { role: 'doctor', fhirUser: 'Practitioner/d' });

const aiLabel = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'AIAST' };
const noPatient = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'NOPAT' };

/** The same record for each patient, ids `<name>-a` and `<name>-b`. */
function recordOf(who: 'a' | 'b'): Resource[] {
  const subject = { reference: `Patient/${who}` };
  const study: ImagingStudy = { resourceType: 'ImagingStudy', id: `study-${who}`, status: 'available', subject, endpoint: [{ reference: `Endpoint/e-${who}` }],
    identifier: [{ system: 'urn:dicom:uid', value: `urn:oid:1.2.${who === 'a' ? 1 : 2}` }] }; // prettier-ignore
  const endpoint: Endpoint = { resourceType: 'Endpoint', id: `e-${who}`, status: 'active', address: 'https://csss.test/dicomweb', connectionType: { code: 'dicom-wado-rs' }, payloadType: [{ text: 'x' }] }; // prettier-ignore
  const practitioner: Practitioner = { resourceType: 'Practitioner', id: `p-${who}`, name: [{ family: `Doc${who}` }] };
  const device: Device = { resourceType: 'Device', id: `dev-${who}`, status: 'active' };
  const observation: Observation = { resourceType: 'Observation', id: `obs-${who}`, status: 'final', code: { text: 'weight' }, subject, performer: [{ reference: `Practitioner/p-${who}` }] }; // prettier-ignore
  const ai: Observation = { resourceType: 'Observation', id: `ai-${who}`, status: 'final', code: { text: 'class' }, subject, device: { reference: `Device/dev-${who}` },
    valueCodeableConcept: { coding: [{ code: 'COVID' }] }, meta: { security: [aiLabel] } }; // prettier-ignore
  const reading: Observation = {
    resourceType: 'Observation',
    id: `reading-${who}`,
    status: 'final',
    code: { text: 'reading' },
    subject,
  };
  const heat: Media = { resourceType: 'Media', id: `heat-${who}`, status: 'completed', subject, content: { contentType: 'image/png', url: 'Binary/x' }, meta: { security: [aiLabel] } }; // prettier-ignore
  const report: DiagnosticReport = { resourceType: 'DiagnosticReport', id: `report-${who}`, status: 'preliminary', code: { text: 'CT' }, subject, conclusion: 'COVID',
    imagingStudy: [{ reference: `ImagingStudy/study-${who}` }], result: [{ reference: `Observation/ai-${who}` }, { reference: `Observation/reading-${who}` }],
    media: [{ link: { reference: `Media/heat-${who}` } }] }; // prettier-ignore
  const scan: Task = { resourceType: 'Task', id: `scan-${who}`, status: 'in-progress', intent: 'order', for: subject, code: { coding: [{ code: 'other' }] } }; // prettier-ignore
  const step: Task = { resourceType: 'Task', id: `step-${who}`, status: 'completed', intent: 'order', for: subject, partOf: [{ reference: `Task/scan-${who}` }], note: [{ text: 'looks like COVID' }] }; // prettier-ignore
  const binary: Binary = { resourceType: 'Binary', id: `pdf-${who}`, contentType: 'application/pdf', data: 'AAAA', securityContext: subject }; // prettier-ignore
  const draft: Binary = { resourceType: 'Binary', id: `draft-${who}`, contentType: 'image/png', data: 'AAAA', securityContext: { reference: `DiagnosticReport/report-${who}` } }; // prettier-ignore
  const labelled: Observation = { ...observation, id: `labelled-${who}`, meta: { security: [noPatient] } };
  const person: Patient = { resourceType: 'Patient', id: who, name: [{ family: who === 'a' ? 'Alpha' : 'Beta' }] };
  return [
    person,
    practitioner,
    device,
    endpoint,
    study,
    observation,
    ai,
    reading,
    heat,
    report,
    scan,
    step,
    binary,
    draft,
    labelled,
  ];
}

const shown = [
  'Patient/a',
  'Practitioner/p-a',
  'Endpoint/e-a',
  'ImagingStudy/study-a',
  'Observation/obs-a',
  'Task/scan-a',
  'Binary/pdf-a',
];
const unreleased = ['Observation/ai-a', 'Observation/reading-a', 'Media/heat-a', 'DiagnosticReport/report-a', 'Task/step-a', 'Binary/draft-a', 'Observation/labelled-a', 'Device/dev-a']; // prettier-ignore
const ofOther = recordOf('b').map(({ resourceType, id }) => `${resourceType}/${id}`);

const split = (reference: string) => reference.split('/') as [ResourceType, string];

beforeAll(async () => {
  here = await recordsWorld();
  for (const who of ['a', 'b'] as const) for (const resource of recordOf(who)) await here.put(resource);
});
afterAll(() => here.database.close());

describe.each([
  ['a patient token of a person', alice],
  ['a user token of a patient', aliceByUserScope],
  ['a patient token of an app', app],
])('%s', (_name, who) => {
  it.each(shown)('reads %s', async (reference) => {
    expect((await read(here.world, who, ...split(reference))).id).toBe(split(reference)[1]);
    expect(await here.find(`${split(reference)[0]}?_id=${split(reference)[1]}`, who)).toEqual([split(reference)[1]]);
  });

  it.each([...unreleased, ...ofOther])(
    'finds nothing at %s, by read, version, history or search',
    async (reference) => {
      const [type, id] = split(reference);
      await expect(read(here.world, who, type, id)).rejects.toMatchObject({ code: 'not-found' });
      await expect(readVersion(here.world, who, type, id, 1)).rejects.toMatchObject({ code: 'not-found' });
      await expect(history(here.world, who, { type, id }, { count: 10 })).rejects.toMatchObject({ code: 'not-found' });
      const found = await here.find(`${type}?_count=100`, who);
      expect(found).not.toContain(id);
      const ofType = await history(here.world, who, { type }, { count: 100 });
      expect(ofType.entries.map((entry) => entry.id)).not.toContain(id);
    },
  );

  it('sees nothing of the other in the history of the whole server', async () => {
    const { entries } = await history(here.world, who, {}, { count: 1000 });
    const names = entries.map(({ resourceType, id }) => `${resourceType}/${id}`);
    expect(names.sort()).toEqual([...shown].sort());
  });

  it.each([
    'Patient?_has:Observation:patient:code-value-concept=x$COVID',
    'Patient?_has:Observation:patient:value-concept=COVID',
    'Patient?_has:Task:patient:status=completed',
    'ImagingStudy?patient.name=beta',
    'Observation?patient.name=beta',
    'Patient?general-practitioner.name=docb',
    'Patient?_has:DiagnosticReport:patient:status=preliminary',
    'ImagingStudy?_has:DiagnosticReport:imaging-study:status=preliminary',
    'ImagingStudy?_has:DiagnosticReport:imaging-study:result.value-concept=COVID',
  ])('gets no answer out of a chain: %s', async (query) => {
    expect(await here.find(query, who)).toEqual([]);
  });

  it.each([
    ['Patient?_revinclude=Observation:patient', ['a', 'obs-a']],
    ['Patient?_revinclude=DiagnosticReport:patient', ['a']],
    ['Patient?_revinclude=Task:patient', ['a', 'scan-a']],
    ['Patient?_revinclude=*', ['a', 'obs-a', 'pdf-a', 'scan-a', 'study-a']],
    ['ImagingStudy?_include=ImagingStudy:endpoint', ['e-a', 'study-a']],
    ['ImagingStudy?_revinclude=DiagnosticReport:imaging-study&_include:iterate=DiagnosticReport:result', ['study-a']],
    ['Endpoint?_revinclude=ImagingStudy:endpoint', ['e-a', 'study-a']],
    ['Practitioner?_revinclude=Observation:performer', ['obs-a', 'p-a']],
    ['Task?_include=Task:part-of&_revinclude:iterate=Task:part-of', ['scan-a']],
  ])('includes only what it may see: %s', async (query, ids) => {
    expect((await here.find(query, who)).sort()).toEqual(ids);
  });

  it.each(['ImagingStudy?patient=Patient/b', 'ImagingStudy?patient=b', 'Observation?subject=Patient/b', 'ImagingStudy?patient=Patient/a,Patient/b', 'Patient?_id=b',
    'ImagingStudy?subject:Patient=b', 'ImagingStudy?patient=https://csss.test/fhir/Patient/b', 'Task?patient=b', 'ImagingStudy?patient._id=b'])(
    'is refused a search that names the other patient: %s',
    async (query) => {
      await expect(here.find(query, who)).rejects.toMatchObject({ code: 'forbidden' });
    },
  ); // prettier-ignore

  it('does not count what it may not see', async () => {
    const found = await here.world.read(({ records }) =>
      records.search(
        { type: 'Observation', conditions: [], include: [], revinclude: [], sort: [], count: 0, total: 'accurate' },
        () => ({ kind: 'some', grants: [{ patient: 'a', released: true }] }),
      ),
    );
    expect(found.total).toBeLessThan(recordOf('b').length);
  });

  it('writes nothing: no creation, take-over, deletion, or ImagingStudy by hand', async () => {
    const resource: Observation = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: 'Patient/a' },
    };
    await expect(writeInTransaction(here.world, who, { method: 'create', resource })).rejects.toMatchObject({
      code: 'forbidden',
    });
    const taken: Patient = { resourceType: 'Patient', id: 'b', name: [{ family: 'Mine' }] };
    await expect(
      writeInTransaction(here.world, who, { method: 'update', id: 'b', resource: taken }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    await expect(
      writeInTransaction(here.world, who, { method: 'delete', type: 'Patient', id: 'a' }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    const forged: ImagingStudy = {
      resourceType: 'ImagingStudy',
      status: 'available',
      subject: { reference: 'Patient/a' },
    };
    await expect(writeInTransaction(here.world, who, { method: 'create', resource: forged })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});

describe('a narrower or missing right', () => {
  const none: [string, Principal, ResourceType][] = [
    [
      'patient scope without a patient',
      caller('patient/*.rs', { role: 'patient', fhirUser: 'Practitioner/x' }),
      'Patient',
    ],
    ['patient scope of a service without a patient', caller('patient/Patient.rs', { kind: 'client' }), 'Patient'],
    [
      'patient scope on another patient than oneself',
      caller('patient/*.rs', { role: 'patient', fhirUser: 'Patient/a', patient: 'b' }),
      'Patient',
    ],
    ['system scope of a person', caller('system/*.rs', { role: 'doctor' }), 'Patient'],
    ['user scope of a service', caller('user/*.rs', { kind: 'client' }), 'Patient'],
    ['no scope on the type', caller('user/Patient.rs', { role: 'doctor' }), 'Observation'],
    ['search scope only', caller('user/Patient.s', { role: 'doctor' }), 'Patient'],
    [
      'granular scope that cannot be read',
      caller('user/Patient.rs?general-practitioner.name=x', { role: 'doctor' }),
      'Patient',
    ],
    ['granular scope on an unknown parameter', caller('user/Patient.rs?nonsense=x', { role: 'doctor' }), 'Patient'],
    ['audit events of a doctor', caller('user/*.rs', { role: 'doctor' }), 'AuditEvent'],
    [
      'subscriptions of a patient',
      caller('patient/*.rs', { role: 'patient', patient: 'a', fhirUser: 'Patient/a' }),
      'Subscription',
    ],
    ['groups of a patient', caller('patient/*.rs', { role: 'patient', patient: 'a', fhirUser: 'Patient/a' }), 'Group'],
  ];
  it.each(none)('forbids reading: %s', async (_name, who, type) => {
    await expect(read(here.world, who, type, 'a')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('searches through chains only where the scopes reach', async () => {
    const narrow = caller('user/ImagingStudy.rs', { role: 'doctor' });
    expect(await here.find('ImagingStudy?patient.name=alpha', narrow)).toEqual([]);
    expect(await here.find('ImagingStudy?_has:DiagnosticReport:imaging-study:status=preliminary', narrow)).toEqual([]);
    expect(
      await here.find('ImagingStudy?_id=study-a&_include=ImagingStudy:patient&_include=ImagingStudy:endpoint', narrow),
    ).toEqual(['study-a', 'e-a']);
  });

  it('holds a granular scope in read, search and write', async () => {
    const narrow = caller('user/Observation.cruds?status=preliminary', { role: 'doctor', fhirUser: 'Practitioner/d' });
    await expect(read(here.world, narrow, 'Observation', 'obs-a')).rejects.toMatchObject({ code: 'not-found' });
    expect(await here.find('Observation', narrow)).toEqual([]);
    const resource = (status: 'final' | 'preliminary'): Observation => ({
      resourceType: 'Observation',
      status,
      code: { text: 'granular' },
    });
    await expect(
      writeInTransaction(here.world, narrow, { method: 'create', resource: resource('final') }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    expect(await here.find('Observation?code:text=granular')).toEqual([]);
    const { record } = await writeInTransaction(here.world, narrow, {
      method: 'create',
      resource: resource('preliminary'),
    });
    expect(await here.find('Observation', narrow)).toEqual([record.id]);
  });

  it('keeps writers in a patient context inside that patient', async () => {
    const inContext = caller('patient/*.cruds', { role: 'doctor', fhirUser: 'Practitioner/d', patient: 'a' });
    const observation = (who: string): Observation => ({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'ctx' },
      subject: { reference: `Patient/${who}` },
    });
    await expect(
      writeInTransaction(here.world, inContext, { method: 'create', resource: observation('b') }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    const { record } = await writeInTransaction(here.world, inContext, {
      method: 'create',
      resource: observation('a'),
    });
    const pushed = { ...observation('b'), id: record.id };
    await expect(
      writeInTransaction(here.world, inContext, { method: 'update', id: record.id, resource: pushed }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    const taken = { ...observation('a'), id: 'obs-b' };
    await expect(
      writeInTransaction(here.world, inContext, { method: 'update', id: 'obs-b', resource: taken }),
    ).rejects.toMatchObject({ code: 'not-found' });
    await expect(
      writeInTransaction(here.world, inContext, { method: 'delete', type: 'List', id: 'nothing' }),
    ).rejects.toMatchObject({ code: 'not-found' });
    expect((await read(here.world, inContext, 'DiagnosticReport', 'report-a')).id).toBe('report-a');
    await expect(read(here.world, inContext, 'DiagnosticReport', 'report-b')).rejects.toMatchObject({
      code: 'not-found',
    });
    await writeInTransaction(here.world, server, { method: 'delete', type: 'Observation', id: record.id });
  });

  it('gives each role what its work needs', async () => {
    const pharmacist = caller('user/*.cruds', { role: 'pharmacist', fhirUser: 'Practitioner/f' });
    expect(await here.find('ImagingStudy?_id=study-a', pharmacist)).toEqual(['study-a']); // its report is preliminary
    const resource: Observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
    await expect(writeInTransaction(here.world, pharmacist, { method: 'create', resource })).rejects.toMatchObject({
      code: 'forbidden',
    });
    const admin = caller('user/*.cruds', { role: 'admin', fhirUser: 'Practitioner/ad' });
    await expect(writeInTransaction(here.world, admin, { method: 'create', resource })).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect((await writeInTransaction(here.world, doctor, { method: 'create', resource })).created).toBe(true);
  });

  it('shows a moved record only its present owner, and its past to nobody else', async () => {
    const moved: Observation = {
      resourceType: 'Observation',
      id: 'moved',
      status: 'final',
      code: { text: 'of b' },
      subject: { reference: 'Patient/b' },
    };
    await here.put(moved);
    await here.put({ ...moved, code: { text: 'of a' }, subject: { reference: 'Patient/a' } });
    expect((await read(here.world, alice, 'Patient', 'a')).version).toBe(1);
    expect((await read(here.world, alice, 'Observation', 'moved')).version).toBe(2);
    await expect(readVersion(here.world, alice, 'Observation', 'moved', 1)).rejects.toMatchObject({
      code: 'not-found',
    });
    const { entries } = await history(here.world, alice, { type: 'Observation', id: 'moved' }, { count: 5 });
    expect(entries.map(({ version }) => version)).toEqual([2]);
    await here.put({ resourceType: 'Patient', id: 'a', name: [{ family: 'Alpha' }], active: true } satisfies Patient);
    // What an earlier version of one's own record says may be another's: a merge that was taken back.
    await expect(readVersion(here.world, alice, 'Patient', 'a', 1)).rejects.toMatchObject({ code: 'not-found' });
    expect((await read(here.world, alice, 'Patient', 'a')).version).toBe(2);
  });

  it('shows the results when the report is released', async () => {
    const report = (await read(here.world, server, 'DiagnosticReport', 'report-a')).resource as DiagnosticReport;
    await here.put({ ...report, id: 'report-a', status: 'final' });
    for (const reference of [
      'DiagnosticReport/report-a',
      'Observation/ai-a',
      'Observation/reading-a',
      'Media/heat-a',
      'Binary/draft-a',
      'Device/dev-a',
    ]) {
      expect((await read(here.world, alice, ...split(reference))).id).toBe(split(reference)[1]);
    }
    await expect(readVersion(here.world, alice, 'DiagnosticReport', 'report-a', 1)).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(read(here.world, alice, 'Task', 'step-a')).rejects.toMatchObject({ code: 'not-found' });
    await expect(read(here.world, alice, 'Observation', 'labelled-a')).rejects.toMatchObject({ code: 'not-found' });
    await expect(read(here.world, alice, 'DiagnosticReport', 'report-b')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('lets a Binary follow its security context, whichever is written first and wherever it moves', async () => {
    const staffOf = (patient: string) =>
      caller('patient/*.rs', { role: 'doctor', fhirUser: 'Practitioner/d', patient });
    const bytes: Binary = {
      resourceType: 'Binary',
      id: 'bytes',
      contentType: 'image/png',
      data: 'AAAA',
      securityContext: { reference: 'Media/late' },
    };
    await here.put(bytes);
    await expect(read(here.world, staffOf('a'), 'Binary', 'bytes')).rejects.toMatchObject({ code: 'not-found' });
    const late = (who: string): Media => ({
      resourceType: 'Media',
      id: 'late',
      status: 'completed',
      subject: { reference: `Patient/${who}` },
      content: { url: 'Binary/bytes' },
    });
    await here.put(late('a'));
    expect((await read(here.world, staffOf('a'), 'Binary', 'bytes')).id).toBe('bytes');
    expect((await read(here.world, alice, 'Binary', 'bytes')).id).toBe('bytes');
    expect((await readVersion(here.world, staffOf('a'), 'Binary', 'bytes', 1)).id).toBe('bytes');
    await here.put(late('b'));
    await expect(read(here.world, staffOf('a'), 'Binary', 'bytes')).rejects.toMatchObject({ code: 'not-found' });
    await expect(read(here.world, alice, 'Binary', 'bytes')).rejects.toMatchObject({ code: 'not-found' });
    expect((await read(here.world, staffOf('b'), 'Binary', 'bytes')).id).toBe('bytes');
  });

  it('keeps withheld what a client writes over, and final reports to the release', async () => {
    const held: DiagnosticReport = {
      resourceType: 'DiagnosticReport',
      id: 'held',
      status: 'preliminary',
      code: { text: 'CT' },
      subject: { reference: 'Patient/a' },
      meta: { security: [noPatient] },
    };
    await here.put(held);
    const { meta: _label, ...bare } = held;
    await writeInTransaction(here.world, doctor, {
      method: 'update',
      id: 'held',
      resource: { ...bare, conclusion: 'more' },
    });
    expect((await read(here.world, doctor, 'DiagnosticReport', 'held')).resource?.meta?.security).toEqual([noPatient]);
    await expect(
      writeInTransaction(here.world, doctor, { method: 'update', id: 'held', resource: { ...bare, status: 'final' } }),
    ).rejects.toMatchObject({ code: 'business-rule' });
    await expect(read(here.world, alice, 'DiagnosticReport', 'held')).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each(['', '../a', 'a\0', 'a/b', "a' or '1'='1", 'x'.repeat(65), 'ä'])(
    'finds nothing under the impossible id %j',
    async (id) => {
      await expect(read(here.world, doctor, 'Patient', id)).rejects.toMatchObject({ code: 'not-found' });
      await expect(readVersion(here.world, doctor, 'Patient', id, 1)).rejects.toMatchObject({ code: 'not-found' });
      await expect(
        writeInTransaction(here.world, doctor, { method: 'delete', type: 'List', id }),
      ).rejects.toMatchObject({ code: 'not-found' });
    },
  );

  it('writes an audit row for every refusal', async () => {
    await expect(read(here.world, alice, 'Observation', 'obs-b')).rejects.toThrow();
    const rows = await here.database.sql.query(
      `select outcome from audit where 'Observation/obs-b' = any(entities) and outcome = 'refused'`,
    );
    expect(rows.length).toBeGreaterThan(0);
  });
});
