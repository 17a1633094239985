import type { Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import type { ShownRow } from '../../server/core/workflow/work/find-work.ts';
import { everything } from '../../server/core/access/narrowing.ts';
import { claimWork } from '../../server/core/workflow/work/claim-work.ts';
import { workSorts, type WorkSort } from '../../server/core/workflow/work/queues.ts';
import type { WorkPosition, WorkReader } from '../../server/core/workflow/work/work-row-store.ts';
import { postgresWorkRows } from '../../server/infrastructure/postgres/work/work-rows.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { change, complete, conclusion, noneNeeded, open, read, reviewWorld, type Opened, type ReviewWorld } from '../work/review-world.ts'; // prettier-ignore

// The lists of work as the dashboards ask for them, over HTTP.
let place: ReviewWorld;
let doctor: Caller;
let pharmacist: Caller;
let admin: Caller;
let patient: Caller;

interface Page {
  rows: ShownRow[];
  total: number;
  next?: string;
}

beforeAll(async () => {
  place = await reviewWorld();
  const as = async (role: 'doctor' | 'pharmacist' | 'admin' | 'patient') =>
    caller(place.server, (await place.server.signIn(role)).access_token);
  [doctor, pharmacist, admin, patient] = [await as('doctor'), await as('pharmacist'), await as('admin'), await as('patient')]; // prettier-ignore
}, 120_000);
afterAll(() => place.stop());

const json = { 'Content-Type': 'application/json' };
const list = (query: string, who = doctor) => who.json<Page>(`/portal/work?${query}`);
const counts = (names: string, who = doctor, more = '') => who.json<Record<string, number>>(`/portal/work/counts?of=${names}${more}`); // prettier-ignore
const found = async (text: string, more = '') => (await list(`limit=100&text=${encodeURIComponent(text)}${more}`)).rows.map(({ review }) => review).sort(); // prettier-ignore

let last = 0;
/** A scan of somebody with that name, in a record of its own. */
async function scanOf(name: string, more: { modality?: string } = {}): Promise<Opened & { patientId: string }> {
  const number = `WORK-${++last}`;
  const opened = await place.image({ study: newUid(), patientId: number, patientName: 'X^Y', modality: 'DX', ...more });
  const patientId = opened.study.subject.reference!.split('/')[1]!;
  await update(patientId, { name: [{ text: name }] });
  return { ...opened, patientId };
}

async function update(patientId: string, changes: Partial<Patient>): Promise<void> {
  const standing = await read<Patient>(place.world, 'Patient', patientId);
  const resource = { ...standing, ...changes };
  await writeInTransaction(place.world, systemPrincipal('test'), { method: 'update', id: patientId, resource });
}

async function skip(review: Opened): Promise<void> {
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'cancelled', statusReason: { text: 'no need' } });
}

async function verified(name: string, code = 'Normal'): Promise<Opened & { patientId: string }> {
  const review = await scanOf(name);
  await skip(review);
  const words = { note: [{ text: 'As seen. '.repeat(100) }], output: [conclusion(code)] };
  await complete(place.world, place.people.doctor, await open(place.world, review, 'physician-verification'), words);
  return review;
}

test('a scan is in the list of its desk from arrival to release, and the step that waits is named', async () => {
  const review = await scanOf('Asha Menon');
  const row = () => doctor.json<ShownRow>(`/portal/work/${review.coordinationId}`);
  expect(await row()).toMatchObject({
    status: 'PENDING_AI', ai: 'waiting', priority: 'routine', reasons: [],
    patient: { id: review.patientId, name: 'Asha Menon', recordNumber: `WORK-${last}` },
    study: { id: review.study.id, modality: 'DX', images: 1 },
    step: { kind: 'ai-inference', status: 'requested', mine: false },
  }); // prettier-ignore
  expect((await list('queue=pending')).rows.map((one) => one.review)).toContain(review.coordinationId);
  const before = (await row()).version;
  await skip(review);
  expect((await row()).version).toBeGreaterThan(before);
  const toRead = (await list('queue=to-read')).rows.find((one) => one.review === review.coordinationId)!;
  expect(toRead).toMatchObject({ status: 'AI_SKIPPED', ai: 'none', step: { kind: 'physician-verification' } });

  const words = { note: [{ text: 'As seen. '.repeat(100) }], output: [conclusion('Lung_Opacity')] };
  await complete(place.world, place.people.doctor, await open(place.world, review, 'physician-verification'), words);
  const [due] = (await list('queue=to-prescribe', pharmacist)).rows.filter((one) => one.review === review.coordinationId); // prettier-ignore
  expect(due).toMatchObject({
    status: 'DOCTOR_VERIFIED', verifiedBy: expect.stringMatching(/\w/), verifiedAt: expect.any(String),
    conclusion: { code: 'Lung_Opacity', text: 'Lung opacity', kind: 'abnormal' }, step: { kind: 'pharmacist-review' },
  }); // prettier-ignore
  expect(due!.words).toHaveLength(500);

  await complete(place.world, place.people.pharmacist, await open(place.world, review, 'pharmacist-review'), {
    note: [{ text: 'Rest.' }],
    output: [noneNeeded],
  });
  const [toApprove] = (await list('queue=to-approve', admin)).rows;
  expect(toApprove).toMatchObject({ noMedication: true, prescribedAt: expect.any(String), step: { kind: 'release-approval' } }); // prettier-ignore
});

test('every word must begin a word of what the row shows; case and accents are all the same, in any script', async () => {
  const names = ['Zoë Ångström-Straße', "Seán O'Brien", 'மீனாட்சி சுந்தரம்', 'सीता शर्मा', '山田太郎', 'Ярослав Ёлкин', 'محمد عبدُالله'];
  const ids = new Map<string, string>();
  for (const name of names) ids.set(name, (await scanOf(name)).coordinationId);
  const only = (name: string) => [ids.get(name)!];
  for (const [text, name] of [
    ['zoe angstrom', names[0]], ['STRASSE zo', names[0]], ['ångs', names[0]],
    ['obrien', names[1]], ["o'brien sean", names[1]], ['brien', names[1]],
    ['மீனா', names[2]], ['சுந்த மீனாட்சி', names[2]], ['शर्मा', names[3]], ['सी', names[3]],
    ['太郎', names[4]], ['山田', names[4]], ['елкин', names[5]], ['ярос ёл', names[5]], ['عبدالله', names[6]],
  ]) expect(await found(text!), text).toEqual(only(name!));
  expect(await found('zoe sharma')).toEqual([]);
  expect(await found('ngström')).toEqual([]); // begins no word
  const row = await doctor.json<ShownRow>(`/portal/work/${ids.get(names[1]!)}`);
  for (const text of [row.scan, row.patient.recordNumber!, 'sean waiting AI', 'sean dx', `sean ${row.uploadedAt.slice(0, 10)}`, `sean ${row.uploadedAt.slice(0, 7)}`])
    expect(await found(text), text).toContain(row.review);
  expect(await found('sean 2019-01-01')).toEqual([]);
  expect(await found(`' & | ! :* sean "`)).toEqual(only(names[1]!));
  // A sign alone is a word half typed: it is in no row, and no mistake that a page has to explain.
  for (const text of [`' &`, '%', '😀']) {
    expect(await found(text), text).toEqual([]);
    const counts = await doctor.json<Record<string, number>>(`/portal/work/counts?of=all&text=${encodeURIComponent(text)}`);
    expect(counts, text).toEqual({ all: 0 });
  }
}); // prettier-ignore

test('a person goes by the number and the name in use, and is found by the former and the other writing too', async () => {
  const { coordinationId, patientId } = await scanOf('Kept For Later');
  const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] };
  const national = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'NI' }] };
  await update(patientId, {
    name: [{ use: 'old', text: 'Selvi Former' }, { text: 'செல்வி முருகன்' }, { use: 'nickname', text: 'Selvi Murugan' }],
    identifier: [{ use: 'old', type, value: 'RETIRED-77' }, { type: national, value: '424242424242' }, { use: 'usual', type, value: 'CURRENT-78' }],
  });
  const row = await doctor.json<ShownRow>(`/portal/work/${coordinationId}`);
  expect(row.patient).toMatchObject({ id: patientId, name: 'செல்வி முருகன்', recordNumber: 'CURRENT-78' });
  for (const text of ['CURRENT-78', 'RETIRED-77', 'செல்வி', 'selvi murugan', 'former'])
    expect(await found(text), text).toEqual([coordinationId]);
  expect(await found('424242424242')).toEqual([]);
}); // prettier-ignore

test('pages in any order give each row once, whatever comes and changes between them', async () => {
  for (let i = 0; i < 6; i++) await scanOf(`Paged Person ${'cabbad'[i]}`);
  for (const sort of ['scan', 'patient', 'status', 'finding', 'confidence', 'uploaded', 'verified', 'priority', 'released', 'changed'])
    for (const order of [sort, `-${sort}`]) {
      const all = (await list(`queue=all&sort=${order}&limit=100`)).rows.map(({ review }) => review);
      const seen: string[] = [];
      let next: string | undefined;
      do {
        const page = await list(`queue=all&sort=${order}&limit=4${next === undefined ? '' : `&after=${next}`}`);
        expect(page.total).toBe(all.length);
        seen.push(...page.rows.map(({ review }) => review));
        next = page.next;
      } while (next !== undefined);
      expect(seen, order).toEqual(all);
    }
  const first = await list('queue=all&sort=patient&limit=3');
  const second = (await list(`queue=all&sort=patient&limit=3&after=${first.next}`)).rows.map(({ review }) => review);
  const late = await scanOf('Aaron Aaronson');
  const again = (await list(`queue=all&sort=patient&limit=3&after=${first.next}`)).rows.map(({ review }) => review);
  expect(again).toEqual(second);
  expect((await list('queue=all&sort=patient&limit=1')).rows[0]!.review).toBe(late.coordinationId);
  for (const path of [`queue=all&sort=-patient&after=${first.next}`, `queue=pending&sort=patient&after=${first.next}`, 'after=xyz'])
    expect((await doctor.get(`/portal/work?${path}`)).status).toBe(400);
  expect((await admin.get(`/portal/work?queue=all&sort=patient&limit=3&after=${first.next}`)).status).toBe(400);
}); // prettier-ignore

test('a large list is read along an index, and comes to the same pages', async () => {
  await verified('Read Along');
  const reader: WorkReader = { review: everything, report: everything, role: 'admin', today: { from: new Date(), to: new Date() } };
  const [sorting, along] = [false, true].map((alongIndexes) =>
    postgresWorkRows(place.server.system.sql, { baseUrl: '', timeZone: 'UTC', alongIndexes }),
  );
  const pages = async (rows: typeof along, by: WorkSort, descending: boolean) => {
    const seen: string[][] = [];
    let after: WorkPosition | undefined;
    do {
      const page = await rows!.find(reader, { queue: 'all' }, { order: { by, descending }, limit: 3, ...(after && { after }) });
      seen.push(page.rows.map(({ review }) => review));
      after = page.next;
    } while (after);
    return seen;
  };
  for (const by of workSorts)
    for (const descending of [false, true])
      expect(await pages(along, by, descending), by).toEqual(await pages(sorting, by, descending));
}); // prettier-ignore

test('filters narrow list and numbers alike, and days are those of the site', async () => {
  const scan = await scanOf('Filter Only', { modality: 'MR' });
  const of = async (more: string) => [(await found('filter', more)).length, (await counts('all', doctor, `&text=filter${more}`))['all']]; // prettier-ignore
  const today = new Date().toISOString().slice(0, 10);
  expect(await of('&modality=MR,CT')).toEqual([1, 1]);
  expect(await of('&modality=DX')).toEqual([0, 0]);
  expect(await of('&status=PENDING_AI')).toEqual([1, 1]);
  expect(await of('&status=REPORT_READY,RETURNED')).toEqual([0, 0]);
  expect(await of('&priority=routine')).toEqual([1, 1]);
  expect(await of('&priority=stat')).toEqual([0, 0]);
  expect(await of('&finding=COVID')).toEqual([0, 0]);
  expect(await of(`&from=${today}&to=${today}`)).toEqual([1, 1]);
  expect(await of('&to=2020-01-01')).toEqual([0, 0]);
  expect(await of('&mine=true')).toEqual([0, 0]);
  await skip(scan);
  await change(place.world, place.people.doctor, await open(place.world, scan, 'physician-verification'), { status: 'in-progress' }); // prettier-ignore
  expect(await of('&mine=true')).toEqual([1, 1]);
  for (const path of ['queue=none', 'sort=name', 'status=DONE', 'limit=500', 'from=yesterday', 'other=1'])
    expect((await doctor.get(`/portal/work?${path}`)).status, path).toBe(400);
});

test('the numbers are true: of all there are, not of a page', async () => {
  const names = 'pending,to-read,verified,all,ended,to-prescribe,prescribed,to-approve,released';
  const before = await counts(`${names},verified-by-me,completed-today,submitted-today`);
  const due = await counts('normal-due,abnormal-due', pharmacist);
  await verified('Counted One');
  await verified('Counted Two', 'Viral_Pneumonia');
  const after = await counts(`${names},verified-by-me,completed-today,submitted-today`);
  for (const [name, more] of Object.entries({ verified: 2, all: 2, 'to-prescribe': 2, 'verified-by-me': 2, 'completed-today': 2, 'submitted-today': 0, pending: 0, 'to-read': 0 }))
    expect(after[name]! - before[name]!, name).toBe(more);
  const now = await counts('normal-due,abnormal-due', pharmacist);
  expect([now['normal-due']! - due['normal-due']!, now['abnormal-due']! - due['abnormal-due']!]).toEqual([1, 1]);
  for (const name of names.split(',')) expect((await list(`queue=${name}&limit=1`)).total, name).toBe(after[name]);
  const approval = (await list('queue=to-approve&limit=100', admin)).rows;
  expect((await counts('patients-awaiting', admin))['patients-awaiting']).toBe(new Set(approval.map((row) => row.patient.id)).size);
}); // prettier-ignore

test('several reviews are claimed at once; what somebody else has is refused and the others go on', async () => {
  const [one, other, third] = [await scanOf('Claim A'), await scanOf('Claim B'), await scanOf('Claim C')];
  for (const review of [one, other]) await skip(review);
  const claim = (who: Caller, ...reviews: string[]) => who.send('POST', '/portal/work/claim', { reviews }, json);
  type Claims = { claimed: string[]; refused: { review: string; why: string }[] };
  const ids = [one, other, third].map(({ coordinationId }) => coordinationId);
  const said = (await (await claim(doctor, ...ids, 'nothing')).json()) as Claims;
  expect(said.claimed).toEqual(ids.slice(0, 2));
  expect(said.refused).toEqual([
    { review: ids[2], why: expect.stringMatching(/PENDING_AI/) },
    { review: 'nothing', why: 'There is no such review.' },
  ]);
  expect((await doctor.json<ShownRow>(`/portal/work/${ids[0]}`)).step).toMatchObject({ status: 'in-progress', mine: true }); // prettier-ignore
  expect((await pharmacist.json<Claims>(`/portal/work/counts?of=claimed-by-me`)) as unknown).toEqual({ 'claimed-by-me': 0 }); // prettier-ignore
  const wrongDesk = (await (await claim(pharmacist, ids[0]!)).json()) as Claims;
  expect(wrongDesk).toEqual({ claimed: [], refused: [{ review: ids[0], why: expect.any(String) }] });
  expect((await claim(doctor)).status).toBe(400);
  expect((await claim(doctor, ...Array.from({ length: 101 }, (_, n) => `r${n}`))).status).toBe(400);
  const events = await place.server.system.sql.query<{ entities: string[] }>(`select entities from audit where event = 'work:claim' and outcome = 'success' order by seq limit 1`); // prettier-ignore
  expect(events[0]!.entities).toEqual(ids.slice(0, 2).map((id) => `Task/${id}`));
});

test('of two doctors who claim the same review at the same moment one has it', async () => {
  const review = await scanOf('Raced For');
  await skip(review);
  const second = { ...place.people.doctor, subject: 'second', fhirUser: 'Practitioner/demo-second' };
  const ids = [review.coordinationId];
  const claims = await Promise.all([place.people.doctor, second].map((who) => claimWork(place.world, who, ids, {})));
  expect(claims.flatMap(({ claimed }) => claimed)).toEqual(ids);
  expect(claims.flatMap(({ refused }) => refused)).toEqual([
    { review: ids[0], why: 'Another person has claimed this step.' },
  ]);
});

test('a restricted record is in nobody’s list, search or number who may not read it', async () => {
  const review = await scanOf('Hidden Person');
  const before = await counts('all,pending');
  await update(review.patientId, {
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
  });
  const fresh = caller(place.server, (await place.server.signIn('doctor')).access_token);
  expect((await list('text=hidden', fresh)).total).toBe(0);
  expect(await counts('all,pending', fresh)).toEqual({ all: before['all']! - 1, pending: before['pending']! - 1 });
  expect((await fresh.get(`/portal/work/${review.coordinationId}`)).status).toBe(404);
  expect(await (await fresh.send('POST', '/portal/work/claim', { reviews: [review.coordinationId] }, json)).json()).toMatchObject({ claimed: [] }); // prettier-ignore
  expect((await list('text=hidden', admin)).total).toBe(1);
});

test('a pharmacist sees what a doctor has verified, by list, search, number and one by one', async () => {
  const unread = await scanOf('Unread Person');
  const done = await verified('Unread Person');
  expect((await list('text=unread')).total).toBe(2);
  expect((await list('text=unread', pharmacist)).rows.map(({ review }) => review)).toEqual([done.coordinationId]);
  expect(await counts('all', pharmacist, '&text=unread')).toEqual({ all: 1 });
  expect((await pharmacist.get(`/portal/work/${unread.coordinationId}`)).status).toBe(404);
});

test('lists are for staff through our own application, and each call leaves one row of the trail', async () => {
  expect((await patient.get('/portal/work')).status).toBe(403);
  expect((await caller(place.server, undefined).get('/portal/work')).status).toBe(401);
  const service = caller(place.server, await place.server.backend());
  expect((await service.get('/portal/work')).status).toBe(403);
  const narrow = await place.server.signIn('doctor', { scope: 'openid fhirUser user/Task.rs' });
  expect((await caller(place.server, narrow.access_token).get('/portal/work')).status).toBe(403);
  const trail = () =>
    place.server.system.sql.query<{ event: string; patients: string[] }>(
      `select event, patients from audit where event like 'work:%' and subject = $1 and outcome = 'success' order by seq desc limit 3`,
      [place.people.admin.subject],
    );
  const { rows } = await list('queue=all&limit=2', admin);
  await counts('all', admin);
  await admin.json(`/portal/work/${rows[0]!.review}`);
  expect((await trail()).map(({ event }) => event)).toEqual(['work:read', 'work:count', 'work:search']);
  expect((await trail())[2]!.patients.toSorted()).toEqual([...new Set(rows.map((row) => row.patient.id))].sort());
});
