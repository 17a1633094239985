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
  if (!config.roles.worker) return { pdf: { print: noBrowser, elsewhere: true }, mailer: { send: notHere } };
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

/** Asked for previews only: reports are jobs of workers. */
function noBrowser(): Promise<never> {
  return Promise.reject(
    new Problem(
      'not-supported',
      'This server process has no browser that prints (it runs with ROLE=api). The report is printed by a worker once it is approved; a preview needs a process with ROLE=all.',
    ),
  );
}

function notHere(): Promise<never> {
  return Promise.reject(new Problem('exception', 'This process sends no mail: that is a job of workers.'));
}
