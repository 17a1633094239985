import type { Endpoint, ImagingStudy, Patient, ServiceRequest, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everything } from '../../../server/core/access/narrowing.ts';
import { systemPrincipal } from '../../../server/core/principal.ts';
import { writeInTransaction } from '../../../server/core/records/write.ts';
import { receiveInstance, storeInstances, type StoreOutcome } from '../../../server/core/studies/store-instance.ts';
import { dicomwebServer, type DicomwebServer } from '../../dicomweb/server.ts';
import { imageFile, newUid, type Element } from '../../harness/dicom-file.ts';

let here: DicomwebServer;
beforeAll(async () => (here = await dicomwebServer()));
afterAll(() => here.close());

const statuses = ({ instances }: StoreOutcome) =>
  instances.map((one) => (one.status === 'failed' ? one.reason : one.status));
const own = systemPrincipal('test');

async function studyOf(uid: string): Promise<ImagingStudy> {
  const row = await here.world.read(({ studies }) => studies.study(uid));
  return (await here.world.read(({ records }) => records.read('ImagingStudy', row!.imagingStudyId, everything)))!
    .resource as ImagingStudy;
}

async function put<T extends Patient | ImagingStudy | ServiceRequest>(resource: T): Promise<T & { id: string }> {
  const request =
    resource.id === undefined
      ? ({ method: 'create', resource } as const)
      : ({ method: 'update', resource, id: resource.id } as const);
  return (await writeInTransaction(here.world, own, request)).record.resource as T & { id: string };
}

/** A patient, and an ImagingStudy that names these studies before their images come. */
async function register(patientId: string, studies: string[]): Promise<ImagingStudy & { id: string }> {
  const patient = await put({
    resourceType: 'Patient',
    identifier: [{ system: `${here.world.settings.fhirBaseUrl}/NamingSystem/patient-id`, value: patientId }],
  });
  return put({
    resourceType: 'ImagingStudy',
    status: 'registered',
    subject: { reference: `Patient/${patient.id}` },
    identifier: studies.map((uid) => ({ system: 'urn:dicom:uid', value: `urn:oid:${uid}` })),
  });
}

let serial = 0;
const newPatientId = () => `P${process.pid}-${++serial}`;

describe('the order of a study', () => {
  const active = (count: number) => Array<ServiceRequest['status']>(count).fill('active');
  const ended = (count: number) => Array<ServiceRequest['status']>(count).fill('completed');
  it.each<[string, ServiceRequest['status'][], number | undefined]>([
    ['the only one', ended(1), 0],
    ['the only active one', [...ended(2), ...active(1)], 2],
    ['none of two active ones', active(2), undefined],
    ['none of two that are over', ended(2), undefined],
    ['none of so many that not all are read', [...active(1), ...ended(21), ...active(1)], undefined],
  ])('is %s under its accession number', async (_name, given, expected) => {
    const [patientId, study, accession] = [newPatientId(), newUid(), `A${newPatientId()}`];
    const { subject } = await register(patientId, [newUid()]);
    const orders: string[] = [];
    for (const status of given)
      orders.push((await put<ServiceRequest>({
        resourceType: 'ServiceRequest', status, intent: 'order', subject: subject as ServiceRequest['subject'], code: { text: 'CT' }, identifier: [{ value: accession }],
      })).id); // prettier-ignore
    await here.store(imageFile({ study, patientId, with: [['00080050', 'SH', accession]] }));
    const named = expected === undefined ? undefined : `ServiceRequest/${orders[expected]}`;
    expect((await studyOf(study)).basedOn?.[0]?.reference).toBe(named);
  });
});

describe('the ImagingStudy of stored images', () => {
  it('has every element that DICOM maps to', async () => {
    const study = newUid();
    const code = (value: string, scheme: string, meaning: string): Element[] => [
      ['00080100', 'SH', value],
      ['00080102', 'SH', scheme],
      ['00080104', 'LO', meaning],
    ];
    await here.store(imageFile({
      study, series: `${study}.1`, instance: `${study}.1.1`, patientId: newPatientId(),
      with: [
        ['00080051', 'SQ', [[['00400031', 'UT', 'RIS'], ['00400032', 'UT', '1.2.3.4'], ['00400033', 'CS', 'ISO']]]],
        ['00080096', 'SQ', [[['00401101', 'SQ', [code('D7', '99LOCAL', 'Doctor 7')]]]]],
        ['00080201', 'SH', '+0530'],
        ['00081032', 'SQ', [code('77477000', 'SCT', 'CT')]],
        ['00081040', 'LO', 'Radiology'],
        ['00081050', 'PN', 'Performer^Paula'],
        ['00081060', 'PN', 'Reader^Rolf^^Dr.'],
        ['00081070', 'PN', 'Operator^Otto'],
        ['00200060', 'CS', 'L'],
        ['00400560', 'SQ', [[['00400551', 'LO', 'SPEC-1']]]],
        ['00401002', 'LO', 'Cough'],
      ],
    })); // prettier-ignore
    const { id: _, meta: __, ...resource } = await studyOf(study);
    const { patientId } = (await here.world.read(({ studies }) => studies.study(study)))!;
    expect(resource).toEqual({
      resourceType: 'ImagingStudy',
      identifier: [
        { system: 'urn:dicom:uid', value: `urn:oid:${study}` },
        {
          type: {
            coding: [
              { system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'ACSN', display: 'Accession ID' },
            ],
          },
          system: 'urn:oid:1.2.3.4',
          value: 'ACC-1',
          assigner: { display: 'RIS' },
        },
        { type: { text: 'Study ID' }, value: 'S1' },
      ],
      status: 'available',
      modality: [{ system: 'http://dicom.nema.org/resources/ontology/DCM', code: 'CT' }],
      subject: { reference: `Patient/${patientId}` },
      started: '2026-04-12T10:15:30.250+05:30',
      referrer: { identifier: { value: 'D7' }, display: 'Rosa Referrer' },
      interpreter: [{ display: 'Dr. Rolf Reader' }],
      endpoint: [{ reference: 'Endpoint/dicom-wado-rs' }],
      numberOfSeries: 1,
      numberOfInstances: 1,
      procedureCode: [{ coding: [{ system: 'http://snomed.info/sct', code: '77477000', display: 'CT' }], text: 'CT' }],
      location: { display: 'Radiology' },
      reasonCode: [{ text: 'Cough' }],
      description: 'Chest CT',
      series: [
        {
          uid: `${study}.1`,
          number: 1,
          modality: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: 'CT' },
          description: 'Axial 5 mm',
          numberOfInstances: 1,
          bodySite: { system: 'http://snomed.info/sct', code: '51185008', display: 'Chest' },
          laterality: { system: 'http://snomed.info/sct', code: '7771000', display: 'Left' },
          specimen: [{ type: 'Specimen', identifier: { value: 'SPEC-1' } }],
          started: '2026-04-12T10:16:00+05:30',
          performer: [
            {
              function: {
                coding: [
                  {
                    system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType',
                    code: 'PRF',
                    display: 'performer',
                  },
                ],
              },
              actor: { display: 'Paula Performer' },
            },
            {
              function: {
                coding: [
                  {
                    system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType',
                    code: 'SPRF',
                    display: 'secondary performer',
                  },
                ],
              },
              actor: { display: 'Otto Operator' },
            },
          ],
          instance: [
            {
              uid: `${study}.1.1`,
              sopClass: { system: 'urn:ietf:rfc:3986', code: 'urn:oid:1.2.840.10008.5.1.4.1.1.2' },
              number: 1,
              title: 'ORIGINAL\\PRIMARY\\AXIAL',
            },
          ],
        },
      ],
    });
  });

  it('is one version for one request, grows with the next, and stays as it is when nothing is new', async () => {
    const study = newUid();
    const patientId = newPatientId();
    const ct = [1, 2, 3].map((number) => imageFile({ study, series: `${study}.1`, number, patientId }));
    expect(statuses(await here.store(...ct))).toEqual(['stored', 'stored', 'stored']);
    expect((await studyOf(study)).meta?.versionId).toBe('1');
    expect(statuses(await here.store(...ct))).toEqual(['known', 'known', 'known']);
    expect((await studyOf(study)).meta?.versionId).toBe('1');
    expect(await here.world.read(({ studies }) => studies.study(study))).toMatchObject({
      revision: 1,
      numberOfSeries: 1,
      numberOfInstances: 3,
    });
    expect(
      statuses(await here.store(ct[0]!, imageFile({ study, series: `${study}.2`, modality: 'PT', patientId }))),
    ).toEqual(['known', 'stored']);
    const grown = await studyOf(study);
    expect(grown).toMatchObject({
      meta: { versionId: '2' },
      numberOfSeries: 2,
      numberOfInstances: 4,
      modality: [{ code: 'CT' }, { code: 'PT' }],
    });
    expect(await here.world.read(({ studies }) => studies.study(study))).toMatchObject({ revision: 2 });
  });

  it('keeps what people wrote', async () => {
    const study = newUid();
    const patientId = newPatientId();
    await here.store(imageFile({ study, series: `${study}.1`, patientId }));
    const first = await studyOf(study);
    await put({ ...first, description: 'Better words', note: [{ text: 'Mind the nodule' }], identifier: [...first.identifier!, { system: 'urn:x', value: '7' }],
      series: [{ ...first.series![0]!, description: 'My series' }] }); // prettier-ignore
    await here.store(imageFile({ study, series: `${study}.1`, number: 2, patientId }));
    const later = await studyOf(study);
    expect(later).toMatchObject({
      meta: { versionId: '3' },
      description: 'Better words',
      note: [{ text: 'Mind the nodule' }],
      numberOfInstances: 2,
    });
    expect(later.identifier).toContainEqual({ system: 'urn:x', value: '7' });
    expect(later.series![0]).toMatchObject({ description: 'My series', numberOfInstances: 2 });
  });

  it('is the one that was registered before the images came', async () => {
    const study = newUid();
    const patientId = newPatientId();
    const registered = await register(patientId, [study]);
    expect(statuses(await here.store(imageFile({ study, patientId: newPatientId() })))).toEqual(['held']);
    expect(statuses(await here.store(imageFile({ study, patientId })))).toEqual(['stored']);
    expect(await studyOf(study)).toMatchObject({ id: registered.id, status: 'available', meta: { versionId: '2' } });
  });

  it('that names two studies is that of the first, whichever comes first or both at once', async () => {
    for (const order of ['first', 'second', 'both']) {
      const [patientId, one, two] = [newPatientId(), newUid(), newUid()];
      const registered = await register(patientId, [one, two]);
      const store = (study: string) => here.store(imageFile({ study, patientId }));
      const outcomes: StoreOutcome[] = order === 'both' ? await Promise.all([store(one), store(two)]) : [];
      for (const study of order === 'first' ? [one, two] : [two, one])
        if (order !== 'both') outcomes.push(await store(study));
      expect(outcomes.flatMap(statuses), order).toEqual(['stored', 'stored']);
      expect((await studyOf(one)).id).toBe(registered.id);
      expect((await studyOf(two)).id).not.toBe(registered.id);
    }
  });

  it("that is another study's already is tied to no second one", async () => {
    const [patientId, one, two] = [newPatientId(), newUid(), newUid()];
    const registered = await register(patientId, [one]);
    await here.store(imageFile({ study: two, patientId }));
    // As if the record had been deleted and written anew with another UID.
    const tie = `update study set imaging_study_id = $2 where study_uid = $1`;
    await here.database.sql.query(tie, [two, registered.id]);
    expect(statuses(await here.store(imageFile({ study: one, patientId })))).toEqual(['held']);
    const tied = await here.database.sql.query(`select study_uid from study where imaging_study_id = $1`, [
      registered.id,
    ]);
    expect(tied).toEqual([{ study_uid: two }]);
  });

  it('has one Endpoint, and one review', async () => {
    const study = newUid();
    const patientId = newPatientId();
    await here.store(imageFile({ study, patientId }));
    await here.store(imageFile({ study, patientId }));
    const endpoint = (await here.world.read(({ records }) => records.read('Endpoint', 'dicom-wado-rs', everything)))!;
    expect(endpoint.version).toBe(1);
    expect(endpoint.resource as Endpoint).toMatchObject({
      address: here.base,
      connectionType: { code: 'dicom-wado-rs' },
      extension: [{ valueBoolean: true }],
    });
    const { matches } = await here.world.read(({ records }) =>
      records.search(
        {
          type: 'Task',
          conditions: [{ parameter: 'identifier', values: [`urn:dicom:uid|urn:oid:${study}`] }],
          include: [],
          revinclude: [],
          sort: [],
          count: 5,
          total: 'none',
        },
        () => everything,
      ),
    );
    expect(matches.map(({ resource }) => (resource as Task).businessStatus?.coding?.[0]?.code)).toEqual(['AI_SKIPPED']);
  });

  it('lists no instances in a study of more than a thousand', async () => {
    const study = newUid();
    const patientId = newPatientId();
    await here.store(
      ...Array.from({ length: 1001 }, (_, i) =>
        imageFile({ study, series: `${study}.1`, number: i + 1, rows: 2, columns: 2, patientId }),
      ),
    );
    const resource = await studyOf(study);
    expect(resource).toMatchObject({ numberOfInstances: 1001, series: [{ numberOfInstances: 1001 }] });
    expect(resource.series![0]!.instance).toBeUndefined();
  });
});

describe('senders at the same moment', () => {
  it('lose nothing when they share studies and patients', async () => {
    const studies = [newUid(), newUid(), newUid()].map((study) => ({ study, patientId: newPatientId() }));
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, (_, sender) =>
        here.store(
          ...studies
            .map(({ study, patientId }) => imageFile({ study, series: `${study}.${sender % 4}`, patientId }))
            .sort(() => (sender % 2 ? 1 : -1)),
        ),
      ),
    );
    expect(outcomes.flatMap(statuses).every((status) => status === 'stored')).toBe(true);
    for (const { study } of studies)
      expect(await here.world.read(({ studies }) => studies.study(study))).toMatchObject({
        numberOfInstances: 16,
        numberOfSeries: 4,
      });
  });

  it('store the same instance once', async () => {
    const file = imageFile({ patientId: newPatientId() });
    const outcomes = (await Promise.all(Array.from({ length: 6 }, () => here.store(file)))).flatMap(statuses);
    expect(outcomes.filter((status) => status === 'stored')).toHaveLength(1);
    expect(outcomes.filter((status) => status === 'known')).toHaveLength(5);
  });
});

describe('an instance that the database cannot take', () => {
  it.each([
    ['22003', 'unstorable', 0],
    ['XX000', 'processing', 1],
  ])('fails alone, whatever is sent with it (%s)', async (code, reason, faults) => {
    const bad = newUid();
    const { sql } = here.database;
    await sql.query(`create or replace function break_down() returns trigger language plpgsql as $$
      begin raise exception 'broken' using errcode = '${code}'; end $$`);
    await sql.query(`create trigger break_down before insert on instance for each row
      when (new.sop_uid = '${bad}') execute function break_down()`);
    const seen: unknown[] = [];
    const study = newUid();
    const files = Array.from({ length: 7 }, (_, i) => imageFile({ study, patientId: study, ...(i === 4 && { instance: bad }) })); // prettier-ignore
    const arriving = await Promise.all(files.map((file) => receiveInstance(here.world, (async function* () { yield file; })()))); // prettier-ignore
    const outcome = await storeInstances(here.world, own, arriving, { onFault: (error) => seen.push(error) });
    await sql.query(`drop trigger break_down on instance`);
    expect(statuses(outcome)).toEqual(['stored', 'stored', 'stored', 'stored', reason, 'stored', 'stored']);
    expect(seen).toHaveLength(faults);
    expect(await here.world.read(({ studies }) => studies.study(study))).toMatchObject({ numberOfInstances: 6 });
  });
});

describe('UIDs that are used twice', () => {
  it('in another study are refused, in one request, in a later one, and by senders at the same moment', async () => {
    const [instance, patientId] = [newUid(), newPatientId()];
    const file = () => imageFile({ study: newUid(), instance, patientId });
    const first = await here.store(file(), file());
    expect(statuses(first)).toEqual(['stored', 'other-place']);
    expect(statuses(await here.store(file(), imageFile({ patientId })))).toEqual(['other-place', 'stored']);
    const refused = first.instances[1]!.name!.StudyInstanceUID;
    expect(
      await here.world.read(({ studies }) => studies.addresses({ StudyInstanceUID: refused }, everything)),
    ).toEqual([]);
    expect(await here.world.read(({ studies }) => studies.study(refused))).toBeUndefined();

    const other = newUid();
    const race = await Promise.all(
      Array.from({ length: 4 }, () => here.store(imageFile({ study: newUid(), instance: other, patientId }))),
    );
    expect(race.flatMap(statuses).toSorted()).toEqual(['other-place', 'other-place', 'other-place', 'stored']);
  });

  it('are free again when the instance is removed', async () => {
    const [study, instance] = [newUid(), newUid()];
    await here.store(imageFile({ study, instance, patientId: newPatientId() }));
    await here.database.sql.query(`delete from instance where study_uid = $1`, [study]);
    const senders = Array.from({ length: 3 }, () => here.store(imageFile({ instance, patientId: newPatientId() })));
    expect((await Promise.all(senders)).flatMap(statuses).toSorted()).toEqual(['other-place', 'other-place', 'stored']);
    expect(statuses(await here.store(imageFile({ study, instance, patientId: newPatientId() })))).not.toContain(
      'stored',
    );
  });

  it('of a series in two studies are stored: a series is found by its study here', async () => {
    const [series, patientId] = [newUid(), newPatientId()];
    expect(statuses(await here.store(imageFile({ series, patientId }), imageFile({ series, patientId })))).toEqual([
      'stored',
      'stored',
    ]);
  });

  it('within a study and a request: the first counts, the same again is known', async () => {
    const options = { study: newUid(), series: newUid(), instance: newUid(), patientId: newPatientId() };
    const file = imageFile(options);
    expect(statuses(await here.store(file, file, imageFile({ ...options, rows: 4 })))).toEqual([
      'stored',
      'known',
      'other-content',
    ]);
    expect(statuses(await here.store(imageFile({ ...options, series: newUid() })))).toEqual(['other-content']);
  });
});
