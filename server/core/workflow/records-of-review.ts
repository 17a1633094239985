/**
 * How a record is known to belong to a review, those stored by earlier releases included: by an id that only the server
 * can give (`isDerivedId`), or because a Task of a review names it as its output, which no client can write either.
 * One search by an index, and only when a record is changed that has no such id.
 */
import type { DiagnosticReport, ImagingStudy, Reference, Resource, ServiceRequest, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { RecordStore } from '../records/record-store.ts';
import { searchOwn } from '../records/own-search.ts';
import type { Kept } from '../records/server-write.ts';
import { idIn, referenceTo } from '../r4/pointer.ts';
import { referenceKey } from '../r4/reference-key.ts';
import type { SearchCondition } from '../search/search-query.ts';
import { escapedValue } from '../search/search-values.ts';
import { displays } from '../vocabulary/displays.ts';
import { type ReviewStatus, statusOf, stepOf } from '../vocabulary/review-codes.ts';
import { systems } from '../vocabulary/systems.ts';
import type { Reading, WriteContext } from '../world.ts';
import { reviewIdOf, reviewOfStudy } from './review-of-study.ts';

const anyStep: SearchCondition = {
  parameter: 'code',
  values: Object.keys(displays.step).map((code) => `${systems.reviewStep}|${code}`),
};
const anyStatus: SearchCondition = {
  parameter: 'business-status',
  values: Object.keys(displays.status).map((code) => `${systems.reviewStatus}|${code}`),
};

type Records = Pick<Reading, 'records'> & { records: Pick<RecordStore, 'isReferred'> };

/** One of our step codes, or a status of ours. */
export function isReviewTask(task: Task): boolean {
  return stepOf(task.code) !== undefined || statusOf(task.businessStatus) !== undefined;
}

/** A Task of a review that names one of the records as its output. */
export async function reviewNaming(stores: Records, references: string[]): Promise<Kept<'Task'> | undefined> {
  if (references.length === 0) return undefined;
  // Most records hang on no Task at all, and a search costs several times as much.
  if (!(await stores.records.isReferred(references, { type: 'Task', parameter: 'output' }))) return undefined;
  const named = { parameter: 'output', values: references };
  for (const which of [anyStep, anyStatus]) {
    const [task] = (await searchOwn(stores, 'Task', [named, which], { count: 1 })).found;
    if (task) return task;
  }
  return undefined;
}

/** The coordination Task of a review that answers one of these orders. */
export async function reviewOfOrder(stores: Records, orders: string[]): Promise<Kept<'Task'> | undefined> {
  if (orders.length === 0) return undefined;
  if (!(await stores.records.isReferred(orders, { type: 'Task', parameter: 'based-on' }))) return undefined;
  const conditions = [{ parameter: 'based-on', values: orders }, anyStatus];
  return (await searchOwn(stores, 'Task', conditions, { count: 1 })).found[0];
}

/** Whether the study is or was under review. */
export async function isReviewed({ records }: Records, imagingStudyId: string): Promise<boolean> {
  return (await records.read('Task', reviewIdOf(imagingStudyId), everything)) !== undefined;
}

/** Ids of the records of a type that the references name, however they are written. */
export function idsAmong(
  { world }: Pick<WriteContext, 'world'>,
  type: Resource['resourceType'],
  references: readonly (Reference | undefined)[] | undefined,
): string[] {
  const keys = (references ?? []).map((one) => referenceKey(one?.reference ?? '', world.settings.fhirBaseUrl));
  return [...new Set(keys.filter((key) => key.type === type).map(({ id }) => id))];
}

/** The same, and those that are named by an identifier, in the reference or in a contained record. */
export async function idsMeant(
  context: Pick<WriteContext, 'world' | 'stores'>,
  type: 'ImagingStudy' | 'ServiceRequest',
  { contained = [] }: DiagnosticReport,
  references: readonly Reference[] = [],
): Promise<string[]> {
  const within = contained.filter((one) => one.resourceType === type) as (ImagingStudy | ServiceRequest)[];
  const identifiers = [
    ...references.flatMap((one) => one.identifier ?? []),
    ...within.flatMap((one) => one.identifier ?? []),
  ];
  const values = identifiers.flatMap(({ system, value }) =>
    value === undefined ? [] : [`${system === undefined ? '' : `${escapedValue(system)}|`}${escapedValue(value)}`],
  );
  const literal = idsAmong(context, type, references);
  if (values.length === 0) return literal;
  const { found } = await searchOwn(context.stores, type, [{ parameter: 'identifier', values }], { count: 50 });
  return [...new Set([...literal, ...found.map(({ id }) => id)])];
}

/** How far the review of a record is; undefined where that cannot be told. For the words of a refusal only. */
export async function stateOfReview(context: WriteContext, record: Resource): Promise<ReviewStatus | undefined> {
  const { stores } = context;
  if (record.resourceType === 'DiagnosticReport') {
    for (const id of idsAmong(context, 'ImagingStudy', record.imagingStudy)) {
      const review = await reviewOfStudy(stores, id);
      if (review) return statusOf(review.businessStatus);
    }
  }
  const named = await reviewNaming(stores, [await holderOf(stores, record)]);
  const coordination = named?.partOf?.[0] ? idIn(named.partOf[0], 'Task') : undefined;
  if (coordination === undefined) return statusOf(named?.businessStatus);
  const found = await stores.records.read('Task', coordination, everything);
  return statusOf((found?.resource as Task | undefined)?.businessStatus);
}

/** What a Task names as its output in place of a record that hangs on it: the document of a PDF, the report of a picture. */
async function holderOf(stores: Records, record: Resource): Promise<string> {
  const self = referenceTo(record).reference;
  if (record.resourceType === 'Media') return reportShowing(stores, self);
  if (record.resourceType !== 'Binary') return self;
  if (idIn(record.securityContext, 'Media') !== undefined)
    return reportShowing(stores, record.securityContext!.reference!);
  const [document] = (
    await searchOwn(stores, 'DocumentReference', [{ parameter: 'location', values: [self] }], { count: 1 })
  ).found;
  return document ? referenceTo(document).reference : self;
}

async function reportShowing(stores: Records, media: string): Promise<string> {
  const [report] = (
    await searchOwn(stores, 'DiagnosticReport', [{ parameter: 'media', values: [media] }], { count: 1 })
  ).found;
  return report ? referenceTo(report).reference : media;
}
