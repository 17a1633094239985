import type { Task } from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { smtpMailer } from '../../server/infrastructure/mail/smtp-mailer.ts';
import { startMailSink, type MailSink } from '../../server/infrastructure/mail/mail-sink.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { startTestServer } from '../harness/server.ts';
import { read, releasedReview, reviewWorld, type ReviewWorld } from '../work/review-world.ts';

let place: ReviewWorld;
let sink: MailSink;
const relays: Server[] = [];
beforeAll(async () => {
  place = await reviewWorld();
  sink = await startMailSink();
});
afterAll(async () => {
  for (const relay of relays) relay.close();
  await sink.close();
  await place.stop();
});

/** A relay that answers by the first word of each command; a word without an answer gets none. */
async function relay(
  greeting: string | undefined,
  answers: Record<string, string>,
): Promise<{ host: string; said: string[] }> {
  const said: string[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    if (greeting !== undefined) socket.write(`${greeting}\r\n`);
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\r\n').filter(Boolean)) {
        said.push(line);
        const answer = answers[line.split(' ')[0]!.toUpperCase()];
        if (answer !== undefined) socket.write(`${answer}\r\n`);
      }
    });
  });
  relays.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, said };
}

const job = (id: string) => taken({ kind: 'send-report', key: id, data: { task: id } });

test.each([
  ['refuses our sign-in (535)', '220 relay', { EHLO: '250-relay\r\n250 AUTH PLAIN LOGIN', AUTH: '535 5.7.8 bad credentials' }, 'u:p@', false, /EAUTH 535/],
  ['has no STARTTLS', '220 relay', { EHLO: '250 relay', STARTTLS: '502 not here' }, '', true, /ETLS/],
  ['says nothing', undefined, {}, '', true, /ETIMEDOUT/],
  ['hangs up while it greets', '421 too busy', {}, '', true, /\w/],
] as const)('a relay that %s gets no message and no address; the report waits, and is sent once when the relay is right', async (_what, greeting, answers, user, requireTls, reason) => {
  const { delivery } = await releasedReview(place, 'patient@example.org');
  const before = sink.list().length;
  const { host, said } = await relay(greeting, answers);
  const bad = smtpMailer({ url: `smtp://${user}${host}`, from: 'reports@csss.example', requireTls });
  await sendReport({ ...place.world, mailer: bad }, job(delivery.id));
  const [row] = (await place.world.read(({ deliveries }) => deliveries.search({ subjectOf: `Task/${delivery.id}`, offset: 0, limit: 1 }))).found;
  expect(row).toMatchObject({ state: 'waiting', tries: 1, answer: expect.stringMatching(reason) as unknown });
  expect(bad.last()).toMatchObject({ taken: false, reason: expect.stringMatching(reason) as unknown });
  bad.close();
  expect(said.filter((line) => /^(MAIL|RCPT|DATA)/i.test(line))).toEqual([]);
  expect((await read<Task>(place.world, 'Task', delivery.id)).status).toBe('in-progress');

  const good = smtpMailer({ url: sink.url, from: 'reports@csss.example', requireTls: false });
  for (let i = 0; i < 2; i++) await sendReport({ ...place.world, mailer: good }, job(delivery.id));
  expect(sink.list().length - before).toBe(1);
  expect((await read<Task>(place.world, 'Task', delivery.id)).status).toBe('completed');
  expect(good.last()).toMatchObject({ taken: true });
  good.close();
}); // prettier-ignore

test('readiness tells how the relay answered the last message', async () => {
  const { url, system } = place.server;
  const ready = async () => (await (await fetch(`${url}/readyz`)).json()) as object;
  expect(await ready()).toMatchObject({ ready: true, components: { mail: 'nothing sent yet' } });
  const message = { messageId: '<a@csss.example>', to: 'a@example.org', subject: 's', text: 't', attachments: [] };
  await system.world.mailer.send(message);
  expect(await ready()).toMatchObject({
    ready: true,
    degraded: [],
    components: { mail: expect.stringMatching(/^up \(took a message/) as unknown },
  });
});

test('a relay that is not there is told as degraded, and the server stays ready: everything else works', async () => {
  const server = await startTestServer({ workers: false, environment: { SMTP_URL: 'smtp://127.0.0.1:1' } });
  const message = { messageId: '<a@csss.example>', to: 'a@example.org', subject: 's', text: 't', attachments: [] };
  await expect(server.system.world.mailer.send(message)).rejects.toMatchObject({ code: 'transient' });
  const answer = await fetch(`${server.url}/readyz`);
  expect([answer.status, await answer.json()]).toMatchObject([200, { ready: true, degraded: ['mail'] }]);
  await server.stop();
});
