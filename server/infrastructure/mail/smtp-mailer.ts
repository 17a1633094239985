import { createTransport, type Transporter } from 'nodemailer';
import type { Mailer, OutgoingMail } from '../../core/deliveries/mailer.ts';
import { Problem } from '../../core/problem.ts';
import { isPlainAddress } from '../../core/deliveries/mail-address.ts';
import { codesOf, refusalBy, type RelayAnswer } from '../../core/deliveries/relay-answer.ts';

export interface SmtpOptions {
  /** `smtps://user:password@host:465`, or `smtp://host:587`. */
  url: string;
  /** Sender of every message. */
  from: string;
  /**
   * `smtp://` begins in clear: STARTTLS must follow. Only a relay on this machine, such as the demo mailbox, may
   * do without.
   */
  requireTls: boolean;
  /** Against a relay whose certificate is signed by an authority of the site (PEM). */
  ca?: string;
  /** Shorter in tests. */
  patience?: Partial<typeof patience>;
}

/** How the relay answered the last message; undefined when there was none yet. */
export type RelayState = { taken: true; at: Date } | { taken: false; at: Date; reason: string } | undefined;

/** Milliseconds: to be connected, greeted, between two signs of life, and for a message altogether. */
const patience = { connection: 10_000, greeting: 10_000, silence: 30_000, whole: 150_000 };

export interface SmtpMailer extends Mailer {
  last(): RelayState;
  close(): void;
}

/**
 * A mailer over SMTP (RFC 5321). Each message has exactly one recipient, given in the envelope and not parsed
 * from a header; file and URL contents of messages are off.
 */
export function smtpMailer(options: SmtpOptions): SmtpMailer {
  let last: RelayState;
  const limits = { ...patience, ...options.patience };
  const transport = createTransport({
    ...connection(new URL(options.url), options),
    pool: true,
    maxConnections: 2,
    // A connection that broke may have broken after the message was taken: when to send it again is not the pool's to say.
    maxRequeues: 0,
    connectionTimeout: limits.connection,
    greetingTimeout: limits.greeting,
    socketTimeout: limits.silence,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(mail) {
      checkNames(mail);
      try {
        const answer = await within(limits.whole, send(transport, options.from, mail));
        last = { taken: true, at: new Date() };
        return answer;
      } catch (error) {
        const answer = answerOf(error);
        // What is wrong with one address or message says nothing about the relay.
        if (refusalBy(answer) === 'relay') last = { taken: false, at: new Date(), reason: codesOf(answer) };
        throw problemOf(answer);
      }
    },
    last: () => last,
    close: () => transport.close(),
  };
}

function connection(url: URL, { requireTls, ca }: SmtpOptions) {
  const secure = url.protocol === 'smtps:';
  return {
    host: url.hostname,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: !secure && requireTls,
    ignoreTLS: !secure && !requireTls,
    tls: { minVersion: 'TLSv1.2' as const, ...(ca !== undefined && { ca }) },
    ...(url.username !== '' && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
  };
}

function checkNames(mail: OutgoingMail): void {
  if (!isPlainAddress(mail.to)) throw new Problem('value', 'The e-mail address is not a single plain address.');
  if (!/^<[!-;=?A-~]+@[!-;=?A-~]+>$/.test(mail.messageId))
    throw new Problem('value', 'The message id is not of the form <left@right>.');
}

/** A relay that gives a sign of life now and then could hold a worker for ever. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(Object.assign(new Error('The relay takes too long'), { code: 'ETIMEDOUT' })), ms);
  });
  work.catch(() => undefined); // it may fail after nobody waits for it any more
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function send(transport: Transporter, from: string, mail: OutgoingMail): Promise<RelayAnswer> {
  const { response } = (await transport.sendMail({
    messageId: mail.messageId,
    from,
    to: { name: '', address: mail.to },
    envelope: { from, to: [mail.to] },
    // A subject is one line, whatever comes in.
    subject: mail.subject.replace(/[\r\n]+/g, ' '),
    text: mail.text,
    attachments: mail.attachments.map(({ name, contentType, bytes }) => ({
      filename: name,
      contentType,
      content: Buffer.from(bytes),
    })),
    headers: { 'Auto-Submitted': 'auto-generated' },
  })) as { response?: unknown };
  return { step: 'message', ...replyOf(response) };
}

/** Which of our commands was answered, by nodemailer's words for it. */
function stepOf(code: string | undefined, command: string | undefined): RelayAnswer['step'] {
  if (code === 'EMESSAGE' || command === 'DATA') return 'message';
  if (code === 'EAUTH' || command?.startsWith('AUTH')) return 'sign-in';
  if (command === 'MAIL FROM') return 'sender';
  return command === 'RCPT TO' ? 'recipient' : 'connection';
}

/** A reply (RFC 5321 4.2) with its enhanced code (RFC 2034), if it has one. */
function replyOf(response: unknown): Pick<RelayAnswer, 'reply' | 'status' | 'words'> {
  const found = /^(\d{3})[ -]?(?:([245]\.\d{1,3}\.\d{1,3})(?:\s|$))?([^]*)/.exec(typeof response === 'string' ? response : '');
  if (!found) return {};
  const [, reply, status, words] = found;
  return { reply: Number(reply), ...(status && { status }), ...(words && { words }) };
} // prettier-ignore

function answerOf(error: unknown): RelayAnswer {
  const { code, originalCode, command, response, message } = error as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  // Of a broken connection only the system's code says why: ECONNREFUSED, CERT_HAS_EXPIRED.
  const codes = [text(code), text(originalCode)].filter(Boolean).join(' ');
  const said = replyOf(response);
  return {
    step: stepOf(text(code), text(command)),
    ...(codes !== '' && { code: codes }),
    ...said,
    ...(said.words === undefined && text(message) !== undefined && { words: text(message)! }),
  };
}

/** Only what is about this address or message, and final, is no matter of another try. */
function problemOf(cause: RelayAnswer): Problem {
  return ['address', 'message'].includes(refusalBy(cause))
    ? new Problem('business-rule', 'The mail relay refused the message for good.', { cause })
    : new Problem('transient', 'The mail relay cannot take the message now.', { retryAfter: 60, cause });
}
