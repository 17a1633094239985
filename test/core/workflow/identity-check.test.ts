import type { Patient, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { everything } from '../../../server/core/access/narrowing.ts';
import { Problem } from '../../../server/core/problem.ts';
import { systemPrincipal } from '../../../server/core/principal.ts';
import { searchOwn } from '../../../server/core/records/own-search.ts';
import { write, writeInTransaction } from '../../../server/core/records/write.ts';
import { sweepBlobs } from '../../../server/core/studies/sweep-blobs.ts';
import type { StoreOutcome } from '../../../server/core/studies/store-instance.ts';
import { mustKnowWhose } from '../../../server/core/workflow/open-identity-check.ts';
import { reviewIdOf } from '../../../server/core/workflow/review-of-study.ts';
import { systems } from '../../../server/core/vocabulary/systems.ts';
import { dicomwebServer, type DicomwebServer } from '../../dicomweb/server.ts';
import { imageFile, newUid, type Element } from '../../harness/dicom-file.ts';
import { caller } from '../../harness/records.ts';

let here: DicomwebServer;
beforeAll(async () => (here = await dicomwebServer()));
afterAll(() => here.close());

const admin = caller('user/*.cruds', { role: 'admin', fhirUser: 'Practitioner/admin-1' });
const otherAdmin = { ...admin, subject: 'other', fhirUser: 'Practitioner/admin-2' };
const issuer = (value: string): Element => ['00100021', 'LO', value];
const statuses = ({ instances }: StoreOutcome) => instances.map(({ status }) => status);
let serial = 0;
let number: string;
beforeEach(() => (number = `N${process.pid}-${++serial}`));

const bare = (study = newUid(), more: readonly Element[] = []) => imageFile({ study, patientId: number, with: more });
const from = (name: string, study = newUid(), more: readonly Element[] = []) => bare(study, [issuer(name), ...more]);

async function rowOf(study: string) {
  return (await here.world.read(({ studies }) => studies.study(study)))!;
}

async function ownerOf(study: string): Promise<string> {
  return (await rowOf(study)).patientId;
}

async function recordOf<T>(type: 'Patient' | 'Task', id: string): Promise<T> {
  return (await here.world.read(({ records }) => records.read(type, id, everything)))!.resource as T;
}

async function checks(parameter: 'patient' | 'focus', value: string): Promise<(Task & { id: string })[]> {
  const conditions = [
    { parameter: 'code', values: [`${systems.reviewStep}|identity-check`] },
    { parameter, values: [value] },
  ];
  const { found } = await here.world.read((stores) => searchOwn(stores, 'Task', conditions, { count: 50 }));
  return found;
}

const aboutPatient = (id: string) => checks('patient', `Patient/${id}`);
const aboutStudy = async (study: string) => checks('focus', `ImagingStudy/${(await rowOf(study)).imagingStudyId}`);

const named = (task: Task, type: string) =>
  task.input!.filter((one) => one.type.coding![0]!.code === type).map((one) => one.valueReference?.reference ?? one.valueUnsignedInt); // prettier-ignore

const code = (value: string) => ({ coding: [{ system: systems.reviewData, code: value }] });

/** Claims the check and decides it. */
async function decide(task: Task, decision: string, candidate?: string, who = admin): Promise<Task> {
  const standing = await recordOf<Task>('Task', task.id!);
  if (standing.status === 'requested') await change(standing, { status: 'in-progress' }, who);
  const output = [
    { type: code('decision'), valueCodeableConcept: code(decision) },
    ...(candidate === undefined ? [] : [{ type: code('candidate'), valueReference: { reference: `Patient/${candidate}` } }]), // prettier-ignore
  ];
  return change(task, { status: 'completed', output, note: [{ text: 'Asked the ward.' }] }, who);
}

async function change(task: Task, changes: Partial<Task>, who = admin): Promise<Task> {
  // As a PATCH does: what stands is read in the same transaction.
  return here.world.transaction(async (stores) => {
    const standing = (await stores.records.lock('Task', task.id!))!.resource as Task;
    const resource = { ...standing, ...changes } as Task;
    const context = { world: here.world, stores, principal: who };
    return (await write(context, { method: 'update', id: task.id!, resource })).record.resource as Task;
  });
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Problem ? error.code : error),
  );

describe('a number that came without an issuer and comes with one', () => {
  it('in a new study is stored under a Patient of its own, and one Task asks about all of its studies', async () => {
    const [first, second, third] = [newUid(), newUid(), newUid()];
    expect(statuses(await here.store(bare(first), from('NORTH', second), from('NORTH', third)))).toEqual(['stored', 'stored', 'stored']); // prettier-ignore
    expect(await ownerOf(second)).not.toBe(await ownerOf(first));
    expect(await ownerOf(third)).toBe(await ownerOf(second));
    const [task, ...more] = await aboutPatient(await ownerOf(second));
    expect(more).toEqual([]);
    expect(task).toMatchObject({ status: 'requested', performerType: [{ text: 'Administrator' }], meta: { security: [{ code: 'NOPAT' }] } }); // prettier-ignore
    expect(named(task!, 'candidate')).toEqual([`Patient/${await ownerOf(first)}`]);
    expect(named(task!, 'study')).toHaveLength(2);
    expect(await aboutPatient(await ownerOf(first))).toEqual([]);
  });

  it('in the same study is the same person, in both orders, and answers say so', async () => {
    const [one, other] = [newUid(), newUid()];
    await here.store(bare(one));
    const later = await here.store(from('NORTH', one));
    expect(later.instances[0]).toMatchObject({ status: 'stored', about: 'coercion' });
    await here.store(from('NORTH', other));
    expect((await here.store(bare(other))).instances[0]).toMatchObject({ status: 'stored', about: 'coercion' });
    expect((await rowOf(one)).coerced && (await rowOf(other)).coerced).toBe(true);
    const shown = (await here.get(`/studies/${one}/metadata`)).json<Record<string, unknown>[]>();
    expect(shown).toHaveLength(2);
    expect(shown.map((image) => image['00100021'])).not.toContainEqual({ vr: 'LO', Value: ['NORTH'] });
    expect(JSON.stringify(shown)).toContain('04000561');
  });

  it('with another birth date in the same study waits', async () => {
    const study = newUid();
    await here.store(bare(study));
    expect(statuses(await here.store(from('NORTH', study, [['00100030', 'DA', '19991231']])))).toEqual(['held']);
  });

  it('is the same person, says an administrator: the records are merged, and nobody is asked again', async () => {
    const [first, second, third] = [newUid(), newUid(), newUid()];
    await here.store(bare(first));
    await here.store(from('NORTH', second));
    const [person, provisional] = [await ownerOf(first), await ownerOf(second)];
    const [task] = await aboutPatient(provisional);
    expect(await decide(task!, 'same-person', person)).toMatchObject({ status: 'completed' });
    expect(await ownerOf(second)).toBe(person);
    expect(await recordOf<Patient>('Patient', provisional)).toMatchObject({ active: false });
    await here.store(from('NORTH', third));
    expect(await ownerOf(third)).toBe(person);
    expect((await aboutPatient(person)).filter(({ status }) => status !== 'completed')).toEqual([]);
  });

  it('is asked about once, although images come in the moment of the decision', async () => {
    for (let round = 0; round < 6; round++) {
      const [first, second] = [newUid(), newUid()];
      number = `N${process.pid}-${++serial}`;
      await here.store(bare(first));
      await here.store(from('NORTH', second));
      const provisional = await ownerOf(second);
      const [task] = await aboutPatient(provisional);
      const late = Array.from({ length: 6 }, (_, at) => from('NORTH', at % 2 === 0 ? newUid() : second, [['00200013', 'IS', String(at + 2)]])); // prettier-ignore
      const [decided] = await Promise.all([decide(task!, 'another-person'), ...late.map((image) => here.store(image))]);
      expect(decided).toMatchObject({ status: 'completed' });
      expect((await aboutPatient(provisional)).map(({ status }) => status)).toEqual(['completed']);
    }
  });

  it('is another person, says an administrator: the Patient stays, and nobody is asked again', async () => {
    const [first, second, third] = [newUid(), newUid(), newUid()];
    await here.store(bare(first));
    await here.store(from('NORTH', second));
    const provisional = await ownerOf(second);
    const [task] = await aboutPatient(provisional);
    await decide(task!, 'another-person');
    expect((await recordOf<Patient>('Patient', provisional)).identifier).toMatchObject([
      { use: 'usual', value: number },
    ]);
    await here.store(from('NORTH', third));
    expect(await ownerOf(third)).toBe(provisional);
    expect(await aboutPatient(provisional)).toHaveLength(1);
  });

  it('is decided once: another administrator is told so, and the same decision again changes nothing', async () => {
    const [first, second] = [newUid(), newUid()];
    await here.store(bare(first));
    await here.store(from('NORTH', second));
    const person = await ownerOf(first);
    const [task] = await aboutPatient(await ownerOf(second));
    await change(task!, { status: 'in-progress' });
    const outcomes = await Promise.all([
      refusal(decide(task!, 'same-person', person)),
      refusal(decide(task!, 'another-person')),
    ]);
    expect(outcomes.toSorted()).toEqual(['conflict', 'done']);
    expect(await refusal(decide(task!, 'another-person', undefined, otherAdmin))).toBe('conflict');
  });

  it('keeps the report back until it is decided', async () => {
    const [first, second] = [newUid(), newUid()];
    await here.store(bare(first), from('NORTH', second));
    const release = async (study: string) => {
      const review = await recordOf<Task>('Task', reviewIdOf((await rowOf(study)).imagingStudyId));
      return refusal(
        here.world.transaction((stores) => mustKnowWhose({ world: here.world, stores, principal: admin }, review)),
      );
    };
    expect([await release(first), await release(second)]).toEqual(['done', 'conflict']);
    const [task] = await aboutPatient(await ownerOf(second));
    await decide(task!, 'another-person');
    expect(await release(second)).toBe('done');
  });
});

describe('a number without an issuer that several issuers have', () => {
  it('is nobody by guessing, and each such image of a new study is asked about again when one was decided', async () => {
    const [north, south, unclear, next] = [newUid(), newUid(), newUid(), newUid()];
    await here.store(from('NORTH', north), from('SOUTH', south));
    await here.store(bare(unclear));
    const provisional = await ownerOf(unclear);
    const [task] = await aboutPatient(provisional);
    const candidates = [`Patient/${await ownerOf(north)}`, `Patient/${await ownerOf(south)}`];
    expect(named(task!, 'candidate').toSorted()).toEqual(candidates.toSorted());
    await decide(task!, 'same-person', await ownerOf(south));
    expect(await ownerOf(unclear)).toBe(await ownerOf(south));
    await here.store(bare(next));
    expect([await ownerOf(north), await ownerOf(south)]).not.toContain(await ownerOf(next));
    expect(await aboutPatient(await ownerOf(next))).toMatchObject([{ status: 'requested' }]);
  });

  it('is not put together with another birth date, however unclear both are', async () => {
    const [one, other] = [newUid(), newUid()];
    await here.store(from('NORTH'), from('SOUTH'));
    await here.store(bare(one), bare(other, [['00100030', 'DA', '19991231']]));
    expect(await ownerOf(other)).not.toBe(await ownerOf(one));
  });
});

describe('an image that says it is of another patient than its study', () => {
  async function held(more: readonly Element[] = []) {
    const study = newUid();
    await here.store(bare(study));
    const stranger = imageFile({ study, patientId: `${number}-other`, number: 2, with: more });
    expect(statuses(await here.store(stranger))).toEqual(['held']);
    const [task, ...others] = await aboutStudy(study);
    expect(others).toEqual([]);
    return { study, stranger, task: task! };
  }

  it('waits out of sight, with one Task for its study, however often it is sent', async () => {
    const { study, stranger, task } = await held();
    expect(statuses(await here.store(stranger))).toEqual(['held']);
    await here.store(imageFile({ study, patientId: `${number}-third`, number: 3 }));
    expect(await aboutStudy(study)).toHaveLength(1);
    const now = await recordOf<Task>('Task', task.id);
    expect(named(now, 'held-images')).toEqual([2]);
    expect(now.reasonCode!.text).toContain(`${number}-other`);
    expect((await here.get(`/studies/${study}/metadata`)).json()).toHaveLength(1);
    expect(await sweepBlobs({ ...here.world, now: () => new Date(Date.now() + 3 * 24 * 3_600_000) })).toBe(0);
  });

  it('is stored as of the patient of its study when it is accepted, and answers show that patient', async () => {
    const { study, stranger, task } = await held();
    expect(await decide(task, 'accept')).toMatchObject({ status: 'completed' });
    const shown = (await here.get(`/studies/${study}/metadata`)).json();
    expect(shown.map((image) => image['00100020']!.Value)).toEqual([[number], [number]]);
    expect(JSON.stringify(shown)).toContain(`${number}-other`); // Original Attributes Sequence
    expect(statuses(await here.store(stranger))).toEqual(['known']);
    expect(await here.database.sql.query(`select 1 from held_instance where study_uid = $1`, [study])).toEqual([]);
  });

  it('is thrown away when it is discarded, which the audit trail says, and may come again', async () => {
    const { study, stranger, task } = await held();
    await decide(task, 'discard');
    expect((await here.get(`/studies/${study}/metadata`)).json()).toHaveLength(1);
    const rows = await here.database.sql.query<{ event: string }>(`select event from audit where event = 'identity:discard'`); // prettier-ignore
    expect(rows.length).toBeGreaterThan(0);
    expect(statuses(await here.store(stranger))).toEqual(['held']);
    expect((await aboutStudy(study)).map(({ status }) => status).toSorted()).toEqual(['completed', 'requested']);
  });

  it('takes no decision that does not answer the question, and stays as it was', async () => {
    const { study, task } = await held();
    expect(await refusal(decide(task, 'another-person'))).toBe('conflict');
    expect(await refusal(decide(task, 'same-person', 'nobody'))).toBe('business-rule');
    expect(await refusal(decide(task, 'perhaps'))).toBe('business-rule');
    expect(await refusal(change(task, { status: 'completed' }))).toBe('business-rule');
    expect(await refusal(change(task, { status: 'failed', statusReason: { text: 'no idea' } }))).toBe('conflict');
    const doctor = caller('user/*.cruds', { role: 'doctor', fhirUser: 'Practitioner/d' });
    expect(await refusal(change(task, { status: 'in-progress' }, doctor))).toBe('forbidden');
    expect(await here.database.sql.query(`select 1 from held_instance where study_uid = $1`, [study])).toHaveLength(1);
    expect(await recordOf<Task>('Task', task.id)).toMatchObject({ status: 'in-progress' });
  });

  it('is not accepted while its name is taken, and all of the others wait on', async () => {
    const { study, task } = await held();
    const instance = newUid();
    await here.store(imageFile({ study, instance, patientId: `${number}-other`, number: 7 }));
    await here.store(imageFile({ study, instance, patientId: number, number: 8 }));
    expect(await refusal(decide(task, 'accept'))).toBe('conflict');
    expect((await here.get(`/studies/${study}/metadata`)).json()).toHaveLength(2);
    expect(await here.database.sql.query(`select 1 from held_instance where study_uid = $1`, [study])).toHaveLength(2);
  });
});

describe('a study that two people registered', () => {
  async function twice() {
    const study = newUid();
    const people: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { record } = await writeInTransaction(here.world, systemPrincipal('test'), { method: 'create', resource: { resourceType: 'Patient' } }); // prettier-ignore
      people.push(record.id);
      await writeInTransaction(here.world, systemPrincipal('test'), {
        method: 'create',
        resource: {
          resourceType: 'ImagingStudy',
          status: 'registered',
          subject: { reference: `Patient/${record.id}` },
          identifier: [{ system: systems.studyUid, value: `urn:oid:${study}` }],
        },
      });
    }
    expect(statuses(await here.store(bare(study)))).toEqual(['held']);
    const conditions = [
      { parameter: 'code', values: [`${systems.reviewStep}|identity-check`] },
      { parameter: 'identifier', values: [`${systems.studyUid}|urn:oid:${study}`] },
    ];
    const { found } = await here.world.read((stores) => searchOwn(stores, 'Task', conditions, { count: 5 }));
    return { study, people, task: found[0]! };
  }

  it('is of whom an administrator names', async () => {
    const { study, people, task } = await twice();
    expect(named(task, 'candidate').toSorted()).toEqual(people.map((id) => `Patient/${id}`).toSorted());
    expect(await refusal(decide(task, 'accept'))).toBe('conflict');
    await decide(task, 'same-person', people[1]);
    expect(await ownerOf(study)).toBe(people[1]);
  });

  it('is of neither, if that is what an administrator says', async () => {
    const { study, people, task } = await twice();
    await decide(task, 'another-person');
    expect(people).not.toContain(await ownerOf(study));
  });
});

/** As a sender does that is told to try again: there are fewer connections than senders. */
async function untilTaken(file: Uint8Array): Promise<StoreOutcome> {
  for (let tries = 1; ; tries++) {
    try {
      return await here.store(file);
    } catch (error) {
      if (tries === 10 || !(error instanceof Problem) || error.code !== 'transient') throw error;
    }
  }
}

describe('many at once', () => {
  it('fifty devices that send one number with and without its issuer make two Patients and one Task', async () => {
    const studies = Array.from({ length: 50 }, newUid);
    await here.store(bare(studies[0]));
    const sent = await Promise.all(studies.map((study, i) => untilTaken(i % 2 ? from('NORTH', study) : bare(study))));
    expect(new Set(sent.flatMap(statuses))).toEqual(new Set(['stored']));
    const owners = new Set(await Promise.all(studies.map(ownerOf)));
    expect(owners.size).toBe(2);
    const tasks = (await Promise.all([...owners].map(aboutPatient))).flat();
    expect(tasks).toHaveLength(1);
    expect(named(tasks[0]!, 'study')).toHaveLength(25);
  });

  it('images that arrive while the decision is made are with the person whom it names', async () => {
    const [first, second] = [newUid(), newUid()];
    await here.store(bare(first));
    await here.store(from('NORTH', second));
    const person = await ownerOf(first);
    const [task] = await aboutPatient(await ownerOf(second));
    const late = Array.from({ length: 8 }, newUid);
    const [, ...sent] = await Promise.all([
      decide(task!, 'same-person', person),
      ...late.map((study) => here.store(from('NORTH', study))),
      ...late.map(() => here.store(from('NORTH', second))),
    ]);
    expect(new Set(sent.flatMap(statuses))).toEqual(new Set(['stored']));
    for (const study of [second, ...late]) expect(await ownerOf(study)).toBe(person);
  });

  it('images that arrive while held ones are accepted wait for the next decision or are in', async () => {
    const study = newUid();
    await here.store(bare(study));
    const stranger = (n: number) => imageFile({ study, patientId: `${number}-other`, number: n });
    await here.store(stranger(2));
    const [task] = await aboutStudy(study);
    const [, ...sent] = await Promise.all([decide(task!, 'accept'), ...[3, 4, 5].map((n) => here.store(stranger(n)))]);
    expect(new Set(sent.flatMap(statuses))).toEqual(new Set(['held']));
    const [{ count }] = (await here.database.sql.query<{ count: number }>(`select count(*) from held_instance where study_uid = $1`, [study])) as [{ count: number }]; // prettier-ignore
    const shown = (await here.get(`/studies/${study}/metadata`)).json();
    expect(shown.length + count).toBe(5);
    const open = (await aboutStudy(study)).filter(({ status }) => status !== 'completed');
    expect(open).toHaveLength(count > 0 ? 1 : 0);
  });
});
