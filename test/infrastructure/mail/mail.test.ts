import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OutgoingMail } from '../../../server/core/deliveries/mailer.ts';
import { startMailSink, type MailSink } from '../../../server/infrastructure/mail/mail-sink.ts';
import { smtpMailer } from '../../../server/infrastructure/mail/smtp-mailer.ts';

let sink: MailSink;
let mailer: ReturnType<typeof smtpMailer>;
const mail = (over: Partial<OutgoingMail> = {}): OutgoingMail => ({
  messageId: '<report.1@csss.example>',
  to: 'patient@example.org',
  subject: 'Your report CSS-2026-00001 is ready',
  text: 'Hello,\n\nit is attached.',
  attachments: [{ name: 'CSS-2026-00001.pdf', contentType: 'application/pdf', bytes: Uint8Array.of(37, 80, 68, 70) }],
  ...over,
});

beforeAll(async () => {
  sink = await startMailSink();
  mailer = smtpMailer({ url: sink.url, from: 'reports@csss.example', requireTls: false });
});
afterAll(async () => {
  mailer.close();
  await sink.close();
});

test('a message arrives with its one recipient, its id and its attachment', async () => {
  await mailer.send(mail());
  const [received] = sink.list();
  expect(received).toMatchObject({
    messageId: '<report.1@csss.example>', from: 'reports@csss.example', to: ['patient@example.org'], subject: 'Your report CSS-2026-00001 is ready',
    attachments: [{ name: 'CSS-2026-00001.pdf', contentType: 'application/pdf', size: 4 }],
  }); // prettier-ignore
  expect(received!.text).toContain('it is attached.');
  expect([...sink.read(received!.id)!.attachments[0]!]).toEqual([37, 80, 68, 70]);
  expect(sink.read(999)).toBeUndefined();
});

test.each([
  'a@example.org\r\nBcc: evil@example.org',
  'a@example.org, evil@example.org',
  'group: a@example.org;',
  'a@example.org <evil@example.org>',
  '',
])('the address %j is refused before anything is sent', async (to) => {
  const before = sink.list().length;
  await expect(mailer.send(mail({ to }))).rejects.toMatchObject({ code: 'value' });
  expect(sink.list()).toHaveLength(before);
});

test('line breaks in subject, file name and text inject no header and no recipient', async () => {
  await mailer.send(
    mail({
      subject: 'Ready\r\nBcc: evil@example.org\r\nX-Evil: 1',
      text: 'body\r\n.\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<evil@example.org>',
      attachments: [{ name: 'a.pdf"\r\nX-Evil: 2', contentType: 'application/pdf', bytes: new Uint8Array(1) }],
    }),
  );
  const [received] = sink.list();
  expect(received!.to).toEqual(['patient@example.org']);
  expect(received!.subject).toBe('Ready Bcc: evil@example.org X-Evil: 1');
  expect(received!.text).toContain('RCPT TO:<evil@example.org>');
});

test('a message id with a line break is refused', async () => {
  await expect(mailer.send(mail({ messageId: '<a@b>\r\nBcc: evil@example.org' }))).rejects.toMatchObject({
    code: 'value',
  });
});

/** A relay that speaks what it is told to: answers by the first word of each command. */
async function relay(answers: Record<string, string>): Promise<{ url: string; said: string[]; server: Server }> {
  const said: string[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.write('220 relay\r\n');
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\r\n').filter(Boolean)) {
        said.push(line);
        const word = line.split(' ')[0]!.toUpperCase();
        socket.write(`${answers[word] ?? '250 ok'}\r\n`);
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`, said, server };
}

test.each([
  [{ RCPT: '550 no such person' }, 'business-rule'],
  [{ RCPT: '451 try later' }, 'transient'],
  [{ MAIL: '421 closing' }, 'transient'],
] as const)('a relay that says %j gives %s', async (answers, code) => {
  const { url, server } = await relay(answers);
  const own = smtpMailer({ url, from: 'reports@csss.example', requireTls: false });
  await expect(own.send(mail())).rejects.toMatchObject({ code });
  own.close();
  server.close();
});

test('where TLS is required a relay without STARTTLS gets no message', async () => {
  const { url, said, server } = await relay({ EHLO: '250 relay', STARTTLS: '502 not here' });
  const own = smtpMailer({ url, from: 'reports@csss.example', requireTls: true });
  await expect(own.send(mail())).rejects.toMatchObject({
    code: expect.stringMatching(/transient|business-rule/) as unknown,
  });
  expect(said.some((line) => /^(MAIL|RCPT|DATA)/i.test(line))).toBe(false);
  own.close();
  server.close();
});

test('a relay that is not there is for another try', async () => {
  const own = smtpMailer({ url: 'smtp://127.0.0.1:1', from: 'reports@csss.example', requireTls: false });
  await expect(own.send(mail())).rejects.toMatchObject({ code: 'transient' });
  own.close();
});

test('the mailbox listens on the loopback interface only and keeps a bounded number of messages', async () => {
  expect(new URL(sink.url).hostname).toBe('127.0.0.1');
});
