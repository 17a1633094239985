import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

/** A message as the mailbox page shows it. */
export interface SunkMail {
  /** Number in this mailbox, from 1. */
  id: number;
  messageId: string;
  from: string;
  to: string[];
  subject: string;
  text: string;
  receivedAt: Date;
  attachments: { name: string; contentType: string; size: number }[];
}

export interface MailSink {
  /** `smtp://127.0.0.1:port`: what the mailer is given in demo mode. */
  url: string;
  /** Newest first. */
  list(): SunkMail[];
  read(id: number): { mail: SunkMail; attachments: Uint8Array[] } | undefined;
  close(): Promise<void>;
}

interface Kept {
  mail: SunkMail;
  attachments: Uint8Array[];
}

const mostMails = 200;
const mostBytes = 25 * 1024 * 1024;

/**
 * A mail server for demonstrations: takes every message on the loopback interface and delivers none. The
 * mailbox lives in memory and keeps the latest messages.
 */
export async function startMailSink(options: { port?: number } = {}): Promise<MailSink> {
  const box: Kept[] = [];
  let next = 1;
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    size: mostBytes,
    logger: false,
    onData(stream, session, done) {
      const recipients = session.envelope.rcptTo.map(({ address }) => address);
      buffer(stream)
        .then(async (bytes) => {
          if (stream.sizeExceeded) throw new Error('Message too large');
          const kept = await parse(bytes, next++, recipients);
          box.push(kept);
          if (box.length > mostMails) box.shift();
          done();
        })
        .catch((error: unknown) => done(error instanceof Error ? error : new Error('Message not understood')));
    },
  });
  // A client that goes away in the middle is no fault of the mailbox.
  server.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    list: () => box.map(({ mail }) => mail).reverse(),
    read: (id) => box.find(({ mail }) => mail.id === id),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function parse(bytes: Buffer, id: number, recipients: string[]): Promise<Kept> {
  const message = await PostalMime.parse(bytes);
  const attachments = message.attachments.map(({ content }) =>
    typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content),
  );
  return {
    mail: {
      id,
      messageId: message.messageId ?? '',
      from: message.from?.address ?? '',
      to: recipients,
      subject: message.subject ?? '',
      text: message.text ?? '',
      receivedAt: new Date(),
      attachments: message.attachments.map(({ filename, mimeType }, i) => ({
        name: filename ?? 'attachment',
        contentType: mimeType,
        size: attachments[i]!.length,
      })),
    },
    attachments,
  };
}
