import { createTransport, type Transporter } from 'nodemailer';
import type { Mailer, OutgoingMail } from '../../core/deliveries/mailer.ts';
import { Problem } from '../../core/problem.ts';
import { isPlainAddress } from '../../core/deliveries/mail-address.ts';

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
}

/** How the relay answered the last message; undefined when there was none yet. */
export type RelayState = { taken: true; at: Date } | { taken: false; at: Date; reason: string } | undefined;

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
  const transport = createTransport({
    ...connection(new URL(options.url), options),
    pool: true,
    maxConnections: 2,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(mail) {
      checkNames(mail);
      try {
        await send(transport, options.from, mail);
        last = { taken: true, at: new Date() };
      } catch (error) {
        last = { taken: false, at: new Date(), reason: reasonOf(error) };
        throw problemOf(error);
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

async function send(transport: Transporter, from: string, mail: OutgoingMail): Promise<void> {
  await transport.sendMail({
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
  });
}

/**
 * SMTP's own difference (RFC 5321 4.2.1): 5yz about this message or its recipient will not get better by trying again,
 * 4yz and lost connections may. So may 5yz about us (sign-in refused, no TLS): the operator puts that right.
 */
function problemOf(error: unknown): Problem {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const aboutTheMail = code === 'EENVELOPE' || code === 'EMESSAGE';
  if (aboutTheMail && typeof responseCode === 'number' && responseCode >= 500) {
    return new Problem('business-rule', 'The mail relay refused the message for good.', { cause: error });
  }
  return new Problem('transient', 'The mail relay cannot take the message now.', { retryAfter: 60, cause: error });
}

/** nodemailer's code and the relay's reply code: its words may hold the address. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  return (
    [code, responseCode].filter((part) => typeof part === 'string' || typeof part === 'number').join(' ') || 'failed'
  );
}
