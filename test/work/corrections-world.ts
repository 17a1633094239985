/** What tests of corrections do again and again, in a world of reviews. */
import type { DiagnosticReport, Observation, Task } from '@medplum/fhirtypes';
import type { Principal } from '../../server/core/principal.ts';
import { inOneTransaction } from '../../server/core/records/write.ts';
import { statusOf, type ReviewData } from '../../server/core/vocabulary/review-codes.ts';
import { requestAmendment, type AmendmentKind } from '../../server/core/workflow/amendment.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import { analyze } from '../../server/work/analyze.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { taken } from '../harness/jobs.ts';
import { change, complete, conclusion, disagreement, noneNeeded, open, read, steps, type Opened, type ReviewWorld } from './review-world.ts'; // prettier-ignore

export const note = (text: string) => ({ note: [{ text }] });

export const agreeing = { ...note('Normal film.'), output: [conclusion('Normal')] };
export const differing = {
  ...note('Right lower lobe pneumonia.'),
  output: [conclusion('Lung_Opacity'), disagreement('The opacity lies behind the heart.')],
};

/** @param of the world, when it is there. */
export function corrections(of: () => ReviewWorld) {
  const t0 = (review: Opened) => read<Task>(of().world, 'Task', review.coordinationId);
  const status = async (review: Opened) => statusOf((await t0(review)).businessStatus);
  const at = (review: Opened) => ({ reference: `Task/${review.coordinationId}` });
  const as = <T>(principal: Principal, work: Parameters<typeof inOneTransaction<T>>[2]) =>
    inOneTransaction(of().world, { principal }, work);

  async function named<T extends object>(review: Opened, type: ReviewData): Promise<T & { id: string }> {
    const reference = outputOf(await t0(review), type)!.reference;
    const [kind, id] = reference.split('/') as ['Observation', string];
    return (await read<Observation>(of().world, kind, id)) as unknown as T & { id: string };
  }

  const report = (review: Opened) => named<DiagnosticReport>(review, 'report');

  function request(
    review: Opened,
    kind: AmendmentKind,
    reason: string,
    by = of().people.doctor,
  ): Promise<Task & { id: string }> {
    return as(by, (context) => requestAmendment(context, at(review), { kind, reason: { text: reason } }));
  }

  const issue = (step: Task & { id: string }) =>
    issueReport(of().world, taken({ kind: 'issue-report', key: step.id, data: { task: step.id } }));
  const mail = (step: Task & { id: string }) =>
    sendReport(of().world, taken({ kind: 'send-report', key: step.id, data: { task: step.id } }));

  /** The delivery that waits for its PDF. */
  async function waiting(review: Opened): Promise<Task & { id: string }> {
    const all = await steps(of().world, review.coordinationId);
    return all.find(({ code, status: now }) => code?.coding?.[0]?.code === 'report-delivery' && now === 'requested')!;
  }

  async function release(review: Opened, outputs: Task['output'] = []): Promise<Task & { id: string }> {
    const approval = await open(of().world, review, 'release-approval');
    await complete(of().world, of().people.admin, approval, outputs.length > 0 ? { output: outputs } : {});
    const delivery = await waiting(review);
    await issue(delivery);
    return delivery;
  }

  async function verified(words: Partial<Task>): Promise<Opened> {
    const review = await of().film({ patientId: `P-${Math.random()}`.slice(0, 20) });
    const step = await open(of().world, review, 'ai-inference');
    await change(of().world, of().people.doctor, step, { status: 'accepted' });
    await analyze(of().world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
    await complete(of().world, of().people.doctor, await open(of().world, review, 'physician-verification'), words);
    return review;
  }

  async function prescribed(words: Partial<Task>): Promise<Opened> {
    const review = await verified(words);
    const step = await open(of().world, review, 'pharmacist-review');
    await complete(of().world, of().people.pharmacist, step, { ...note('None.'), output: [noneNeeded] });
    return review;
  }
  return { t0, status, at, as, named, report, request, issue, mail, waiting, release, verified, prescribed };
}
