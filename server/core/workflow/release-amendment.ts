/**
 * The release of an amendment: all of it in the transaction that stores the new PDF, so that the earlier report is what
 * everybody reads until the new one is there (docs/workflow.md).
 */
import type { Communication, DiagnosticReport, Reference, Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { searchOwn } from '../records/own-search.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { idIn, type Pointer, pointer, referenceTo, versioned } from '../r4/pointer.ts';
import { reasonConcept } from '../vocabulary/review-codes.ts';
import { withholding } from '../vocabulary/security-labels.ts';
import { type AmendmentKind, amendmentOf, kindOf } from './amendment.ts';
import { addReading, hear, keepReading, type KeptReading, type Reading } from './keep-reading.ts';
import { recordRelease, showResults, withoutLabel } from './release.ts';
import { conclusionCodes, conclusionText, isFor, type ReportParts, type SignedWord } from './report-parts.ts';
import { input, output, outputOf, outputsOf, stepTask } from './review-tasks.ts';
import { ended, moveCoordination, openSteps, type Review } from './review.ts';
import { resultsWith } from './verify.ts';
import type { Reading as ReadStores } from '../world.ts';

/** What a released report becomes (FHIR diagnostic-report-status). */
const statuses = {
  addendum: 'appended',
  correction: 'corrected',
  amendment: 'amended',
} as const satisfies Record<AmendmentKind, DiagnosticReport['status']>;

export interface IssuedAmendment {
  amendment: Kept<'Task'>;
  parts: ReportParts;
  /** The document of the new version. */
  document: Kept<'DocumentReference'>;
  /** The report as it stands, locked; `changed` is what the new version changes beside its words. */
  report: Kept<'DiagnosticReport'>;
  changed: Pick<DiagnosticReport, 'issued' | 'presentedForm'>;
  pdf: Uint8Array;
}

/**
 * The words of the amendment become records that the patient reads, the report says them, and the earlier document is
 * superseded: kept, and read by staff only. Everybody who was told of the earlier report is told again.
 *
 * @returns the deliveries of which a mail is owed: the patient's, and one for each other recipient.
 * @throws Problem `conflict` if the report is not released any more.
 */
export async function releaseAmendment(
  review: Review,
  delivery: Kept<'Task'>,
  issued: IssuedAmendment,
): Promise<Kept<'Task'>[]> {
  const { context } = review;
  if (review.status !== 'REPORT_READY') throw new Problem('conflict', `The review is ${review.status}.`);
  const { report, kept } = await rewritten(review, issued);
  const shown = await showResults(review, report);
  const medication = await changeMedication(review, issued);
  const old = await supersede(review);
  const done = await put(context, {
    ...issued.amendment,
    output: [...(issued.amendment.output ?? []), ...said(kept, issued)],
  });
  const moved = await moveCoordination(review, {
    outputs: [...outputsAfter(issued, kept), ...medication.outputs, output('document', referenceTo(issued.document))],
  });
  await stopEarlierMails(review, delivery);
  const deliveries = await openDeliveries(review, delivery, issued.document, report);
  const others = [done, moved, ...deliveries, ...medication.written].map(versioned);
  const documents = { report, document: referenceTo(issued.document), pdf: issued.pdf };
  await recordRelease(review, delivery, documents, [...others, ...shown, ...old]);
  return deliveries;
}

/** The report with the new text, and the records behind it. */
async function rewritten(
  review: Review,
  { amendment, parts, report, changed }: IssuedAmendment,
): Promise<{ report: Kept<'DiagnosticReport'>; kept: KeptReading }> {
  const kind = kindOf(amendment);
  const fresh = kind === 'addendum' ? parts.addenda.at(-1)! : parts.reading;
  const leading = outputsOf(amendment, 'ai-finding').at(-1)?.valueReference;
  const ai = leading && (await locked(review.context, 'Observation', leading));
  const reading: Reading = {
    word: fresh.word,
    reader: { reference: amendment.owner?.reference ?? '' },
    at: amendment.executionPeriod?.end ?? review.at.toISOString(),
    ai,
    status: { standing: kind === 'correction' ? 'corrected' : 'amended', fresh: 'final' },
    shown: true,
  };
  const isAddendum = kind === 'addendum';
  const kept: KeptReading = isAddendum
    ? { ...(await addReading(review, reading)), dropped: undefined }
    : await keepReading(review, reading);
  if (!isAddendum) await hear(review, ai, fresh.word);
  const codes = conclusionCodes(parts);
  const { conclusionCode: _earlier, ...open } = report;
  const written = await put(review.context, {
    ...open,
    ...changed,
    status: statuses[kind],
    conclusion: conclusionText(parts),
    ...(codes.length > 0 && { conclusionCode: codes }),
    resultsInterpreter: readersOf([parts.reading, ...parts.addenda]),
    result: resultsWith(report, { ai, kept }),
  });
  return { report: written, kept };
}

function readersOf(words: SignedWord[]): Pointer[] {
  const readers = words.flatMap(({ step }) => step.owner?.reference ?? []);
  return [...new Set(readers)].map((reference) => ({ reference }));
}

/** What the step of the amendment names as its result: it is released by that. */
function said({ finding, concordance }: KeptReading, { document }: IssuedAmendment) {
  return [
    output('clinical-finding', referenceTo(finding)),
    // A later output of a type counts: the statement that was computed while there was no record of it stays before it.
    ...(concordance ? [output('concordance', referenceTo(concordance))] : []),
    output('document', referenceTo(document)),
  ];
}

function outputsAfter({ amendment }: IssuedAmendment, { finding, concordance }: KeptReading) {
  if (kindOf(amendment) === 'addendum') return [];
  return [
    output('clinical-finding', referenceTo(finding)),
    ...(concordance ? [output('concordance', referenceTo(concordance))] : []),
  ];
}

/** A correction's own medication replaces the earlier: what it does not name any more is stopped. */
async function changeMedication(
  review: Review,
  { amendment, parts }: IssuedAmendment,
): Promise<{ outputs: ReturnType<typeof outputsOf>; written: Kept<'MedicationRequest'>[] }> {
  const step = parts.pharmacist?.step;
  if (!step || !isFor(step, amendment)) return { outputs: [], written: [] };
  return replaceMedication(review, outputsOf(step, 'medication'));
}

async function replaceMedication(
  { context, coordination }: Review,
  outputs: ReturnType<typeof outputsOf>,
): Promise<{ outputs: ReturnType<typeof outputsOf>; written: Kept<'MedicationRequest'>[] }> {
  const written: Kept<'MedicationRequest'>[] = [];
  for (const { valueReference } of outputs) {
    if (idIn(valueReference, 'MedicationRequest') === undefined) continue;
    const proposal = await locked(context, 'MedicationRequest', valueReference);
    if (proposal.status === 'draft') written.push(await put(context, withoutLabel({ ...proposal, status: 'active' })));
  }
  const named = new Set(outputs.map(({ valueReference }) => valueReference?.reference));
  for (const { valueReference } of outputsOf(coordination, 'medication')) {
    if (idIn(valueReference, 'MedicationRequest') === undefined || named.has(valueReference?.reference)) continue;
    const earlier = await locked(context, 'MedicationRequest', valueReference);
    if (earlier.status !== 'active') continue;
    written.push(await put(context, { ...earlier, status: 'stopped', statusReason: reasonConcept('amended') }));
  }
  return { outputs, written };
}

/** The earlier document is kept for staff: the patient reads the new one, and does not act by the old. */
async function supersede({ context, coordination }: Review): Promise<Pointer[]> {
  const id = idIn(outputOf(coordination, 'document'), 'DocumentReference');
  if (id === undefined) return [];
  const document = await locked(context, 'DocumentReference', { reference: `DocumentReference/${id}` });
  const old = await put(context, { ...document, status: 'superseded', meta: withholding(document.meta) });
  const written = [versioned(old)];
  for (const { attachment } of document.content) {
    const file = idIn(pointer({ reference: attachment.url ?? '' }), 'Binary');
    if (file === undefined) continue;
    const binary = await locked(context, 'Binary', { reference: `Binary/${file}` });
    written.push(versioned(await put(context, { ...binary, meta: withholding(binary.meta) })));
  }
  return written;
}

/** A mail that still waits to bring the earlier version must not arrive after the new one. */
async function stopEarlierMails(review: Review, delivery: Task): Promise<void> {
  for (const step of await openSteps(review, 'report-delivery'))
    if (step.status === 'in-progress' && step.id !== delivery.id) {
      await put(review.context, ended(review, step, 'cancelled', reasonConcept('superseded')));
      await review.context.stores.deliveries.cancelFor(referenceTo(step).reference);
    }
}

/** The patient's delivery, and one for each other person who was told of an earlier version. */
async function openDeliveries(
  review: Review,
  delivery: Kept<'Task'>,
  document: Kept<'DocumentReference'>,
  report: Kept<'DiagnosticReport'>,
): Promise<Kept<'Task'>[]> {
  const { context, coordination } = review;
  const at = review.at.toISOString();
  const begun = (step: Kept<'Task'>): Kept<'Task'> => ({
    ...step,
    status: 'in-progress',
    lastModified: at,
    executionPeriod: { start: at },
    output: [...(step.output ?? []), output('document', referenceTo(document))],
  });
  const amended = amendmentOf(delivery);
  const deliveries = [await put(context, begun(delivery))];
  for (const recipient of await otherRecipients(review.context.stores, coordination, report)) {
    const step = stepTask(coordination, {
      code: 'report-delivery',
      at: review.at,
      priority: delivery.priority,
      input: [...(amended ? [input('amended-by', amended)] : []), input('recipient', recipient)],
    });
    deliveries.push(await create(context, begun(step)));
  }
  return deliveries;
}

const mostMessages = 200;

/** Who was told of this report before, beside its patient, by us or by another system that wrote it down here. */
export async function otherRecipients(
  stores: Pick<ReadStores, 'records'>,
  coordination: Task,
  report: DiagnosticReport,
): Promise<Pointer[]> {
  const patient = { parameter: 'subject', values: [coordination.for?.reference ?? ''] };
  const { found } = await searchOwn(stores, 'Communication', [patient], { count: mostMessages });
  const about = (message: Communication): boolean =>
    message.status === 'completed' &&
    (message.about ?? []).some(({ reference }) => reference === referenceTo(report).reference);
  const told = found.filter(about).flatMap(({ recipient }) => recipient ?? []);
  const others = told.filter((one: Reference) => one.reference && one.reference !== coordination.for?.reference);
  return [...new Set(others.map(({ reference }) => reference!))].map((reference) => ({ reference }));
}
