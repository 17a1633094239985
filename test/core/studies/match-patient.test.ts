import type { Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everything } from '../../../server/core/access/narrowing.ts';
import { systemPrincipal } from '../../../server/core/principal.ts';
import { writeInTransaction } from '../../../server/core/records/write.ts';
import type { StoreOutcome } from '../../../server/core/studies/store-instance.ts';
import { dicomwebServer, type DicomwebServer } from '../../dicomweb/server.ts';
import { imageFile, newUid, type Element, type ImageOptions } from '../../harness/dicom-file.ts';

let here: DicomwebServer;
beforeAll(async () => (here = await dicomwebServer()));
afterAll(() => here.close());

const statuses = ({ instances }: StoreOutcome) =>
  instances.map((one) => (one.status === 'failed' ? one.reason : one.status));
const own = systemPrincipal('test');
const issuer = (value: string): Element => ['00100021', 'LO', value];
let serial = 0;
const newPatientId = () => `P${process.pid}-${++serial}`;

async function patientOf(uid: string): Promise<Patient> {
  const row = await here.world.read(({ studies }) => studies.study(uid));
  return (await here.world.read(({ records }) => records.read('Patient', row!.patientId, everything)))!
    .resource as Patient;
}

async function put(resource: Patient): Promise<Patient & { id: string }> {
  const { record } = await writeInTransaction(here.world, own, { method: 'create', resource });
  return record.resource as Patient & { id: string };
}

describe('whose images they are', () => {
  const found = async (options: ImageOptions) => {
    const study = newUid();
    const outcome = statuses(await here.store(imageFile({ study, ...options })));
    return outcome[0] === 'stored' ? patientOf(study) : outcome[0];
  };
  const idOf = async (options: ImageOptions) => ((await found(options)) as Patient).id;

  it('is a new Patient when nobody has the Patient ID, and the same one ever after', async () => {
    const patientId = newPatientId();
    const patient = (await found({
      patientId,
      patientName: 'Müller^Jörg^A^Dr.',
      with: [['00100010', 'PN', Buffer.from('Yamada^Tarou=山田^太郎')]],
    })) as Patient;
    expect(patient).toMatchObject({
      identifier: [
        {
          value: patientId,
          system: `${here.world.settings.fhirBaseUrl}/NamingSystem/patient-id`,
          type: { coding: [{ code: 'MR' }] },
        },
      ],
      name: [
        { family: 'Yamada', given: ['Tarou'] },
        { family: '山田', given: ['太郎'] },
      ],
      gender: 'female',
      birthDate: '1970-02-03',
    });
    expect(await idOf({ patientId })).toBe(patient.id);
  });

  it('is another Patient under another issuer', async () => {
    const patientId = newPatientId();
    const ids = [
      await idOf({ patientId }),
      await idOf({ patientId, with: [issuer('North')] }),
      await idOf({ patientId, with: [issuer('South')] }),
    ];
    expect(new Set(ids).size).toBe(3);
    expect(await idOf({ patientId, with: [issuer('North')] })).toBe(ids[1]);
    expect(await idOf({ patientId })).toBe(ids[0]);
  });

  it('is the Patient that an EHR registered with this record number, if the birth date fits', async () => {
    const patientId = newPatientId();
    const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] };
    const { id } = await put({
      resourceType: 'Patient',
      birthDate: '1970-02-03',
      identifier: [{ type, system: 'http://hospital.example/mrn', value: patientId }],
    });
    expect(await idOf({ patientId })).toBe(id);
    // Another birth date: kept apart, and the next image is the registered person's all the same.
    expect(await idOf({ patientId, with: [['00100030', 'DA', '19991231']] })).not.toBe(id);
    expect(await idOf({ patientId })).toBe(id);
  });

  it('is not a Patient who only has the same number of another kind', async () => {
    const patientId = newPatientId();
    const { id } = await put({
      resourceType: 'Patient',
      identifier: [{ system: 'http://insurance.example/member', value: patientId }],
    });
    expect(await idOf({ patientId })).not.toBe(id);
  });

  it('is none of two Patients who have the identifier', async () => {
    const patientId = newPatientId();
    const identifier = [{ system: `${here.world.settings.fhirBaseUrl}/NamingSystem/patient-id`, value: patientId }];
    const both = [
      await put({ resourceType: 'Patient', identifier }),
      await put({ resourceType: 'Patient', identifier }),
    ];
    const own = await idOf({ patientId });
    expect(both.map(({ id }) => id)).not.toContain(own);
    expect(await idOf({ patientId })).toBe(own);
  });

  it('follows a merge of Patients', async () => {
    const patientId = newPatientId();
    const survivor = await put({ resourceType: 'Patient', active: true });
    await put({
      resourceType: 'Patient', active: false, link: [{ type: 'replaced-by', other: { reference: `Patient/${survivor.id}` } }],
      identifier: [{ system: `${here.world.settings.fhirBaseUrl}/NamingSystem/patient-id`, value: patientId }],
    }); // prettier-ignore
    expect(await idOf({ patientId })).toBe(survivor.id);
  });

  it('may hold search syntax, and be nobody known', async () => {
    for (const value of ['a,b', 'x|y$z', "'; drop table study; --", '%_*?'])
      expect(await idOf({ patientId: `${value}${newPatientId()}` })).toBeDefined();
    const [one, two] = [await idOf({ with: [['00100020', 'LO', '']] }), await idOf({ without: ['00100020'] })];
    expect(one).not.toBe(two);
  });

  it('cannot change within a study', async () => {
    const study = newUid();
    const [patientId, other] = [newPatientId(), newPatientId()];
    const outcome = await here.store(
      imageFile({ study, patientId }),
      imageFile({ study, patientId: other }),
      imageFile({ study, with: [['00100020', 'LO', '']] }),
    );
    expect(statuses(outcome)).toEqual(['stored', 'held', 'stored']);
    expect(statuses(await here.store(imageFile({ study, patientId: other })))).toEqual(['held']);
    // Those that are held are nowhere to be found, and left no Patient behind.
    expect(
      await here.database.sql.query(`select 1 from instance where attributes -> '00100020' -> 'Value' ->> 0 = $1`, [
        other,
      ]),
    ).toEqual([]);
    const named = `select 1 from held_instance where study_uid = $1`;
    expect(await here.database.sql.query(named, [study])).toHaveLength(2);
  });

  it('is the same Patient for senders at the same moment', async () => {
    const patientId = newPatientId();
    const studies = Array.from({ length: 8 }, newUid);
    await Promise.all(studies.map((study) => here.store(imageFile({ study, patientId }))));
    expect(new Set(await Promise.all(studies.map(async (study) => (await patientOf(study)).id))).size).toBe(1);
  });
});
