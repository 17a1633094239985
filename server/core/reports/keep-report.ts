import type { Attachment, Binary, DocumentReference, Task } from '@medplum/fhirtypes';
import type { WriteContext } from '../world.ts';
import { Problem } from '../problem.ts';
import { systems } from '../vocabulary/systems.ts';
import { derivedId } from '../derived-id.ts';
import type { Sources } from './gather-report.ts';
import { numberOf } from './report-number.ts';
import { oweReportMail } from './report-mail.ts';
import { releaseAmendment } from '../workflow/release-amendment.ts';
import { type Review, reviewOf } from '../workflow/review.ts';
import { stepsOf } from '../workflow/review-steps.ts';
import { type SignedReport, signedReport } from '../workflow/signed-report.ts';
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

function yearAt(at: Date, timeZone: string): number {
  return Number(new Intl.DateTimeFormat('en', { timeZone, year: 'numeric' }).format(at));
}

/**
 * Stores the PDF and releases the review, or the amendment of a released one, in the caller's transaction: Binary,
 * DocumentReference, the report with its new status, and the mails that are now owed. Nothing happens if the delivery
 * is not waiting any more.
 *
 * @throws Problem `transient` if the report changed since its content was gathered: it must be printed again;
 *   signature-mismatch (`isMismatch`) if what it rests on changed since it was signed.
 */
export async function keepReport(
  context: WriteContext,
  print: { delivery: Kept<'Task'>; number: string; sources: Sources; pdf: Uint8Array },
): Promise<void> {
  const delivery = await waitingDelivery(context, print.delivery.id);
  if (!delivery) return;
  const review = await reviewOf(context, delivery);
  const report = await locked(context, 'DiagnosticReport', referenceTo(print.sources.report));
  if (report.meta?.versionId !== print.sources.report.meta?.versionId) {
    throw new Problem('transient', 'The report changed while it was printed.', { retryAfter: 1 });
  }
  const { coordination } = review;
  const steps = await stepsOf(context.stores, coordination.id);
  const signed = await signedReport(context.world, context.stores, delivery, { coordination, steps, report });
  const at = context.world.now().toISOString();
  const patient = referenceTo(print.sources.patient);
  const binary = await create(context, pdfBinary(delivery, patient, print.pdf));
  const attachment = attachmentOf(binary.id, print, signed.version, at);
  const document = await create(context, reportDocument(delivery, { ...print, signed }, attachment, at));
  const deliveries = await release(review, delivery, { signed, report, document, pdf: print.pdf, at, attachment });
  for (const step of deliveries) await oweReportMail(context.stores, step);
}

/** @returns the deliveries of which a mail is owed. */
async function release(
  review: Review,
  delivery: Kept<'Task'>,
  issued: {
    signed: SignedReport;
    report: Kept<'DiagnosticReport'>;
    document: Kept<'DocumentReference'>;
    pdf: Uint8Array;
    at: string;
    attachment: Attachment;
  },
): Promise<Kept<'Task'>[]> {
  const { signed, report, document, pdf } = issued;
  const changed = { issued: issued.at, presentedForm: [issued.attachment] };
  const { amendment } = signed;
  if (amendment)
    return releaseAmendment(review, delivery, { amendment, parts: signed, report, document, pdf, changed });
  const final = await put(review.context, withoutLabel({ ...report, ...changed, status: 'final' }));
  await releaseReview(review, delivery, { document: referenceTo(document), report: final, pdf });
  return [delivery];
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

function attachmentOf(
  binaryId: string,
  { number, pdf }: { number: string; pdf: Uint8Array },
  version: number,
  at: string,
): Attachment {
  return {
    contentType: 'application/pdf',
    language: 'en',
    url: `Binary/${binaryId}`,
    size: pdf.length,
    hash: hashOf(pdf),
    title: version === 1 ? `Diagnostic report ${number}` : `Diagnostic report ${number}, version ${version}`,
    creation: at,
  };
}

/** Each version is a document of its own (`masterIdentifier`), all of one report (`identifier`). */
function reportDocument(
  delivery: Task,
  { number, sources, signed }: { number: string; sources: Sources; signed: SignedReport },
  attachment: Attachment,
  at: string,
): DocumentReference & { id: string } {
  const { reading, addenda, version, approval } = signed;
  const authors = [reading, ...addenda].flatMap(({ step }) => step.owner?.reference ?? []);
  const approver = pointer(approval.step.owner);
  const earlier = version > 1 ? outputOf(sources.coordination, 'document') : undefined;
  return {
    resourceType: 'DocumentReference',
    id: derivedId('report-document', delivery.id!),
    masterIdentifier: {
      system: systems.reportNumber,
      value: version === 1 ? number : `${number}.${version}`,
    },
    identifier: [{ system: systems.reportNumber, value: number }],
    status: 'current',
    docStatus: version === 1 ? 'final' : 'amended',
    type: { coding: [{ system: systems.loinc, code: '18748-4', display: 'Diagnostic imaging study' }] },
    subject: referenceTo(sources.patient),
    date: at,
    author: [...new Set(authors)].map((reference) => ({ reference })),
    ...(approver && { authenticator: approver }),
    ...(earlier && { relatesTo: [{ code: 'replaces', target: earlier }] }),
    content: [{ attachment }],
    context: { related: [referenceTo(sources.study), referenceTo(sources.report)] },
  };
}
