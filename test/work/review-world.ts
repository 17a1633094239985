/** A composed server without job workers, so that tests decide when a job runs and how it ends. */
import { taken } from '../harness/jobs.ts';
import type { ImagingStudy, Patient, Resource, ResourceType, Task } from '@medplum/fhirtypes';
import { everything } from '../../server/core/access/narrowing.ts';
import type { World } from '../../server/core/world.ts';
import { systemPrincipal, type Principal, type Role } from '../../server/core/principal.ts';
import { receiveInstance, storeInstances } from '../../server/core/studies/store-instance.ts';
import { writeInTransaction, type WriteOutcome } from '../../server/core/records/write.ts';
import { reviewIdOf } from '../../server/core/workflow/review-of-study.ts';
import { stepOf, type ReviewStep } from '../../server/core/vocabulary/review-codes.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { isEnded } from '../../server/core/workflow/task-moves.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { imageFile, newUid, type ImageOptions } from '../harness/dicom-file.ts';
import { ownRecords } from '../harness/own-records.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

export interface ReviewWorld {
  world: World;
  server: TestServer;
  people: Record<Role, Principal>;
  /** Stores a study and gives its review. */
  film(options?: { patientId?: string; patientName?: string }): Promise<Opened>;
  image(options: ImageOptions): Promise<Opened>;
  /** @throws Error when a version that was stored meanwhile does not fit its profile (fhir-profiles/). */
  stop(): Promise<void>;
}

export interface Opened {
  study: ImagingStudy & { id: string };
  coordinationId: string;
}

export async function reviewWorld(environment: Record<string, string> = {}): Promise<ReviewWorld> {
  const server = await startTestServer({ workers: false, environment });
  const { world } = server.system;
  const store = async (bytes: Uint8Array): Promise<Opened> => {
    const arriving = await receiveInstance(world, once(bytes));
    const { instances } = await storeInstances(world, systemPrincipal('test'), [arriving]);
    if (instances[0]!.status !== 'stored') throw new Error(JSON.stringify(instances));
    const study = await studyOf(world, instances[0]!.name!.StudyInstanceUID);
    return { study, coordinationId: reviewIdOf(study.id) };
  };
  return {
    world,
    server,
    people: await peopleOf(world),
    film: async ({ patientId = 'DEMO-1001', patientName = 'Rao^Arjun' } = {}) =>
      store(
        await chestFilm('film-1.jpg', {
          patientId, patientName, birthDate: '19850412', sex: 'M', studyUID: newUid(), accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
        }), // prettier-ignore
      ),
    image: (options) => store(imageFile(options)),
    async stop() {
      const { unfit } = await ownRecords(world);
      await server.stop();
      if (unfit.length > 0) throw new Error(`These do not fit their profiles:\n${unfit.join('\n')}`);
    },
  };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function studyOf(world: World, uid: string): Promise<ImagingStudy & { id: string }> {
  const row = await world.read(({ studies }) => studies.study(uid));
  return read(world, 'ImagingStudy', row!.imagingStudyId);
}

async function peopleOf(world: World): Promise<Record<Role, Principal>> {
  const person = async (role: Role): Promise<[Role, Principal]> => {
    const account = (await world.read(({ accounts }) => accounts.byEmail(`${role}@demo.csss.example`)))!;
    const scopes = [{ context: 'user' as const, type: '*', permissions: 'cruds' }];
    return [
      role,
      { kind: 'user', subject: account.id, clientId: 'test-app', role, fhirUser: account.fhirUser, scopes },
    ];
  };
  const all = await Promise.all((['patient', 'doctor', 'pharmacist', 'admin'] as const).map(person));
  return Object.fromEntries(all) as Record<Role, Principal>;
}

export async function read<T extends Resource>(
  world: World,
  type: ResourceType,
  id: string,
): Promise<T & { id: string }> {
  return (await world.read(({ records }) => records.read(type, id, everything)))!.resource as T & { id: string };
}

/** All steps of a review, oldest first. */
export async function steps(world: World, coordinationId: string): Promise<(Task & { id: string })[]> {
  const { matches } = await world.read(({ records }) =>
    records.search(
      {
      type: 'Task',
      conditions: [{ parameter: 'part-of', values: [`Task/${coordinationId}`] }],
      include: [], revinclude: [], sort: [{ parameter: 'authored-on', descending: false }], count: 50, total: 'none',
    }, // prettier-ignore
      () => everything,
    ),
  );
  return matches.map(({ resource }) => resource as Task & { id: string });
}

/** The step of that code that is not ended. */
export async function open(world: World, { coordinationId }: Opened, code: ReviewStep): Promise<Task & { id: string }> {
  const found = (await steps(world, coordinationId)).find(
    (task) => stepOf(task.code) === code && !isEnded(task.status),
  );
  if (!found) throw new Error(`no open ${code}`);
  return found;
}

/** A PUT of the step with changes, as that person. */
export async function change(
  world: World,
  principal: Principal,
  task: Task,
  changes: Partial<Task>,
): Promise<WriteOutcome> {
  const standing = await read<Task>(world, 'Task', task.id!);
  return writeInTransaction(world, principal, {
    method: 'update',
    id: task.id!,
    resource: { ...standing, ...changes },
  });
}

/** Claims a step and completes it. */
export async function complete(
  world: World,
  principal: Principal,
  task: Task,
  changes: Partial<Task> = {},
): Promise<WriteOutcome> {
  await change(world, principal, task, { status: 'in-progress' });
  return change(world, principal, task, { ...changes, status: 'completed' });
}

export const conclusion = (code: string) => ({
  type: { coding: [{ system: systems.reviewData, code: 'conclusion' }] },
  valueCodeableConcept: { coding: [{ system: systems.scanFinding, code }] },
});

export const disagreement = (valueString: string) => ({
  type: { coding: [{ system: systems.reviewData, code: 'disagreement' }] },
  valueString,
});

export const discordanceConfirmed = {
  type: { coding: [{ system: systems.reviewData, code: 'discordance-confirmed' }] },
  valueBoolean: true,
};

export const noneNeeded = {
  type: { coding: [{ system: systems.reviewData, code: 'medication' }] },
  valueCodeableConcept: { coding: [{ system: systems.reviewData, code: 'none-needed' }] },
};

/** A review that waits for its report, of a patient with that address. */
export async function approvedReview(place: ReviewWorld, email: string | undefined): Promise<Opened> {
  const review = await reviewForRelease(place, email);
  await complete(place.world, place.people.admin, await open(place.world, review, 'release-approval'));
  return review;
}

/** A review that waits for its approval, of a patient with that address. */
export async function reviewForRelease(
  place: ReviewWorld,
  email: string | undefined,
  words = 'Fine.',
): Promise<Opened> {
  const { world, people } = place;
  const review = await place.film({ patientId: `P-${Math.random()}`.slice(0, 20) });
  const patient = await read<Patient>(world, 'Patient', review.study.subject.reference!.split('/')[1]!);
  const { telecom: _old, ...rest } = patient;
  const resource: Patient = { ...rest, ...(email !== undefined && { telecom: [{ system: 'email', value: email }] }) };
  await writeInTransaction(world, systemPrincipal('test'), { method: 'update', id: patient.id, resource });
  await change(world, people.doctor, await open(world, review, 'ai-inference'), {
    status: 'cancelled',
    statusReason: { text: 'no need' },
  });
  await complete(world, people.doctor, await open(world, review, 'physician-verification'), {
    note: [{ text: words }],
    output: [conclusion('Normal')],
  });
  await complete(world, people.pharmacist, await open(world, review, 'pharmacist-review'), {
    note: [{ text: 'None.' }],
    output: [noneNeeded],
  });
  return review;
}

/** One whose report is there and waits for the mail. */
export async function releasedReview(
  place: ReviewWorld,
  email: string | undefined,
): Promise<{ review: Opened; delivery: Task & { id: string } }> {
  const review = await approvedReview(place, email);
  const delivery = await open(place.world, review, 'report-delivery');
  await issueReport(place.world, taken({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } }));
  return { review, delivery };
}
