import type { Patient, Practitioner, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureAccount } from '../../server/core/accounts/account.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { eventually } from '../harness/calls.ts';
import { taken } from '../harness/jobs.ts';
import { approvedReview, change, complete, conclusion, noneNeeded, open, read, reviewWorld, steps, type ReviewWorld } from './review-world.ts'; // prettier-ignore

let place: ReviewWorld;
beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());

const idOf = (fhirUser: string | undefined) => fhirUser!.split('/')[1]!;
const name = (fhirUser: string | undefined, names: Practitioner['name'] | undefined) =>
  writeInTransaction(place.world, systemPrincipal('test'), {
    method: 'update',
    id: idOf(fhirUser),
    resource: { resourceType: 'Practitioner', id: idOf(fhirUser), ...(names && { name: names }) },
  });

test.each([
  ['no name', undefined],
  ['an empty one', [{ text: ' ' }]],
])('nobody with %s verifies, prescribes or releases; with one everybody does', async (_how, names) => {
  const { world, people } = place;
  const review = await place.film({ patientId: `P-${Math.random()}`.slice(0, 20) });
  await change(world, people.doctor, await open(world, review, 'ai-inference'), {
    status: 'cancelled',
    statusReason: { text: 'no need' },
  });
  const acts = [
    [people.doctor, 'physician-verification', { note: [{ text: 'Fine.' }], output: [conclusion('Normal')] }],
    [people.pharmacist, 'pharmacist-review', { note: [{ text: 'None.' }], output: [noneNeeded] }],
    [people.admin, 'release-approval', {}],
  ] as const;
  for (const [person, step, said] of acts) {
    await name(person.fhirUser, names);
    const before = await open(world, review, step);
    await expect(complete(world, person, before, said as Partial<Task>)).rejects.toMatchObject({
      code: 'business-rule',
      message: expect.stringContaining('ask an administrator to enter it') as string,
    });
    expect((await open(world, review, step)).output).toBeUndefined();
    await name(person.fhirUser, [{ given: ['Nadia'], family: 'Named' }]);
    await complete(world, person, await open(world, review, step), said as Partial<Task>);
  }
});

test('a patient who wants no mail about reports gets none, and the delivery is done', async () => {
  const { world } = place;
  const review = await approvedReview(place, 'quiet@home.example');
  const patient = await read<Patient>(world, 'Patient', review.study.subject.reference!.split('/')[1]!);
  const account = await ensureAccount(world, place.server.system.passwords, {
    email: 'quiet@home.example',
    password: 'seven quiet lanterns over water',
    role: 'patient',
    displayName: 'Quiet',
    fhirUser: `Patient/${patient.id}`,
  });
  await world.transaction(({ people }) => people.change(account.id, { notifyReport: false }));
  const delivery = await open(world, review, 'report-delivery');
  await issueReport(world, taken({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } }));
  const mailing = { kind: 'send-report', key: delivery.id, data: { task: delivery.id } } as const;
  let sent = 0;
  const counting = { ...world, mailer: { send: () => Promise.resolve(void sent++) } };
  await sendReport(counting, taken(mailing));
  const done = await eventually(
    async () => (await steps(world, review.coordinationId)).find((one) => one.id === delivery.id && one.status === 'completed'),
    'the end of the delivery',
  ); // prettier-ignore
  expect(done.statusReason?.coding?.[0]?.code).toBe('not-wanted');
  expect(sent).toBe(0);
});
