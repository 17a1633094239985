import type { OperationOutcome, Patient, Task } from '@medplum/fhirtypes';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { carryOnMerges } from '../../server/core/workflow/patients/carry-on-merges.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import type { World } from '../../server/core/world.ts';
import { analyze } from '../../server/work/analyze.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { newUid } from '../harness/dicom-file.ts';
import { taken } from '../harness/jobs.ts';
import { mergeWorld } from './merge-world.ts';
import { approvedReview, change, open, read } from './review-world.ts';

// What goes on at the moment of a merge: images that arrive, other merges, jobs, writes of apps that did not know.

const { place, who, person, store, post, observation, merge, ids, retire } = await mergeWorld();
afterAll(() => place.stop());

const ways = [
  ['$merge', (source: string, target: string) => merge(who.admin, source, target)],
  ['a plain update', (source: string, target: string) => retire(who.admin, source, target)],
] as const;

test('images that arrive while the merge is made are the survivor’s, all of them', async () => {
  for (let round = 0; round < 3; round++) {
    const [source, target] = [await person(), await person()];
    const { study } = await store(source);
    const arriving = Array.from({ length: 12 }, (_, at) => store(at % 3 === 2 ? target : source, at % 2 === 0 ? study : newUid())); // prettier-ignore
    const [answer, ...stored] = await Promise.all([merge(who.admin, source.id, target.id), ...arriving]);
    expect(answer.status).toBe(200);
    // Into the study of the source comes the target's image once the two are one; before that it is another patient's.
    const late = stored.filter(({ status }) => status !== 200);
    expect(late.every((one) => one.study === study)).toBe(true);
    expect(await ids(`ImagingStudy?patient=Patient/${source.id}`)).toEqual([]);
    expect(await place.world.transaction(({ studies }) => studies.studiesOf(source.id))).toEqual([]);
    expect(await ids(`ImagingStudy?patient=Patient/${target.id}`)).toHaveLength(7);
  }
});

test.each(ways)(
  'of two merges at once in opposite directions, by %s, one wins and the other is told',
  async (_name, way) => {
    for (let round = 0; round < 5; round++) {
      const [a, b] = [await person(), await person()];
      await post(observation(a.id));
      await post(observation(b.id));
      const answers = await Promise.all([way(a.id, b.id), way(b.id, a.id)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
      const survivor = answers[0]!.status === 200 ? b.id : a.id;
      expect(await ids(`Observation?patient=Patient/${survivor}`)).toHaveLength(2);
    }
  },
  60_000,
);

test.each(ways)(
  'a study that is moved to a patient whose record is merged away at that moment, by %s, is the survivor’s',
  async (_name, way) => {
    for (let round = 0; round < 8; round++) {
      const [wrong, right, survivor] = [await person(), await person(), await person()];
      const { study } = await store(wrong);
      await post(observation(right.id));
      const [imagingStudy] = await ids(`ImagingStudy?patient=Patient/${wrong.id}`);
      const move = who.doctor.send('POST', `/fhir/ImagingStudy/${imagingStudy}/$move`, {
        resourceType: 'Parameters',
        parameter: [
          { name: 'patient', valueReference: { reference: `Patient/${right.id}` } },
          { name: 'reason', valueString: 'the tags were changed by hand' },
        ],
      });
      const [merged, moved] = await Promise.all([way(right.id, survivor.id), move]);
      expect(merged.status).toBe(200);
      expect([200, 422]).toContain(moved.status);
      const owner = (await place.world.read(({ studies }) => studies.study(study)))!.patientId;
      expect(owner).toBe(moved.status === 200 ? survivor.id : wrong.id);
    }
  },
  60_000,
);

test('an analysis under way goes on over a merge, and its result is the survivor’s', async () => {
  const target = await person();
  const review = await place.film({ patientId: `F-${target.number}` });
  const source = review.study.subject.reference!.split('/')[1]!;
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  const { pixels } = place.world;
  let merged = 0;
  const running: World = {
    ...place.world,
    pixels: new Proxy(pixels, {
      get: (port, name: keyof typeof pixels) =>
        typeof port[name] !== 'function'
          ? port[name]
          : async (...given: never[]) => {
              if (merged++ === 0) expect((await merge(who.admin, source, target.id)).status).toBe(200);
              return (port[name] as (...given: never[]) => unknown)(...given);
            },
    }),
  };
  await analyze(running, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
  const coordination = await read<Task>(place.world, 'Task', review.coordinationId);
  const finding = outputOf(coordination, 'ai-finding')!.reference.split('/')[1]!;
  expect(await read(place.world, 'Observation', finding)).toMatchObject({ subject: { reference: `Patient/${target.id}` } }); // prettier-ignore
});

test('a report that is printed during a merge is printed again, with the survivor’s name', async () => {
  const target = await person();
  const review = await approvedReview(place, 'a@example.org');
  const source = review.study.subject.reference!.split('/')[1]!;
  const delivery = await open(place.world, review, 'report-delivery');
  const job = taken({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } });
  const printed: string[] = [];
  const printing: World = {
    ...place.world,
    pdf: {
      async print(html) {
        printed.push(html);
        if (printed.length === 1) await merge(who.admin, source, target.id);
        return new Uint8Array([1]);
      },
    },
  };
  await expect(issueReport(printing, job)).rejects.toMatchObject({ code: 'transient' });
  await issueReport(printing, job);
  expect(printed[1]).toContain(target.patient.name![0]!.family);
  expect(await ids(`DocumentReference?patient=Patient/${target.id}`)).toHaveLength(1);
  expect(await ids(`DocumentReference?patient=Patient/${source}`)).toEqual([]);
});

test('what an app writes about the retired record afterwards comes to the survivor, too', async () => {
  const [source, target] = [await person(), await person()];
  await merge(who.admin, source.id, target.id);
  const late = await post(observation(source.id));
  expect(await carryOnMerges(place.world)).toBe(1);
  expect(await ids(`Observation?patient=Patient/${target.id}`)).toEqual([late.id]);
  expect(await carryOnMerges(place.world)).toBe(0);
});

test('both records are named in the audit trail', async () => {
  const [source, target] = [await person(), await person()];
  await merge(who.admin, source.id, target.id);
  await merge(who.doctor, source.id, target.id);
  const sql = new pg.Client({ connectionString: place.server.databaseUrl });
  await sql.connect();
  const { rows } = await sql.query(`select outcome, role from audit where event = 'fhir:merge' and entities && $1 order by seq`, [[`Patient/${source.id}`]]); // prettier-ignore
  await sql.end();
  expect(rows).toEqual([{ outcome: 'success', role: 'admin' }, { outcome: 'refused', role: 'doctor' }]); // prettier-ignore
});

test('more records than one transaction takes are refused, with what to do', async () => {
  const [source, target] = [await person(), await person()];
  const sql = new pg.Client({ connectionString: place.server.databaseUrl });
  await sql.connect();
  await sql.query(`select put_record('Basic', 'many-' || n, 1, now(), 'POST', '{"resourceType":"Basic"}', array[$1], false, '{"token":[],"string":[],"date":[],"reference":[],"quantity":[]}') from generate_series(1, 10001) n`, [source.id]); // prettier-ignore
  const answer = await merge(who.admin, source.id, target.id);
  const { issue } = (await answer.json()) as OperationOutcome;
  expect([answer.status, issue[0]!.code]).toEqual([400, 'too-costly']);
  await sql.query(`update record set deleted = true where type = 'Basic'`);
  await sql.end();
  expect((await read<Patient>(place.world, 'Patient', source.id)).active).toBe(true);
});
