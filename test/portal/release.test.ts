import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DocumentReference, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueReport } from '../../server/work/issue-report.ts';
import type { ReleasePlan } from '../../server/core/reports/release-recipients.ts';
import { oneByOne } from '../../server/core/reports/one-by-one.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { taken } from '../harness/jobs.ts';
import { startTestServer } from '../harness/server.ts';
import { change, complete, open, read, reviewForRelease, reviewWorld, type Opened, type ReviewWorld } from '../work/review-world.ts'; // prettier-ignore

// What an administrator looks at before a report is released.
let place: ReviewWorld;
let admin: Caller;
let doctor: Caller;

beforeAll(async () => {
  place = await reviewWorld({ REPORT_MAIL: 'verified' });
  admin = caller(place.server, (await place.server.signIn('admin')).access_token);
  doctor = caller(place.server, (await place.server.signIn('doctor')).access_token);
}, 120_000);
afterAll(() => place.stop());

const preview = (review: Opened, who = admin) =>
  who.send('POST', `/portal/reviews/${review.coordinationId}/preview`, '');
const plan = (review: Opened) => admin.json<ReleasePlan>(`/portal/reviews/${review.coordinationId}/release`);

async function pagesOf(answer: Response): Promise<string[]> {
  expect(answer.status, answer.ok ? '' : await answer.clone().text()).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/pdf');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const file = join(mkdtempSync(join(tmpdir(), 'preview-')), 'preview.pdf');
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  if (process.env['KEEP_PDF']) writeFileSync(process.env['KEEP_PDF'], execFileSync('cat', [file]));
  const text = execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' });
  return text.split('\f').filter((page) => page.trim() !== '');
}

describe('the preview', () => {
  test('is the report with "Preview, not released" on every page, and nothing of it is kept', async () => {
    const long = Array.from({ length: 120 }, (_one, n) => `Line ${n + 1} of what the doctor saw.`).join('\n');
    const review = await reviewForRelease(place, 'arjun@example.org', long);
    const before = await traces();
    const pages = await pagesOf(await preview(review));
    expect(pages.length).toBeGreaterThan(2);
    for (const page of pages) expect(page).toMatch(/Preview, not released/);
    const all = pages.join('\n');
    expect(all).toMatch(/DIAGNOSTIC REPORT/);
    expect(all).toMatch(/Report without a number yet, version 1/);
    expect(all).toMatch(/Line 120 of what the doctor saw/);
    expect(all).toMatch(/No medication needed/);
    expect(all).toMatch(/Released by\s[\s\S]*Nobody yet/);
    expect(await traces()).toEqual(before);
    const approval = await open(place.world, review, 'release-approval');
    expect(approval.status).toBe('requested');
    // The number that was not taken is the report's.
    await complete(place.world, place.people.admin, approval);
    const delivery = await open(place.world, review, 'report-delivery');
    await issueReport(place.world, taken({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } }));
    const released = await admin.search<DocumentReference>(
      `DocumentReference?patient=${review.study.subject.reference}`,
    );
    expect(released[0]!.identifier![0]!.value).toMatch(/-00001$/);
  });

  test('is for administrators, of reviews that wait, and each is in the audit trail', async () => {
    const review = await reviewForRelease(place, undefined);
    expect((await preview(review, doctor)).status).toBe(403);
    const unread = await place.film({ patientId: 'UNREAD-1' });
    const early = await preview(unread);
    expect(early.status).toBe(409);
    expect(await early.text()).toMatch(/waits for its release/);
    const step = await open(place.world, review, 'release-approval');
    expect((await admin.send('POST', `/portal/reviews/${step.id}/preview`, '')).status).toBe(404);
    expect((await admin.send('POST', '/portal/reviews/nobody-knows/preview', '')).status).toBe(404);
    await pagesOf(await preview(review));
    const { rows } = await admin.json<{ rows: { event: string; outcome: string; entities: string[]; patients: { id: string }[] }[] }>('/portal/audit?event=portal:report-preview'); // prettier-ignore
    expect(rows[0]).toMatchObject({
      outcome: 'success',
      entities: [`Task/${review.coordinationId}`],
      patients: [{ id: review.study.subject.reference!.split('/')[1] }],
    });
    expect(rows.some(({ outcome }) => outcome === 'refused')).toBe(true);
  });

  test('refuses words that differ from what was signed, as the release would', async () => {
    const review = await reviewForRelease(place, undefined);
    const task = await read<Task>(place.world, 'Task', review.coordinationId);
    const id = task.output!.find(({ valueReference }) => valueReference?.reference?.startsWith('DiagnosticReport/'))!.valueReference!.reference!.split('/')[1]; // prettier-ignore
    await place.server.system.sql.query(
      `update record_version set content = replace(content, '"conclusion":"Fine."', '"conclusion":"Bad."')
        where rid = (select rid from record where type = 'DiagnosticReport' and id = $1)`,
      [id],
    );
    const answer = await preview(review);
    expect(answer.status).toBe(409);
    expect(await answer.text()).toMatch(/signed/);
  });

  test('says in plain words that a process without a browser prints none', async () => {
    const review = await reviewForRelease(place, undefined);
    const api = await startTestServer({
      beside: place.server,
      environment: { ROLE: 'api', PUBLIC_URL: place.server.url },
      workers: false,
    });
    try {
      const { access_token } = await place.server.signIn('admin');
      const there = caller(api, access_token);
      const answer = await preview(review, there);
      expect(answer.status).toBe(400);
      expect(await answer.text()).toMatch(/no browser that prints.*ROLE=all/);
      const told = await there.json<ReleasePlan>(`/portal/reviews/${review.coordinationId}/release`);
      expect(told.preview).toBe(false);
    } finally {
      await api.stop();
    }
  });

  test('never takes the browser from releases: one at a time, and the fifth at once is asked to wait', async () => {
    const review = await reviewForRelease(place, undefined);
    const answers = await Promise.all(Array.from({ length: 7 }, () => preview(review)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
    expect(statuses.filter((status) => status !== 200).every((status) => status === 429)).toBe(true);
    expect(statuses).toContain(429);
    expect((await preview(review)).status).toBe(200);
  });

  test('is not made for somebody who has left while others were before', async () => {
    const places = oneByOne(3, 'full');
    const gone = new AbortController();
    let end: () => void = () => undefined;
    const first = places.take(new AbortController().signal, () => new Promise<void>((done) => (end = done)));
    const second = places.take(gone.signal, () => Promise.reject(new Error('was made')));
    const third = places.take(new AbortController().signal, async () => 'made');
    gone.abort(new Error('left'));
    await new Promise((done) => setImmediate(done));
    end();
    await first;
    await expect(second).rejects.toThrow('left');
    expect(await third).toBe('made');
  });
});

describe('to whom it goes', () => {
  test('says of the address whether it is confirmed, and what happens if it is not', async () => {
    const asked = await reviewForRelease(place, 'somebody@example.org');
    expect(await plan(asked)).toMatchObject({
      newVersion: false,
      preview: true,
      recipients: [{ who: 'patient', address: 'somebody@example.org', mail: 'asked-first', what: 'report' }],
    });
    const patient = asked.study.subject.reference!;
    await place.world.transaction(({ addresses }) => addresses.confirm('somebody@example.org', patient));
    expect((await plan(asked)).recipients[0]).toMatchObject({ mail: 'confirmed' });
    const nowhere = await reviewForRelease(place, undefined);
    expect((await plan(nowhere)).recipients[0]).toMatchObject({ who: 'patient', mail: 'no-address' });
    const broken = await reviewForRelease(place, 'two words@example.org');
    expect((await plan(broken)).recipients[0]).toMatchObject({ mail: 'bad-address' });
  });

  test('is for administrators, and of reviews that wait', async () => {
    const review = await reviewForRelease(place, undefined);
    expect((await doctor.get(`/portal/reviews/${review.coordinationId}/release`)).status).toBe(403);
    const step = await open(place.world, review, 'release-approval');
    const reason = { text: 'The side is missing.' };
    await change(place.world, place.people.admin, step, { status: 'rejected', statusReason: reason });
    expect((await admin.get(`/portal/reviews/${review.coordinationId}/release`)).status).toBe(409);
  });
});

/** What a preview must leave alone: records, numbers, jobs, mails, files. */
async function traces(): Promise<unknown> {
  const { sql } = place.server.system;
  const [counts] = await sql.query(
    `select (select count(*) from record_version) as records, (select count(*) from job.job) as jobs, (select count(*) from delivery) as mails`,
  );
  return counts;
}
