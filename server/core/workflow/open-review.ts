import type { DiagnosticReport, Identifier, ImagingStudy, ServiceRequest, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { WriteContext } from '../world.ts';
import { skipNotEligible } from './analysis-step.ts';
import { imagesOfReview } from './images-of-step.ts';
import { reviewOf } from './review.ts';
import { statusConcept, statusOf } from '../vocabulary/review-codes.ts';
import { systems } from '../vocabulary/systems.ts';
import { withheld } from '../vocabulary/security-labels.ts';
import type { SettledStudy } from '../studies/study-follower.ts';
import { derivedId } from '../derived-id.ts';
import { recordProvenance } from './provenance.ts';
import { idIn, pointer, referenceTo } from '../r4/pointer.ts';
import { referenceKey } from '../r4/reference-key.ts';
import { nextReviewId, orderIdOf, reportIdOf, reviewOfStudy } from './review-of-study.ts';
import { input, output, stepTask } from './review-tasks.ts';
import { create, type Kept } from '../records/server-write.ts';
import { versioned } from '../r4/pointer.ts';

/**
 * Opens the review of a study that has arrived: the order (a self-referral where nobody ordered it), the
 * coordination Task, the first step and an empty report, all in the caller's transaction (docs/workflow.md).
 *
 * All ids follow from the ImagingStudy's, so a second call, or two senders at once, change nothing. With
 * `settings.analyzeOnArrival` the analysis is owed when the study is complete. Otherwise a study that has no image which
 * the AI is for goes to the doctor at once.
 */
export async function openReview(context: WriteContext, study: SettledStudy): Promise<void> {
  if (!hasSomethingToReview(study.imagingStudy)) return;
  const studyId = study.imagingStudy.id!;
  await context.stores.records.lockKey(`review/${studyId}`);
  const last = await reviewOfStudy(context.stores, studyId);
  if (last && statusOf(last.businessStatus) !== 'RETRACTED') return;
  const coordinationId = nextReviewId(studyId, last);

  const order = await orderOf(context, study, coordinationId);
  const report = await create(context, emptyReport(context, study.imagingStudy, order, coordinationId));
  const coordination = await create(
    context,
    coordinationTask(context, study.imagingStudy, order, report, coordinationId),
  );
  const first = stepTask(coordination, {
    code: 'ai-inference',
    at: context.world.now(),
    id: firstAnalysisId(coordinationId),
  });
  const inference = await create(context, first);
  await recordProvenance(context, {
    act: 'open',
    operation: 'CREATE',
    targets: [coordination, inference, report, order].map(versioned),
    sources: [referenceTo(study.imagingStudy)],
  });
  if (context.world.settings.analyzeOnArrival) return;
  const images = await imagesOfReview(context, coordination);
  if (images.every(({ refusal }) => refusal))
    await skipNotEligible(await reviewOf(context, inference), inference, images);
}

/** Notes about images, rejection notes among them, may come before the images: there is nothing to be read yet. */
function hasSomethingToReview({ series = [] }: ImagingStudy): boolean {
  return series.some(({ modality }) => modality.code !== 'KO');
}

function firstAnalysisId(coordinationId: string): string {
  return derivedId('ai-inference', coordinationId);
}

/** The request that the study names (settle-study.ts finds it by its accession number), or a new self-referral. */
async function orderOf(
  context: WriteContext,
  { imagingStudy, accession }: SettledStudy,
  coordinationId: string,
): Promise<Kept<'ServiceRequest'>> {
  const named = imagingStudy.basedOn
    ?.map((reference) => idIn(reference, 'ServiceRequest'))
    .find((id) => id !== undefined);
  if (named !== undefined) {
    const record = await context.stores.records.read('ServiceRequest', named, everything);
    const order = record?.resource as Kept<'ServiceRequest'> | undefined;
    if (order && isOf(context, order, imagingStudy)) return order;
  }
  const id = orderIdOf(imagingStudy.id!, coordinationId);
  return create(context, selfReferral(context, imagingStudy, accession, id));
}

/** Who registers a study may name any order: another patient's would be done, cancelled and reported with these images. */
function isOf({ world }: WriteContext, order: ServiceRequest, study: ImagingStudy): boolean {
  const [ordered, seen] = [order, study].map(({ subject }) =>
    referenceKey(subject.reference ?? '', world.settings.fhirBaseUrl),
  );
  return ordered?.type === 'Patient' && seen?.type === 'Patient' && ordered.id === seen.id;
}

function selfReferral(
  context: WriteContext,
  imagingStudy: ImagingStudy,
  accession: string | undefined,
  id: string,
): ServiceRequest & { id: string } {
  return {
    resourceType: 'ServiceRequest',
    id,
    identifier: [accessionIdentifier(accession ?? `C${id.replaceAll('-', '').slice(0, 15).toUpperCase()}`)],
    status: 'active',
    intent: 'order',
    category: [{ coding: [{ system: systems.diagnosticService, code: 'RAD', display: 'Radiology' }] }],
    code: { text: imagingStudy.description ?? 'Review of an imaging study' },
    subject: imagingStudy.subject,
    requester: pointer(imagingStudy.referrer) ?? pointer(imagingStudy.subject)!,
    authoredOn: context.world.now().toISOString(),
  };
}

/** DICOM Accession Number (0008,0050) as FHIR carries it; 16 characters at most when it is ours. */
function accessionIdentifier(value: string): Identifier {
  return {
    type: { coding: [{ system: systems.identifierType, code: 'ACSN', display: 'Accession ID' }] },
    system: systems.accessionNumber,
    value,
  };
}

function coordinationTask(
  context: WriteContext,
  imagingStudy: ImagingStudy,
  order: ServiceRequest,
  report: DiagnosticReport,
  id: string,
): Task & { id: string } {
  const at = context.world.now().toISOString();
  const accession =
    order.identifier?.find(({ type }) => type?.coding?.some(({ code }) => code === 'ACSN')) ?? order.identifier?.[0];
  const requester = pointer(order.requester) ?? pointer(imagingStudy.subject);
  const studyUid = imagingStudy.identifier?.find(({ system }) => system === systems.studyUid);
  return {
    resourceType: 'Task',
    id,
    ...(studyUid && { identifier: [studyUid] }),
    basedOn: [referenceTo(order)],
    ...(accession && { groupIdentifier: accession }),
    status: 'received',
    businessStatus: statusConcept('PENDING_AI'),
    intent: 'order',
    priority: order.priority ?? 'routine',
    code: { coding: [{ system: systems.taskCode, code: 'fulfill', display: 'Fulfill the focal request' }] },
    description: 'Review of an imaging study',
    focus: referenceTo(order),
    for: imagingStudy.subject,
    authoredOn: at,
    lastModified: at,
    ...(requester && { requester }),
    input: [input('study', referenceTo(imagingStudy))],
    output: [output('report', referenceTo(report))],
  };
}

function emptyReport(
  context: WriteContext,
  imagingStudy: ImagingStudy,
  order: ServiceRequest,
  coordinationId: string,
): DiagnosticReport & { id: string } {
  const id = reportIdOf(imagingStudy.id!, coordinationId);
  return {
    resourceType: 'DiagnosticReport',
    id,
    meta: { security: [withheld] },
    basedOn: [referenceTo(order)],
    status: 'registered',
    category: [{ coding: [{ system: systems.diagnosticService, code: 'RAD', display: 'Radiology' }] }],
    code: { coding: [{ system: systems.loinc, code: '18748-4', display: 'Diagnostic imaging study' }] },
    subject: imagingStudy.subject,
    effectiveDateTime: imagingStudy.started ?? context.world.now().toISOString(),
    performer: [{ display: context.world.settings.organizationName }],
    imagingStudy: [referenceTo(imagingStudy)],
  };
}
