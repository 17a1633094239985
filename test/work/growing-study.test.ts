import type { DiagnosticReport, ImagingStudy, Media, Observation, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everything } from '../../server/core/access/narrowing.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { completeStudy } from '../../server/core/workflow/complete-study.ts';
import { namedImages } from '../../server/core/workflow/images-of-step.ts';
import { latestUpdate } from '../../server/core/workflow/images-seen.ts';
import { outputOf, outputsOf } from '../../server/core/workflow/review-tasks.ts';
import { codeOf, systems } from '../../server/core/vocabulary/systems.ts';
import { statusOf, stepOf } from '../../server/core/vocabulary/review-codes.ts';
import { analyze } from '../../server/work/analyze.ts';
import { completeOverdue, completeStudyJob } from '../../server/work/complete-study.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { newUid, type ImageOptions } from '../harness/dicom-file.ts';
import { taken } from '../harness/jobs.ts';
import {
  change,
  complete,
  conclusion,
  noneNeeded,
  open,
  read,
  reviewWorld,
  steps,
  type Opened,
  type ReviewWorld,
} from './review-world.ts';

// A study that grows, with the analysis on arrival: jobs are run here, and time passes by moving what is due.
let place: ReviewWorld;
beforeAll(async () => {
  place = await reviewWorld({ ANALYZE_ON_ARRIVAL: 'true', STUDY_QUIET_SECONDS: '60', AI_MOST_IMAGES: '3' });
});
afterAll(() => place.stop());

let patients = 0;
interface Growing extends Opened {
  uid: string;
  more(options?: ImageOptions): Promise<void>;
}

/** A study of one image, to which more can come. */
async function growing(options: ImageOptions = {}): Promise<Growing> {
  const [uid, patientId] = [newUid(), `GROW-${++patients}`];
  const image = (more: ImageOptions = {}) =>
    place.image({ study: uid, patientId, modality: 'DX', rows: 64, columns: 64, bits: 8, ...more });
  const opened = await image(options);
  return { ...opened, uid, more: (more) => image(more).then(() => undefined) };
}

const sql = <Row>(text: string, values: unknown[] = []) => place.server.system.sql.query<Row>(text, values);
const pause = ({ uid }: Growing) => sql(`update study set due_at = now() - interval '1 second' where study_uid = $1`, [uid]); // prettier-ignore
const look = ({ study }: Growing) =>
  completeStudyJob(place.world, taken({ kind: 'complete-study', key: study.id, data: { imagingStudy: study.id } }));
/** The quiet time passes. */
async function quiet(review: Growing): Promise<void> {
  await pause(review);
  await look(review);
}
const t0 = ({ coordinationId }: Opened) => read<Task>(place.world, 'Task', coordinationId);
const status = async (review: Opened) => statusOf((await t0(review)).businessStatus);
const waiting = async (kind: string, key: string) =>
  (await sql(`select from job.job where name = $1 and singleton_key = $2 and state <= 'active'`, [kind, key])).length;
const run = async (review: Opened) => {
  const step = await open(place.world, review, 'ai-inference');
  await analyze(place.world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
  return read<Task>(place.world, 'Task', step.id);
};
const reportOf = async (review: Opened) =>
  read<DiagnosticReport>(
    place.world,
    'DiagnosticReport',
    outputOf(await t0(review), 'report')!.reference.split('/')[1]!,
  );
const shape = async (review: Opened) =>
  (await steps(place.world, review.coordinationId)).map(({ code, status }) => `${stepOf(code)} ${status}`);
const versionsOf = async (task: { id: string }) =>
  (await place.world.read(({ records }) => records.history({ type: 'Task', id: task.id }, { count: 500 }, () => everything))).entries.length; // prettier-ignore

const reading = (task?: Task): Partial<Task> => {
  const update = task && latestUpdate(task);
  const seen = update && {
    type: { coding: [{ system: systems.reviewData, code: 'images-seen' }] },
    valueReference: update,
  };
  return { note: [{ text: 'Clear.' }], output: [conclusion('Normal'), ...(seen ? [seen] : [])] };
};
async function readByDoctor(review: Opened): Promise<void> {
  const step = await open(place.world, review, 'physician-verification');
  await complete(place.world, place.people.doctor, step, reading(step));
}
async function prescribed(review: Opened): Promise<void> {
  const step = await open(place.world, review, 'pharmacist-review');
  await complete(place.world, place.people.pharmacist, step, { note: [{ text: 'None.' }], output: [noneNeeded] });
}
async function analysed(options: ImageOptions = {}): Promise<Growing> {
  const review = await growing(options);
  await quiet(review);
  await run(review);
  return review;
}

describe('when a study is complete', () => {
  test('the analysis begins after the quiet time, which every image pushes out, and reads all images', async () => {
    const review = await growing();
    expect((await open(place.world, review, 'ai-inference')).status).toBe('requested');
    const job = (await sql<{ singleton_key: string; wait: number }>(
      `select singleton_key, extract(epoch from start_after - created_on)::int as wait from job.job
        where name = 'complete-study' and data->'data'->>'imagingStudy' = $1`, [review.study.id])); // prettier-ignore
    expect(job).toHaveLength(1);
    expect(job[0]!.wait).toBeGreaterThanOrEqual(59);

    await pause(review);
    await review.more();
    await look(review); // the first job's time: another image came meanwhile
    expect((await open(place.world, review, 'ai-inference')).status).toBe('requested');
    const left = await sql(`select from job.job where name = 'complete-study' and data->'data'->>'imagingStudy' = $1`, [review.study.id]); // prettier-ignore
    expect(left).toHaveLength(2); // it is looked at again

    await quiet(review);
    const step = await open(place.world, review, 'ai-inference');
    expect(step.status).toBe('accepted');
    expect(await waiting('analyze', step.id)).toBe(1);
    const done = await run(review);
    expect(namedImages(done)).toHaveLength(2);
    expect(outputsOf(await t0(review), 'ai-finding')).toHaveLength(2);
    expect((await reportOf(review)).media).toHaveLength(2);
    expect((await reportOf(review)).result).toHaveLength(2);
    const inputs = (await open(place.world, review, 'physician-verification')).input!;
    expect(inputs.filter(({ type }) => codeOf(type, systems.reviewData) === 'ai-finding')).toHaveLength(2);
    const rows = await sql(`select from analysis where task = $1 or task like $1 || '/%'`, [step.id]);
    expect(rows).toHaveLength(2);
  });

  test('a lost job is made up for', async () => {
    const review = await growing();
    await sql(`delete from job.job where name = 'complete-study'`);
    await sql(`update study set due_at = now() - interval '1 hour' where study_uid = $1`, [review.uid]);
    expect(await completeOverdue(place.world)).toBe(1);
    expect((await open(place.world, review, 'ai-inference')).status).toBe('accepted');
  });

  test('its sender, a doctor or an administrator says so; nobody else may', async () => {
    const { people, world } = place;
    const review = await growing();
    for (const nobody of [people.patient, people.pharmacist])
      await expect(completeStudy(world, nobody, review.study.id)).rejects.toMatchObject({ code: 'forbidden' });
    const narrow = {
      ...people.doctor,
      scopes: [{ context: 'user' as const, type: 'ImagingStudy', permissions: 'rs' }],
    };
    await expect(completeStudy(world, narrow, review.study.id)).rejects.toMatchObject({ code: 'forbidden' });
    await completeStudy(world, people.admin, review.study.id);
    expect((await open(world, review, 'ai-inference')).status).toBe('accepted');
    await completeStudy(world, people.doctor, review.study.id); // again: nothing follows
    await expect(completeStudy(world, people.doctor, 'none')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('at once when all is there that the registered ImagingStudy announced', async () => {
    const uid = newUid();
    const patientId = `GROW-${++patients}`;
    const { record: patient } = await writeInTransaction(place.world, systemPrincipal('test'), {
      method: 'create',
      resource: { resourceType: 'Patient', identifier: [{ system: `${place.server.url}/sid/patient-id`, value: patientId }] }, // prettier-ignore
    });
    const registered: ImagingStudy = {
      resourceType: 'ImagingStudy',
      status: 'registered',
      identifier: [{ system: systems.studyUid, value: `urn:oid:${uid}` }],
      subject: { reference: `Patient/${patient.id}` },
      numberOfInstances: 2,
    };
    await writeInTransaction(place.world, systemPrincipal('test'), { method: 'create', resource: registered });
    const image = () =>
      place.image({ study: uid, without: ['00100020'], modality: 'DX', rows: 64, columns: 64, bits: 8 });
    const opened = await image();
    const review: Growing = { ...opened, uid, more: () => image().then(() => undefined) };
    await look(review);
    expect((await open(place.world, review, 'ai-inference')).status).toBe('requested');
    await review.more();
    await look(review);
    expect((await open(place.world, review, 'ai-inference')).status).toBe('accepted');
  });

  test('more images than the limit: the first are read, and the step says how many were left out', async () => {
    const review = await growing();
    for (let i = 0; i < 4; i++) await review.more();
    await review.more({ with: [['00185101', 'CS', 'LL']] });
    await quiet(review);
    const done = await run(review);
    expect(outputsOf(await t0(review), 'ai-finding')).toHaveLength(3);
    expect(done.note!.map(({ text }) => text).join(' ')).toMatch(/Reads 3 of 5 .*2 are left out.*1 image is none/);
  });

  test('an image that cannot be decoded does not lose the others', async () => {
    const review = await growing();
    await review.more({ with: [['00280004', 'CS', 'HSV']] });
    await quiet(review);
    const done = await run(review);
    expect(done.status).toBe('completed');
    expect(done.note!.at(-1)!.text).toMatch(/could not be read/);
    expect(outputsOf(await t0(review), 'ai-finding')).toHaveLength(1);
  });
});

describe('late images', () => {
  test('while the analysis runs: a further one reads them alone', async () => {
    const review = await growing();
    await quiet(review);
    const step = await open(place.world, review, 'ai-inference');
    const under = analyze(place.world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
    const begun = async () => (await read<Task>(place.world, 'Task', step.id)).status;
    while ((await begun()) === 'accepted') await new Promise((next) => setTimeout(next, 5));
    await review.more();
    await under;
    expect(outputsOf(await t0(review), 'ai-finding')).toHaveLength(1);
    await quiet(review);
    const further = await run(review);
    expect(further.id).not.toBe(step.id);
    expect(namedImages(further)).toHaveLength(1);
    expect(outputsOf(await t0(review), 'ai-finding')).toHaveLength(2);
    expect(await status(review)).toBe('AI_ANALYZED');
    await readByDoctor(review);
  });

  test('before the reading: shown as new, analysed after the quiet time, and signed only as seen', async () => {
    const review = await analysed();
    await review.more();
    const told = await open(place.world, review, 'physician-verification');
    expect(latestUpdate(told)!.reference).toBe(`ImagingStudy/${review.study.id}/_history/2`);
    await quiet(review);
    expect(await run(review)).toMatchObject({ status: 'completed' });
    const step = await open(place.world, review, 'physician-verification');
    expect(outputsOf(await t0(review), 'ai-finding')).toHaveLength(2);
    const refused = complete(place.world, place.people.doctor, step, reading());
    await expect(refused).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/^1 new image .*images-seen.*_history\/2/) as string }); // prettier-ignore
    await readByDoctor(review);
    expect(await status(review)).toBe('DOCTOR_VERIFIED');
    expect((await reportOf(review)).result).toHaveLength(3 + (outputOf(await t0(review), 'concordance') ? 1 : 0));
  });

  test('during the reading: the doctor is told, and cannot sign without having seen them, nor while more come', async () => {
    const review = await analysed();
    const step = await open(place.world, review, 'physician-verification');
    await change(place.world, place.people.doctor, step, { status: 'in-progress' });
    await review.more();
    const sign = async (changes: Partial<Task>) =>
      change(place.world, place.people.doctor, step, { ...changes, status: 'completed' });
    await expect(sign(reading())).rejects.toMatchObject({ code: 'conflict' });
    const told = await open(place.world, review, 'physician-verification');
    expect(told.status).toBe('in-progress');
    await review.more(); // nobody was told of this one yet
    await expect(sign(reading(told))).rejects.toThrow(/1 new image a moment ago/);
    await quiet(review);
    const again = await open(place.world, review, 'physician-verification');
    expect(latestUpdate(again)).not.toEqual(latestUpdate(told));
    await expect(sign(reading(told))).rejects.toThrow(/2 new images/);
    await sign(reading(again));
    expect(await status(review)).toBe('DOCTOR_VERIFIED');
    // The analysis of the late images is not waited for.
    expect(await shape(review)).toContain('ai-inference cancelled');
  });

  test.each([
    ['the reading', async () => {}, 'pharmacist-review'],
    ['the pharmacist', prescribed, 'release-approval'],
    ['the approval, while the report is printed', async (review: Opened) => {
      await prescribed(review);
      await complete(place.world, place.people.admin, await open(place.world, review, 'release-approval'));
    }, 'report-delivery'],
  ] as const)('after %s: the review returns to the doctor', async (_when, act, cancelled) => {
    const review = await analysed();
    await readByDoctor(review);
    await act(review);
    const delivery = (await steps(place.world, review.coordinationId)).find(({ code }) => stepOf(code) === 'report-delivery'); // prettier-ignore
    await review.more();
    expect(await status(review)).toBe('RETURNED');
    expect(await shape(review)).toContain(`${cancelled} cancelled`);
    const step = await open(place.world, review, 'physician-verification');
    expect(step.statusReason).toMatchObject({ coding: [{ code: 'new-images' }], text: '1 new image since your reading' });
    expect(step.input!.map(({ type }) => codeOf(type, systems.reviewData))).toEqual(
      expect.arrayContaining(['returned-from', 'ai-finding', 'image-update']),
    );
    if (delivery) {
      await issueReport(place.world, taken({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } }));
      expect((await reportOf(review)).status).toBe('preliminary');
    }
    await readByDoctor(review);
    expect(await status(review)).toBe('DOCTOR_VERIFIED');
  }); // prettier-ignore

  test('after the release: an addendum is owed, one for all', async () => {
    const review = await analysed();
    await readByDoctor(review);
    await prescribed(review);
    await complete(place.world, place.people.admin, await open(place.world, review, 'release-approval'));
    const delivery = await open(place.world, review, 'report-delivery');
    await issueReport(place.world, taken({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } }));
    for (let i = 0; i < 3; i++) await review.more();
    await quiet(review);
    const owed = (await shape(review)).filter((one) => one === 'report-amendment requested');
    expect(owed).toHaveLength(1);
    const step = await open(place.world, review, 'report-amendment');
    expect(step.reasonCode).toMatchObject({ coding: [{ code: 'new-images' }] });
    expect(latestUpdate(step)!.reference).toBe(`ImagingStudy/${review.study.id}/_history/4`);
    expect(await status(review)).toBe('REPORT_READY');
    expect((await reportOf(review)).status).toBe('final');
  });

  test('objects that are no images, and duplicates, send nothing back', async () => {
    const instance = newUid();
    const review = await analysed({ instance, series: `${instance}.1`, pixels: new Uint8Array(64 * 64) });
    await readByDoctor(review);
    const before = await shape(review);
    for (const sopClass of ['1.2.840.10008.5.1.4.1.1.88.11', '1.2.840.10008.5.1.4.1.1.88.59', '1.2.840.10008.5.1.4.1.1.11.1', '1.2.840.10008.5.1.4.1.1.104.1']) // prettier-ignore
      await review.more({ with: [['00080016', 'UI', sopClass], ['00080060', 'CS', 'SR']], without: ['7FE00010', '00280010', '00280011'] }); // prettier-ignore
    await expect(review.more({ instance, series: `${instance}.1`, pixels: new Uint8Array(64 * 64) })).rejects.toThrow('known'); // prettier-ignore
    await quiet(review);
    expect(await shape(review)).toEqual(before);
    expect(await status(review)).toBe('DOCTOR_VERIFIED');
  });

  test('forty requests at once after the reading: one return, and few versions of its step', async () => {
    const review = await analysed();
    await readByDoctor(review);
    await Promise.all(Array.from({ length: 40 }, () => review.more()));
    await quiet(review);
    const returned = (await shape(review)).filter((one) => one.startsWith('physician-verification requested'));
    expect(returned).toHaveLength(1);
    const step = await open(place.world, review, 'physician-verification');
    expect(await versionsOf(step)).toBeLessThanOrEqual(3);
    expect(await versionsOf({ id: review.coordinationId })).toBeLessThanOrEqual(12);
    await expect(complete(place.world, place.people.doctor, step, reading())).rejects.toThrow(/40 new images/);
  });
});

test('images that are taken away: what the AI said of them was said in error, and the reading returns', async () => {
  const review = await growing();
  await review.more();
  await quiet(review);
  await run(review);
  await readByDoctor(review);
  const finding = outputOf(await t0(review), 'ai-finding')!;
  const leading = await read<Observation>(place.world, 'Observation', finding.reference.split('/')[1]!);
  const uid = leading.extension![0]!.valueString!;
  await place.world.transaction(async (stores) => {
    const { settleStudy } = await import('../../server/core/studies/settle-study.ts');
    const row = (await stores.studies.lockStudy(review.uid))!;
    const context = { world: place.world, stores, principal: systemPrincipal('test') };
    await settleStudy(context, review.uid, row, { removed: [uid] });
  });
  expect(await read<Observation>(place.world, 'Observation', leading.id)).toMatchObject({ status: 'entered-in-error' });
  expect(outputsOf(await t0(review), 'ai-finding')).toHaveLength(1);
  const report = await reportOf(review);
  expect(report.media).toHaveLength(1);
  expect(report.result!.map(({ reference }) => reference)).not.toContain(finding.reference);
  const picture = leading
    .derivedFrom!.find(({ reference }) => reference!.startsWith('Media/'))!
    .reference!.split('/')[1]!;
  expect(await read<Media>(place.world, 'Media', picture)).toMatchObject({ status: 'entered-in-error' });
  expect(await status(review)).toBe('RETURNED');
  const step = await open(place.world, review, 'physician-verification');
  expect(step.statusReason).toMatchObject({ coding: [{ code: 'images-removed' }], text: '1 image removed since your reading' }); // prettier-ignore
});

describe('an image in the same moment', () => {
  test.each(['verify', 'approve', 'print'] as const)('as %s: it is told, whoever comes first', async (act) => {
    for (let round = 0; round < 4; round++) {
      const review = await analysed();
      const step = await open(place.world, review, 'physician-verification');
      const acting = async () => {
        if (act === 'verify') return complete(place.world, place.people.doctor, step, reading());
        await readByDoctor(review);
        await prescribed(review);
        const approval = await open(place.world, review, 'release-approval');
        if (act === 'approve') return change(place.world, place.people.admin, approval, { status: 'in-progress' });
        return complete(place.world, place.people.admin, approval);
      };
      if (act === 'verify') {
        await Promise.allSettled([acting(), review.more()]);
      } else {
        await acting();
        const last = await open(place.world, review, act === 'print' ? 'report-delivery' : 'release-approval');
        const end = () =>
          act === 'print'
            ? issueReport(place.world, taken({ kind: 'issue-report', key: last.id, data: { task: last.id } }, { final: true }))
            : change(place.world, place.people.admin, last, { status: 'completed' });
        await Promise.allSettled([end(), review.more()]);
      }
      const told = (await steps(place.world, review.coordinationId)).some(
        (one) => latestUpdate(one) !== undefined && !['completed', 'cancelled'].includes(one.status),
      );
      expect(told).toBe(true);
      expect(['AI_ANALYZED', 'RETURNED', 'REPORT_READY']).toContain(await status(review));
    }
  }, 120_000); // prettier-ignore
});
