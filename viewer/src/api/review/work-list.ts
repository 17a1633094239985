/** Loading reviews: one search of Tasks, then what those Tasks point to. */
import type { Bundle, Resource, ResourceType, Task } from '@medplum/fhirtypes';
import { follow, idOf, localReference, matchesOf, nextLink, resourcesOf } from '../bundle.ts';
import type { FhirClient, SearchParameters } from '../fhir.ts';
import { reviewStatusSystem, reviewSteps, reviewStepSystem, tokens, type ReviewStatus } from './codes.ts';
import { isReview, referencesOf, workItemFrom, type WorkItem } from './work-item.ts';

export interface WorkPage {
  items: WorkItem[];
  total: number | undefined;
  next: string | undefined;
}

/** The lists that dashboards show; each is a plain FHIR search of Task. */
export const queues = {
  pending: withStatus('PENDING_AI'),
  // Step Tasks carry the priority that an urgent AI result raises.
  analyzed: {
    code: tokens(reviewStepSystem, [reviewSteps.verification]),
    status: 'requested,accepted,ready,in-progress',
    _sort: '-priority,authored-on',
  },
  verified: withStatus('DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REPORT_READY'),
  toPrescribe: withStatus('DOCTOR_VERIFIED'),
  toApprove: { ...withStatus('PHARMACIST_COMPLETED'), _sort: '-_lastUpdated' },
  released: { ...withStatus('REPORT_READY'), _sort: '-_lastUpdated' },
  all: { 'business-status:missing': 'false', _sort: '-authored-on' },
} satisfies Record<string, SearchParameters>;

function withStatus(...statuses: ReviewStatus[]): SearchParameters {
  return { 'business-status': tokens(reviewStatusSystem, statuses), _sort: 'authored-on' };
}

export async function workPage(
  fhir: FhirClient,
  queue: SearchParameters,
  page: { size: number; link?: string | undefined },
  signal?: AbortSignal,
): Promise<WorkPage> {
  const bundle =
    page.link === undefined
      ? await fhir.search(
          'Task',
          {
            ...queue,
            _count: page.size,
            _total: 'accurate',
            _include: ['Task:patient', 'Task:focus', 'Task:part-of'],
            _revinclude: 'Task:part-of',
          },
          signal,
        )
      : await fhir.page(page.link, signal);
  const reviews = reviewsIn(bundle);
  const known = await completed(fhir, bundle, reviews, signal);
  return { items: reviews.map((task) => workItemFrom(task, known)), total: bundle.total, next: nextLink(bundle) };
}

/** The coordination Tasks in the order of the matches, also where the matches are their steps. */
function reviewsIn(bundle: Bundle): Task[] {
  const tasks = resourcesOf<Task>(bundle, 'Task');
  const found = matchesOf<Task>(bundle, 'Task').map((match) =>
    isReview(match) ? match : follow<Task>(tasks, 'Task', match.partOf?.[0]),
  );
  return [...new Set(found.filter((task): task is Task => task !== undefined))];
}

async function completed(fhir: FhirClient, bundle: Bundle, reviews: Task[], signal?: AbortSignal): Promise<Resource[]> {
  const known = (bundle.entry ?? []).flatMap((entry) => (entry.resource ? [entry.resource] : []));
  const missing = referencesOf(reviews);
  const searches = [...missing].map(([type, ids]) =>
    fhir.search(type as ResourceType, { _id: [...ids].join(','), _count: ids.size }, signal),
  );
  const bundles = await Promise.all(searches);
  return [...known, ...bundles.flatMap((found) => (found.entry ?? []).flatMap((entry) => entry.resource ?? []))];
}

/**
 * The review of an ImagingStudy; undefined when there is none that the user may see. Staff find it by its
 * steps, whose focus is the study; patients do not see steps, and look through their own reviews.
 */
export async function reviewOfStudy(
  fhir: FhirClient,
  imagingStudyId: string,
  signal?: AbortSignal,
): Promise<WorkItem | undefined> {
  const study = `ImagingStudy/${imagingStudyId}`;
  const steps = await fhir.search('Task', { focus: study, _count: 1 }, signal);
  const review = idOf(matchesOf<Task>(steps, 'Task')[0]?.partOf?.[0]);
  if (review !== undefined) return (await workPage(fhir, { _id: review }, { size: 1 }, signal)).items[0];
  const own = await fhir.search('Task', { ...queues.all, _count: 200 }, signal);
  const found = matchesOf<Task>(own, 'Task').find((task) =>
    task.input?.some((data) => localReference(data.valueReference) === study),
  );
  return found?.id === undefined ? undefined : (await workPage(fhir, { _id: found.id }, { size: 1 }, signal)).items[0];
}
