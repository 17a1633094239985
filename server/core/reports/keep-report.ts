import type { Attachment, Binary, DiagnosticReport, DocumentReference, Task } from '@medplum/fhirtypes';
import type { WriteContext } from '../world.ts';
import { Problem } from '../problem.ts';
import { systems } from '../vocabulary/systems.ts';
import { derivedId } from '../derived-id.ts';
import type { Sources } from './gather-report.ts';
import { lastDone } from '../workflow/review-steps.ts';
import { releaseReview, waitingDelivery, withoutLabel } from '../workflow/release.ts';
import { outputOf } from '../workflow/review-tasks.ts';
import { hashOf } from '../records/attachment-check.ts';
import { type Pointer, pointer, referenceTo } from '../r4/pointer.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';

/**
 * Gives the report its number (CSS-YYYY-NNNNN, year of the site) when work on it begins; a second try finds it.
 *
 * @returns undefined if the delivery is no longer waiting for its PDF.
 */
export async function numberReport(
  context: WriteContext,
  taskId: string,
): Promise<{ delivery: Kept<'Task'>; number: string } | undefined> {
  const delivery = await waitingDelivery(context, taskId);
  if (!delivery) return undefined;
  const coordination = await locked(context, 'Task', delivery.partOf?.[0]);
  const report = await locked(context, 'DiagnosticReport', outputOf(coordination, 'report'));
  const standing = numberOf(report);
  if (standing !== undefined) return { delivery, number: standing };
  const year = yearAt(context.world.now(), context.world.settings.timeZone);
  const serial = await context.stores.reportNumbers.next(year);
  const number = `CSS-${year}-${String(serial).padStart(5, '0')}`;
  const identifier = [...(report.identifier ?? []), { system: systems.reportNumber, value: number }];
  await put(context, { ...report, identifier });
  return { delivery, number };
}

export function numberOf(report: DiagnosticReport): string | undefined {
  return report.identifier?.find(({ system }) => system === systems.reportNumber)?.value;
}

function yearAt(at: Date, timeZone: string): number {
  return Number(new Intl.DateTimeFormat('en', { timeZone, year: 'numeric' }).format(at));
}

/**
 * Stores the PDF and releases the review, in the caller's transaction: Binary, DocumentReference, final
 * DiagnosticReport, REPORT_READY, and the mail that is now owed. Nothing happens if the delivery is not
 * waiting any more.
 *
 * @throws Problem `transient` if the report changed since its content was gathered: it must be printed again.
 */
export async function keepReport(
  context: WriteContext,
  print: { delivery: Kept<'Task'>; number: string; sources: Sources; pdf: Uint8Array },
): Promise<void> {
  const delivery = await waitingDelivery(context, print.delivery.id);
  if (!delivery) return;
  const report = await locked(context, 'DiagnosticReport', referenceTo(print.sources.report));
  if (report.meta?.versionId !== print.sources.report.meta?.versionId) {
    throw new Problem('transient', 'The report changed while it was printed.', { retryAfter: 1 });
  }
  const at = context.world.now().toISOString();
  const patient = referenceTo(print.sources.patient);
  const binary = await create(context, pdfBinary(delivery, patient, print.pdf));
  const attachment = attachmentOf(binary.id, print, at);
  const document = await create(context, reportDocument(delivery, print, attachment, at));
  const final = await put(
    context,
    withoutLabel({ ...report, status: 'final', issued: at, presentedForm: [attachment] }),
  );
  await releaseReview(context, delivery, { document: referenceTo(document), report: final });
  await context.stores.jobs.enqueue({ kind: 'send-report', key: delivery.id, data: { task: delivery.id } });
}

/** Readable by whoever may read its security context: here the patient's record. */
function pdfBinary(delivery: Task, patient: Pointer, pdf: Uint8Array): Binary & { id: string } {
  return {
    resourceType: 'Binary',
    id: derivedId('report-pdf', delivery.id!),
    contentType: 'application/pdf',
    securityContext: patient,
    data: Buffer.from(pdf).toString('base64'),
  };
}

function attachmentOf(binaryId: string, { number, pdf }: { number: string; pdf: Uint8Array }, at: string): Attachment {
  return {
    contentType: 'application/pdf',
    language: 'en',
    url: `Binary/${binaryId}`,
    size: pdf.length,
    hash: hashOf(pdf),
    title: `Diagnostic report ${number}`,
    creation: at,
  };
}

function reportDocument(
  delivery: Task,
  { number, sources }: { number: string; sources: Sources },
  attachment: Attachment,
  at: string,
): DocumentReference & { id: string } {
  const authors = sources.report.resultsInterpreter ?? [];
  const approver = pointer(lastDone(sources.steps, 'release-approval')?.owner);
  return {
    resourceType: 'DocumentReference',
    id: derivedId('report-document', delivery.id!),
    masterIdentifier: { system: systems.reportNumber, value: number },
    status: 'current',
    docStatus: 'final',
    type: { coding: [{ system: systems.loinc, code: '18748-4', display: 'Diagnostic imaging study' }] },
    subject: referenceTo(sources.patient),
    date: at,
    author: authors.flatMap((author) => pointer(author) ?? []),
    ...(approver && { authenticator: approver }),
    content: [{ attachment }],
    context: { related: [referenceTo(sources.study), referenceTo(sources.report)] },
  };
}
