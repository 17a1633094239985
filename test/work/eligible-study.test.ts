import type { ImagingStudy, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { statusOf, stepOf } from '../../server/core/vocabulary/review-codes.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import { analyze } from '../../server/work/analyze.ts';
import { newUid, type ImageOptions } from '../harness/dicom-file.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { imageFile } from '../harness/dicom-file.ts';
import { taken } from '../harness/jobs.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { change, open, read, reviewWorld, steps, type Opened, type ReviewWorld } from './review-world.ts';
import { completeStudyJob } from '../../server/work/complete-study.ts';

const film: ImageOptions = { modality: 'DX', rows: 64, columns: 64, bits: 8 };
const lateral: ImageOptions = { ...film, with: [['00540220', 'SQ', [[['00080100', 'SH', '399173006'], ['00080102', 'SH', 'SCT'], ['00080104', 'LO', 'left lateral']]]]] }; // prettier-ignore

describe.each(['true', 'false'])('with ANALYZE_ON_ARRIVAL=%s', (automatic) => {
  let place: ReviewWorld;
  beforeAll(async () => {
    place = await reviewWorld({ ANALYZE_ON_ARRIVAL: automatic });
  });
  afterAll(() => place.stop());
  const shape = async (review: Opened) =>
    (await steps(place.world, review.coordinationId)).map(({ code, status }) => `${stepOf(code)} ${status}`);
  const status = async (review: Opened) =>
    statusOf((await read<Task>(place.world, 'Task', review.coordinationId)).businessStatus);
  const quiet = async (review: Opened) => {
    await place.server.system.sql.query(`update study set due_at = now() - interval '1 second' where imaging_study_id = $1`, [review.study.id]); // prettier-ignore
    const data = { imagingStudy: review.study.id };
    await completeStudyJob(place.world, taken({ kind: 'complete-study', key: review.study.id, data }));
  };

  test.each<[string, ImageOptions, string | undefined]>([
    ['a lateral view by its code', lateral, 'unsupported-view'],
    ['a lateral view by its orientation', { ...film, with: [['00200020', 'CS', 'A\\F']] }, 'unsupported-view'],
    ['a CT of the spine', { with: [['00180015', 'CS', 'LSPINE']] }, 'unsupported-modality'],
    ['a report without images', { modality: 'SR', with: [['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.88.11']], without: ['7FE00010', '00280010', '00280011'] }, undefined],
  ])('%s waits for the doctor with the coded reason, and the AI cannot be started', async (_name, options, refusal) => {
    const review = await place.image({ ...options, patientId: `E-${newUid()}` });
    if (automatic === 'true') {
      const first = await open(place.world, review, 'ai-inference');
      await expect(change(place.world, place.people.doctor, first, { status: 'accepted' })).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/not for this study/) as string });
      await quiet(review);
    }
    expect(await status(review)).toBe('AI_SKIPPED');
    expect(await shape(review)).toEqual(['ai-inference cancelled', 'physician-verification requested']);
    const [step] = await steps(place.world, review.coordinationId);
    expect(step!.statusReason!.coding!.map(({ system, code }) => [system, code])).toEqual([
      [systems.reviewReason, 'not-eligible'],
      ...(refusal ? [[systems.scanFinding, refusal]] : []),
    ]);
    await expect(change(place.world, place.people.doctor, step!, { status: 'accepted' })).rejects.toMatchObject({ code: 'conflict' });
  }); // prettier-ignore

  test('a later image that the AI is for opens the step for it alone', async () => {
    const [study, patientId] = [newUid(), `E-${newUid()}`];
    const review = await place.image({ ...lateral, study, patientId });
    await quiet(review);
    await place.image({ ...film, study, patientId });
    expect(await shape(review)).toEqual(['ai-inference cancelled', 'physician-verification requested']);
    await quiet(review);
    const step = await open(place.world, review, 'ai-inference');
    expect(step.status).toBe(automatic === 'true' ? 'accepted' : 'requested');
    if (automatic === 'false') await change(place.world, place.people.doctor, step, { status: 'accepted' });
    await analyze(place.world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
    expect(await status(review)).toBe('AI_ANALYZED');
    expect(outputOf(await read<Task>(place.world, 'Task', review.coordinationId), 'ai-finding')).toBeDefined();
    expect(await shape(review)).toEqual(
      expect.arrayContaining(['physician-verification requested', 'ai-inference completed']),
    );
  });

  test('an analysis of late images can be gone on without, and asks for no new image', async () => {
    const [study, patientId] = [newUid(), `E-${newUid()}`];
    const review = await place.image({ ...lateral, study, patientId });
    await place.image({ ...film, study, patientId });
    await quiet(review);
    if (automatic === 'true') return; // the first analysis reads it: nothing is late before the study is complete
    const step = await open(place.world, review, 'ai-inference');
    const reason = { statusReason: { text: 'no need' } };
    await expect(change(place.world, place.people.doctor, step, { status: 'rejected', ...reason })).rejects.toMatchObject({ code: 'conflict' }); // prettier-ignore
    await change(place.world, place.people.doctor, step, { status: 'cancelled', ...reason });
    expect(await status(review)).toBe('AI_SKIPPED');
    await quiet(review);
    expect(await shape(review)).toEqual([
      'ai-inference cancelled',
      'physician-verification requested',
      'ai-inference cancelled',
    ]);
  });
});

describe('over HTTP, with workers', () => {
  let server: TestServer;
  let pacs: Caller;
  let doctor: Caller;
  beforeAll(async () => {
    server = await startTestServer({ environment: { ANALYZE_ON_ARRIVAL: 'true', STUDY_QUIET_SECONDS: '600' } });
    pacs = caller(server, await server.backend());
    doctor = caller(server, (await server.signIn('doctor')).access_token);
  });
  afterAll(() => server.stop());

  test('a PACS sends a study in pieces and says that it is complete: the AI reads all of it, and nothing before', async () => {
    const study = newUid();
    for (const number of [1, 2])
      expect((await pacs.store([imageFile({ ...film, study, number, patientId: 'WIRE-1' })])).status).toBe(200);
    const [imaging] = await doctor.search<ImagingStudy>(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${study}`);
    const tasks = () => doctor.search<Task>(`Task?focus=ImagingStudy/${imaging!.id}`);
    expect((await tasks()).map(({ status }) => status)).toEqual(['requested']);
    const say = async (token: string) =>
      fetch(`${server.fhir}/ImagingStudy/${imaging!.id}/$complete`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/fhir+json' },
        body: JSON.stringify({ resourceType: 'Parameters' }),
      });
    expect((await say((await server.signIn('pharmacist')).access_token)).status).toBe(403);
    expect((await say(await server.backend('system/ImagingStudy.rs'))).status).toBe(403);
    const said = await say(await server.backend('system/ImagingStudy.u'));
    expect(said.status).toBe(200);
    expect(await said.json()).toMatchObject({ resourceType: 'ImagingStudy', numberOfInstances: 2 });
    const ended = async () => {
      for (let i = 0; i < 300; i++) {
        const done = (await tasks()).find(({ status }) => status === 'completed');
        if (done) return done;
        await new Promise((next) => setTimeout(next, 100));
      }
      throw new Error('not analysed');
    };
    expect((await ended()).output).toHaveLength(2);
  });
});
