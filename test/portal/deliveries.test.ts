import type { OperationOutcome, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { deliveryOf } from '../../server/core/deliveries/owe-delivery.ts';
import { postMail, type Letter } from '../../server/core/deliveries/post-mail.ts';
import { inputOf } from '../../server/core/workflow/review-tasks.ts';
import { smtpMailer, type SmtpMailer } from '../../server/infrastructure/mail/smtp-mailer.ts';
import { sendMail } from '../../server/work/send-mail.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { taken } from '../harness/jobs.ts';
import { startMailRelay, type MailRelay } from '../harness/mail-relay.ts';
import { read, releasedReview, reviewWorld, steps, type ReviewWorld } from '../work/review-world.ts';

// What an administrator sees and does on the page of deliveries.
let place: ReviewWorld;
let admin: Caller;
let relay: MailRelay;
let mailer: SmtpMailer;

interface Shown {
  id: string;
  kind: string;
  recipient: string;
  state: string;
  tries: number;
  answer?: string;
  nextTry?: string;
  subject?: string;
}
interface Listing {
  deliveries: Shown[];
  total: number;
  relay: { state: string; answer?: string; since?: string };
}

beforeAll(async () => {
  place = await reviewWorld();
  relay = await startMailRelay({ clear: true });
  mailer = smtpMailer({ url: relay.url, from: 'reports@csss.example', requireTls: false });
  admin = caller(place.server, (await place.server.signIn('admin')).access_token);
}, 120_000);
beforeEach(async () => {
  relay.script = {};
  relay.mails.splice(0);
  await place.server.system.sql.query(`delete from delivery`);
});
afterAll(async () => {
  mailer.close();
  await relay.close();
  await place.stop();
});

const json = { 'Content-Type': 'application/json' };
const list = (query = '') => admin.json<Listing>(`/portal/deliveries${query}`);
const act = (id: string, name: string, body: object = {}, who = admin) =>
  who.send('POST', `/portal/deliveries/${id}/${name}`, body, json);
const said = async (answer: Response) => ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics!;
const post = (letter: Partial<Letter> = {}) =>
  place.world.transaction((stores) =>
    postMail(stores, place.world.secrets, { kind: 'link', to: 'b@example.org', subject: 'A link', text: 'https://x/secret-word', ...letter }),
  ); // prettier-ignore
const mail = (id: string) =>
  sendMail({ ...place.world, mailer }, taken({ kind: 'send-mail', key: id, data: { delivery: id } }));
const report = (step: { id: string }) =>
  sendReport({ ...place.world, mailer }, taken({ kind: 'send-report', key: step.id, data: { task: step.id } }));

test('the list is searched by state, kind and address, page by page, newest first, with the state of the relay', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push(await post({ to: `Person${i}@example.org` }));
  await post({ kind: 'invitation', to: 'new@clinic.example' });
  await mail(ids[0]!);
  const whole = await list();
  expect([whole.total, whole.deliveries.length, whole.relay.state]).toEqual([6, 6, 'ok']);
  expect(whole.deliveries[0]).toMatchObject({ kind: 'invitation', recipient: 'new@clinic.example', state: 'waiting', tries: 0 }); // prettier-ignore
  const page = await list('?kind=link&offset=2&limit=2');
  expect([page.total, page.deliveries.map(({ id }) => id)]).toEqual([5, [ids[2], ids[1]]]);
  expect((await list('?offset=50')).total).toBe(6);
  expect((await list('?text=PERSON3')).deliveries.map(({ id }) => id)).toEqual([ids[3]]);
  expect((await list('?text=%25')).total).toBe(0);
  expect((await list('?state=sent')).deliveries).toMatchObject([{ id: ids[0], state: 'sent', answer: expect.stringMatching(/^250/) as unknown }]); // prettier-ignore
  expect(JSON.stringify(whole)).not.toMatch(/secret-word|A link/);
  for (const query of [
    '?state=lost',
    '?limit=0',
    '?limit=1000',
    '?offset=-1',
    '?color=red',
    `?text=${'x'.repeat(300)}`,
  ])
    expect([query, (await admin.get(`/portal/deliveries${query}`)).status]).toEqual([query, 400]);
});

test('a relay that fails is told with its answer and since when', async () => {
  relay.script = { sender: [530, '5.7.0 Authentication required'] };
  const id = await post();
  await mail(id);
  const { relay: state, deliveries } = await list('?state=waiting&kind=link');
  expect(state).toMatchObject({ state: 'failing', answer: 'EENVELOPE 530 5.7.0' });
  expect(Date.now() - Date.parse(state.since!)).toBeLessThan(60_000);
  expect(Date.parse(deliveries[0]!.nextTry!)).toBeGreaterThan(Date.now());
  relay.script = {};
  await mail(id);
  expect((await list()).relay).toEqual({ state: 'ok' });
});

test('a refused report goes to another address; what is not an address, and what is about an account, does not', async () => {
  relay.script = { recipient: [550, '5.1.1 No such person'] };
  const { review, delivery } = await releasedReview(place, 'wrong@example.org');
  await report(delivery);
  const id = deliveryOf(`Task/${delivery.id}`);
  expect(await admin.json(`/portal/deliveries/${id}`)).toMatchObject({ kind: 'report', state: 'refused', subject: `Task/${delivery.id}` }); // prettier-ignore
  for (const email of ['nobody', 'a@example.org, b@example.org', 'a@example.org\r\nBcc: c@example.org', ''])
    expect((await act(id, 'other-address', { email })).status).toBe(400);
  expect((await act(id, 'other-address', { email: 'a@example.org', more: 1 })).status).toBe(400);
  const answer = await act(id, 'other-address', { email: 'right@example.org' });
  const owed = (await answer.json()) as Shown;
  expect([answer.status, owed]).toMatchObject([
    200,
    { state: 'waiting', recipient: 'right@example.org', kind: 'report' },
  ]);
  expect(owed.id).not.toBe(id);
  relay.script = {};
  const next = (await steps(place.world, review.coordinationId)).find((step) => inputOf(step, 'retry-of'))!;
  expect(owed.subject).toBe(`Task/${next.id}`);
  await report(next);
  expect(relay.mails.map(({ to }) => to[0])).toEqual(['right@example.org']);
  const twice = await act(id, 'again');
  expect([twice.status, (await read<Task>(place.world, 'Task', next.id)).status]).toEqual([409, 'completed']);
  const link = await act(await post(), 'other-address', { email: 'thief@example.org' });
  expect([link.status, await said(link)]).toEqual([422, expect.stringMatching(/account/)]);
});

test('again: what waits is tried at once; what was sent, or whose words are gone, is not', async () => {
  const waits = await post();
  await place.server.system.sql.query(`delete from job.job where name = 'send-mail'`);
  expect(await (await act(waits, 'again')).json()).toMatchObject({ id: waits, state: 'waiting' });
  const jobs = await place.server.system.sql.query(`select from job.job where name = 'send-mail' and singleton_key = $1`, [waits]); // prettier-ignore
  expect(jobs).toHaveLength(1);
  await mail(waits);
  const sent = await act(waits, 'again');
  expect([sent.status, await said(sent)]).toEqual([409, expect.stringMatching(/second time/)]);
  relay.script = { recipient: [550, '5.1.1 No'] };
  const refused = await post();
  await mail(refused);
  const gone = await act(refused, 'again');
  expect([gone.status, await said(gone)]).toEqual([409, expect.stringMatching(/invite|link/)]);
});

test('what waits can be called off, once', async () => {
  const { delivery } = await releasedReview(place, 'a@example.org');
  const ids = [await post(), deliveryOf(`Task/${delivery.id}`)];
  for (const id of ids) {
    expect(await (await act(id, 'cancel')).json()).toMatchObject({ id, state: 'cancelled' });
    expect((await act(id, 'cancel')).status).toBe(409);
  }
  await mail(ids[0]!);
  await report(delivery);
  expect(relay.mails).toEqual([]);
  expect((await read<Task>(place.world, 'Task', delivery.id)).status).toBe('cancelled');
});

test('for administrators only, in our own application; each call is in the audit trail', async () => {
  const id = await post();
  const calls: [string, string][] = [['GET', ''], ['GET', `/${id}`], ['POST', `/${id}/again`], ['POST', `/${id}/cancel`], ['POST', `/${id}/other-address`]]; // prettier-ignore
  const tokens = [undefined, 'no-token', await place.server.backend()];
  for (const role of ['patient', 'doctor', 'pharmacist'] as const)
    tokens.push((await place.server.signIn(role)).access_token);
  for (const [method, path] of calls) {
    const statuses: number[] = [];
    for (const token of tokens) {
      const who = caller(place.server, token);
      const address = `/portal/deliveries${path}`;
      const answer = method === 'GET' ? await who.get(address) : await who.send(method, address, { email: 'x@example.org' }, json); // prettier-ignore
      statuses.push(answer.status);
    }
    expect([path, statuses]).toEqual([path, [401, 401, 403, 403, 403, 403]]);
  }
  for (const name of ['again', 'cancel']) expect((await act('unknown', name)).status).toBe(404);
  expect((await admin.get('/portal/deliveries/unknown')).status).toBe(404);
  await act(id, 'cancel');
  const rows = await place.server.system.sql.query<{ event: string; outcome: string; role: string | null }>(
    `select distinct event, outcome, role from audit where event like 'portal:deliver%'`,
  );
  expect(rows).toContainEqual({ event: 'portal:delivery-cancel', outcome: 'success', role: 'admin' });
  expect(rows).toContainEqual({ event: 'portal:delivery-other-address', outcome: 'refused', role: 'doctor' });
});
