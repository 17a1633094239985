/** Which row of `record-rights.ts` a client's write falls under: what the record is, or would become. */
import type {
  Communication, DiagnosticReport, DocumentReference, Identifier, ImagingStudy, Media, MedicationRequest, Observation, Resource,
  ServiceRequest, Task,
} from '@medplum/fhirtypes'; // prettier-ignore
import { everything } from '../access/narrowing.ts';
import { isByOurModel } from '../analysis/registry/model-records.ts';
import { isDerivedId } from '../derived-id.ts';
import { referenceTo } from '../r4/pointer.ts';
import { changedDerivedElement } from '../studies/derived-elements.ts';
import { ownEndpointId } from '../studies/endpoint.ts';
import { studyUidOf, studyUidsOf } from '../studies/study-uid.ts';
import { stepOf } from '../vocabulary/review-codes.ts';
import { isAiAsserted } from '../vocabulary/security-labels.ts';
import { hasCode, systems } from '../vocabulary/systems.ts';
import type { WriteContext } from '../world.ts';
import { namesAuthors } from './own-name.ts';
import type { RecordKind } from './record-rights.ts';
import { idsAmong, idsMeant, isReviewed, isReviewTask, reviewNaming, reviewOfOrder } from './records-of-review.ts';

/** @param after undefined for a deletion. @returns undefined for what no row is about. */
export async function kindOf(
  context: WriteContext,
  before: Resource | undefined,
  after: Resource | undefined,
): Promise<RecordKind | undefined> {
  if (!before && isDerivedId(after?.id)) return 'server-id';
  const special = await ofType(context, before, after);
  if (special !== undefined) return special;
  const one = after ?? before!;
  if (isAiAsserted(one) || (before && isAiAsserted(before))) return 'ai-result-of-others';
  return ofPeople(one, before);
}

function ofPeople(one: Resource, before: Resource | undefined): RecordKind | undefined {
  if (one.resourceType === 'Observation') return 'observation';
  if (one.resourceType === 'DiagnosticReport') return 'report';
  if (one.resourceType === 'ImagingStudy') return 'registered-study';
  if (one.resourceType === 'MedicationRequest')
    return [one, before as MedicationRequest | undefined].every((side) => !side || isProposal(side))
      ? 'medication-proposal'
      : 'medication-order';
  return namesAuthors(one.resourceType) ? 'signed-record' : undefined;
}

/** What a pharmacist may write: it is no order, and becomes none. */
function isProposal({ intent, status }: MedicationRequest): boolean {
  return intent === 'proposal' && ['draft', 'cancelled', 'entered-in-error'].includes(status ?? '');
}

/** Rows of the review and of the server. */
async function ofType(
  context: WriteContext,
  before: Resource | undefined,
  after: Resource | undefined,
): Promise<RecordKind | undefined> {
  const one = after ?? before!;
  const derived = before !== undefined && isDerivedId(before.id);
  switch (one.resourceType) {
    case 'Observation':
      return derived ? 'ai-result' : ofObservation(context, before as Observation | undefined, after as Observation | undefined);
    case 'Media':
      return derived || (await anyByModel(context, [before as Media | undefined, after as Media | undefined])) ? 'ai-result' : undefined;
    case 'DiagnosticReport':
      return derived || (await anyReport(context, [before, after] as (DiagnosticReport | undefined)[])) ? 'review-report' : undefined;
    case 'DocumentReference':
      return derived || [before, after].some((side) => claimsRelease(context, side as DocumentReference | undefined)) ? 'report-document' : undefined;
    case 'Binary':
      return derived ? 'review-content' : undefined;
    case 'Consent':
      return derived ? 'patient-decision' : undefined;
    case 'Communication':
      return derived || (await isDelivery(context, one)) ? 'delivery' : undefined;
    case 'MedicationRequest':
      return before && (await reviewNaming(context.stores, [referenceTo(before).reference])) ? 'review-medication' : undefined;
    case 'DetectedIssue':
      return derived ? 'review-issue' : undefined;
    case 'Provenance':
      return 'provenance';
    case 'Task':
      return ofTask(context, before as Task | undefined, after as Task | undefined);
    case 'ServiceRequest':
      return ofOrder(context, before as ServiceRequest | undefined, after as ServiceRequest | undefined);
    case 'Endpoint':
      return one.id === ownEndpointId ? 'own-endpoint' : undefined;
    case 'ImagingStudy':
      return ofStudy(context, before as ImagingStudy | undefined, after as ImagingStudy | undefined);
    default:
      return undefined;
  }
} // prettier-ignore

async function ofObservation(
  context: WriteContext,
  before: Observation | undefined,
  after: Observation | undefined,
): Promise<RecordKind | undefined> {
  if (await anyByModel(context, [before, after])) return 'ai-result';
  const says = (...codes: string[]) =>
    [before, after].some((side) => hasCode(side?.code, systems.scanFinding, ...codes));
  if (says('clinical-finding', 'concordance')) return 'review-reading';
  if (before && (await reviewNaming(context.stores, [referenceTo(before).reference]))) return 'review-reading';
  return says('ai-classification') ? 'ai-result-of-others' : undefined;
}

async function anyByModel(context: WriteContext, sides: (Observation | Media | undefined)[]): Promise<boolean> {
  for (const side of sides) if (side && (await isByOurModel(context, side))) return true;
  return false;
}

async function anyReport(context: WriteContext, sides: (DiagnosticReport | undefined)[]): Promise<boolean> {
  for (const side of sides) if (side && (await isReportOfReview(context, side))) return true;
  return false;
}

/**
 * A report of whatever status about a study under review, by the study, the order, or what it is made of: the workflow's
 * is the only one, because a second would be read as its result, by the patient too.
 */
async function isReportOfReview(context: WriteContext, report: DiagnosticReport): Promise<boolean> {
  const { stores } = context;
  if (report.identifier?.some(isReportNumber)) return true;
  for (const id of await idsMeant(context, 'ImagingStudy', report, report.imagingStudy))
    if (await isReviewed(stores, id)) return true;
  const orders = await idsMeant(context, 'ServiceRequest', report, report.basedOn);
  if (await reviewOfOrder(stores, orders.map((id) => `ServiceRequest/${id}`))) return true; // prettier-ignore
  if (
    idsAmong(
      context,
      'Media',
      report.media?.map(({ link }) => link),
    ).some(isDerivedId)
  )
    return true;
  const forms = report.presentedForm?.map(({ url }) => (url === undefined ? {} : { reference: url }));
  if (idsAmong(context, 'Binary', forms).some(isDerivedId)) return true;
  const results = idsAmong(context, 'Observation', report.result);
  if (results.some(isDerivedId)) return true;
  return (await reviewNaming(stores, results.map((id) => `Observation/${id}`))) !== undefined; // prettier-ignore
}

/** One that says to be the document of a released report, or its next version. */
function claimsRelease(context: WriteContext, document: DocumentReference | undefined): boolean {
  const replaced = (document?.relatesTo ?? []).map(({ target }) => target);
  return (
    [document?.masterIdentifier, ...(document?.identifier ?? [])].some(isReportNumber) ||
    idsAmong(context, 'DocumentReference', replaced).some(isDerivedId)
  );
}

const isReportNumber = (identifier: Identifier | undefined): boolean => identifier?.system === systems.reportNumber;

async function isDelivery(context: WriteContext, message: Communication): Promise<boolean> {
  if (message.category?.some((concept) => hasCode(concept, systems.reviewData, 'message'))) return true;
  for (const id of idsAmong(context, 'Task', message.partOf)) {
    const record = await context.stores.records.read('Task', id, everything);
    if (stepOf((record?.resource as Task | undefined)?.code) === 'report-delivery') return true;
  }
  return false;
}

/** Who may advance a step is the rule of Task (`advance`); this is about deleting one, and about others that hang themselves on a review. */
async function ofTask(
  context: WriteContext,
  before: Task | undefined,
  after: Task | undefined,
): Promise<RecordKind | undefined> {
  if (!after) return isReviewTask(before!) ? 'review-task' : undefined;
  if ((before && isReviewTask(before)) || isReviewTask(after)) return undefined;
  for (const id of idsAmong(context, 'Task', after.partOf)) {
    const parent = await context.stores.records.read('Task', id, everything);
    if (parent?.resource && isReviewTask(parent.resource as Task)) return 'review-task';
  }
  return undefined;
}

async function ofOrder(
  { stores }: WriteContext,
  before: ServiceRequest | undefined,
  after: ServiceRequest | undefined,
): Promise<RecordKind | undefined> {
  if (!before || !after || before.subject.reference === after.subject.reference) return undefined;
  return (await reviewOfOrder(stores, [referenceTo(before).reference])) ? 'review-order' : undefined;
}

/** An ImagingStudy that somebody registered before its images came is theirs until they come. */
async function ofStudy(
  { stores }: WriteContext,
  before: ImagingStudy | undefined,
  after: ImagingStudy | undefined,
): Promise<RecordKind | undefined> {
  const tied = before && (await stores.studies.tiedTo(before.id!));
  if (tied !== undefined) return !after || changedDerivedElement(before!, after) ? 'stored-study' : undefined;
  const uid = studyUidOf(after);
  if (uid === undefined) return undefined;
  const standing = studyUidOf(before);
  if (standing !== undefined && standing !== uid) return 'stored-study';
  for (const named of studyUidsOf(after)) if (await stores.studies.study(named)) return 'stored-study';
  return undefined;
}
