/**
 * A review that was in error, mostly because its images are another patient's: all that was said in it stays for staff,
 * as said in error, and no patient reads it any more.
 */
import type { CodeableConcept, DocumentReference, Reference, Resource, ResourceType } from '@medplum/fhirtypes';
import { searchOwn } from '../records/own-search.ts';
import { isDerivedId } from '../derived-id.ts';
import { type Kept, put } from '../records/server-write.ts';
import type { WriteContext } from '../world.ts';
import { idIn, type Pointer, referenceTo, versioned } from '../r4/pointer.ts';
import { statusOf, stepOf } from '../vocabulary/review-codes.ts';
import { withholding } from '../vocabulary/security-labels.ts';
import { ownIssuesOf } from './medication-issues.ts';
import { recordProvenance } from './provenance.ts';
import { stepsOf } from './review-steps.ts';
import { outputOf, outputsOf } from './review-tasks.ts';
import { ended, moveCoordination, type Review, reviewAt } from './review.ts';
import { isEnded } from './task-moves.ts';
import { oweWithdrawal, reportWasSent } from './withdrawal.ts';

/**
 * Retracts a review in whatever state it is: open steps are cancelled, so that the jobs that work for them find them
 * ended and write nothing; report, results, pictures, medication and documents become `entered-in-error`; all of it,
 * the PDF and the proof of its delivery too, is kept from the patient. Whoever was mailed the report is told that it was
 * withdrawn. Once is enough: a review that is retracted stays as it is.
 *
 * @param change.reason stands on the steps and on the coordination Task.
 * @returns the coordination Task as it is now: `entered-in-error`, RETRACTED.
 */
export async function retractReview(
  context: WriteContext,
  coordination: Kept<'Task'>,
  change: { reason: CodeableConcept },
): Promise<Kept<'Task'>> {
  const review = await reviewAt(context, referenceTo(coordination));
  if (statusOf(review.coordination.businessStatus) === 'RETRACTED') return review.coordination;
  // Under the lock of the coordination Task nobody makes or ends a step.
  const steps = await stepsOf(context.stores, coordination.id);
  const written: Pointer[] = [];
  for (const step of steps) {
    if (isEnded(step.status)) continue;
    written.push(versioned(await put(context, ended(review, step, 'cancelled', change.reason))));
    await context.stores.deliveries.cancelFor(referenceTo(step).reference);
  }
  written.push(...(await withdrawResults(review)));
  for (const delivery of steps.filter(({ code }) => stepOf(code) === 'report-delivery')) {
    const sent = await reportWasSent(context.stores, delivery);
    if (sent) written.push(referenceTo(await oweWithdrawal(context, delivery)));
  }
  const inErrorNow = await endInError(review, change.reason);
  await recordProvenance(context, {
    act: 'retract',
    operation: 'UPDATE',
    targets: [versioned(inErrorNow), ...written],
  });
  return inErrorNow;
}

/** The patient reads the coordination Task too. R4 has no way from an open Task to `entered-in-error` but by its end. */
async function endInError(review: Review, statusReason: CodeableConcept): Promise<Kept<'Task'>> {
  review.coordination = { ...review.coordination, meta: withholding(review.coordination.meta) };
  if (!isEnded(review.coordination.status))
    await moveCoordination(review, { status: 'cancelled', business: 'RETRACTED', statusReason });
  return moveCoordination(review, { status: 'entered-in-error', business: 'RETRACTED', statusReason });
}

/**
 * Makes everything that a review says an error, and keeps it from the patient, as every file of it.
 *
 * @returns the versions written.
 */
export async function withdrawResults(review: Review): Promise<Pointer[]> {
  const written: Pointer[] = [];
  // Of what a patient cannot read any more no news comes by itself, and a page that is open would go on showing it.
  await review.context.stores.news.post('withdrawn', { role: 'patient' });
  for (const { reference } of await partsOf(review)) {
    const [type, id] = reference.split('/') as [ResourceType, string];
    const part = (await review.context.stores.records.lock(type, id))?.resource as Kept<ResourceType> | undefined;
    if (!part) continue;
    const withdrawn = { ...part, ...inError[type], meta: withholding(part.meta) } as Kept<ResourceType>;
    written.push(versioned(await put(review.context, withdrawn)));
  }
  return written;
}

/** What makes a record of each type an error. A file has no status, and a message that was sent was sent. */
const inError: Partial<Record<ResourceType, object>> = {
  DiagnosticReport: { status: 'entered-in-error' },
  Observation: { status: 'entered-in-error' },
  Media: { status: 'entered-in-error' },
  MedicationRequest: { status: 'entered-in-error' },
  DetectedIssue: { status: 'entered-in-error' },
  DocumentReference: { status: 'entered-in-error', docStatus: 'entered-in-error' },
};

/** Records of a review beside its Tasks and its order, each once: what was written in it. */
export async function partsOf({
  context: { stores },
  coordination,
}: Pick<Review, 'context' | 'coordination'>): Promise<Pointer[]> {
  const found = new Map<string, Pointer>();
  const add = (reference: Reference | undefined): void => {
    const [, type, id] = /^([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(reference?.reference ?? '') ?? [];
    if (type !== undefined && id !== undefined) found.set(`${type}/${id}`, { reference: `${type}/${id}` });
  };
  const kept = async (reference: Pointer): Promise<Resource | undefined> => {
    const [type, id] = reference.reference.split('/') as [ResourceType, string];
    return (await stores.records.lock(type, id))?.resource;
  };
  for (const type of ['ai-finding', 'clinical-finding', 'concordance', 'medication', 'document'] as const)
    for (const { valueReference } of outputsOf(coordination, type)) add(valueReference);
  for (const step of await stepsOf(stores, coordination.id))
    for (const { valueReference } of outputsOf(step, 'message')) add(valueReference);
  const reportId = idIn(outputOf(coordination, 'report'), 'DiagnosticReport');
  const report =
    reportId === undefined ? undefined : (await stores.records.lock('DiagnosticReport', reportId))?.resource;
  if (report?.resourceType === 'DiagnosticReport') {
    add(referenceTo(report));
    for (const reference of report.result ?? []) add(reference);
    for (const { link } of report.media ?? []) add(link);
    for (const { url } of report.presentedForm ?? []) add({ ...(url && { reference: url }) });
    const about = { parameter: 'related', values: [`DiagnosticReport/${report.id}`] };
    // Documents of people that refer to the report are theirs to judge, and may name anybody's records.
    for (const document of (await searchOwn(stores, 'DocumentReference', [about], { count: 100 })).found)
      if (isDerivedId(document.id)) add(referenceTo(document));
  }
  for (const reference of [...found.values()]) {
    const record = await kept(reference);
    for (const file of filesOf(record)) add(file);
    if (record?.resourceType === 'MedicationRequest') for (const issue of ownIssuesOf(record)) add(issue);
  }
  return [...found.values()].sort((one, other) => (one.reference < other.reference ? -1 : 1));
}

/** Where the bytes of a record lie that the server wrote: an attachment may name any record. */
function filesOf(resource: Resource | undefined): Pointer[] {
  if (!isDerivedId(resource?.id)) return [];
  const urls =
    resource?.resourceType === 'Media'
      ? [resource.content.url]
      : resource?.resourceType === 'DocumentReference'
        ? (resource as DocumentReference).content.map(({ attachment }) => attachment.url)
        : [];
  return urls.map((url) => ({ reference: url ?? '' })).filter((file) => isDerivedId(idIn(file, 'Binary')));
}
