import { join } from 'node:path';
import { Problem } from '../core/problem.ts';
import type { Mailer } from '../core/deliveries/mailer.ts';
import type { PdfPrinter } from '../core/reports/pdf-printer.ts';
import { startMailSink, type MailSink } from '../infrastructure/mail/mail-sink.ts';
import { smtpMailer, type SmtpMailer } from '../infrastructure/mail/smtp-mailer.ts';
import { startPrinter, type Printer } from '../infrastructure/pdf/printer.ts';
import type { Start } from './start.ts';

export interface Reports {
  pdf: PdfPrinter;
  mailer: Mailer;
  /** The same with their states; a process that is no worker has none. */
  working?: { pdf: Printer; mailer: SmtpMailer };
  /** The demo's own mailbox. */
  sink?: MailSink;
}

/** The browser that prints reports and the way to the mail relay: of a worker, because both are used by jobs only. */
export async function openReports({ config, closing }: Start): Promise<Reports> {
  if (!config.roles.worker) return { pdf: { print: notHere }, mailer: { send: notHere } };
  const [pdf, sink] = await Promise.all([
    startPrinter({
      cacheFolder: join(config.dataDir, 'browser'),
      ...(config.chromiumPath === undefined ? {} : { chromiumPath: config.chromiumPath }),
    }),
    config.smtpUrl === undefined ? startMailSink() : undefined,
  ]);
  closing.push(pdf.close);
  if (sink) closing.push(sink.close);
  const mailer = smtpMailer({
    url: config.smtpUrl ?? sink!.url,
    from: config.mailFrom,
    requireTls: sink === undefined,
  });
  closing.push(async () => mailer.close());
  return { pdf, mailer, working: { pdf, mailer }, ...(sink && { sink }) };
}

function notHere(): Promise<never> {
  return Promise.reject(
    new Problem('exception', 'This process neither prints nor mails: reports are jobs of workers.'),
  );
}
