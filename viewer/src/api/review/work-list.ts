/** Loading reviews: one search of Tasks, then what those Tasks point to. */
import type { Bundle, Resource, ResourceType, Task } from '@medplum/fhirtypes';
import { follow, idOf, localReference, matchesOf, nextLink, resourcesOf } from '../bundle.ts';
import type { FhirClient, SearchParameters } from '../fhir.ts';
import {
  reviewStatuses,
  reviewStatusSystem,
  reviewSteps,
  reviewStepSystem,
  tokens,
  type ReviewStatus,
  type ReviewStep,
} from './codes.ts';
import { isReview, referencesOf, workItemFrom, type WorkItem } from './work-item.ts';

export interface WorkPage {
  items: WorkItem[];
  total: number | undefined;
  next: string | undefined;
}

/** The lists that dashboards show; each is a plain FHIR search of Task. */
export const queues = {
  pending: withStatus('PENDING_AI'),
  // By their steps, which carry the priority that an urgent AI result raises: a released report that is to be amended
  // stays REPORT_READY while its amendment waits for a doctor, a pharmacist, an administrator.
  toRead: withOpenStep(reviewSteps.verification, reviewSteps.amendment),
  verified: withStatus('DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REPORT_READY'),
  toPrescribe: withOpenStep(reviewSteps.prescription),
  toApprove: withOpenStep(reviewSteps.approval),
  underWay: withStatus(
    'PENDING_AI',
    'AI_ANALYZED',
    'AI_SKIPPED',
    'RETURNED',
    'DOCTOR_VERIFIED',
    'PHARMACIST_COMPLETED',
  ),
  released: { ...withStatus('REPORT_READY'), _sort: '-_lastUpdated' },
  ended: { ...withStatus('REJECTED', 'CANCELLED', 'RETRACTED'), _sort: '-_lastUpdated' },
  // Not what was said of a wrong patient: the study has another review by then.
  all: { ...withStatus(...reviewStatuses.filter((status) => status !== 'RETRACTED')), _sort: '-authored-on' },
} satisfies Record<string, SearchParameters>;

function withStatus(...statuses: ReviewStatus[]): SearchParameters {
  return { 'business-status': tokens(reviewStatusSystem, statuses), _sort: 'authored-on' };
}

function withOpenStep(...steps: ReviewStep[]): SearchParameters {
  return {
    code: tokens(reviewStepSystem, steps),
    status: 'requested,received,accepted,ready,in-progress,on-hold',
    _sort: '-priority,authored-on',
  };
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
  const [steps, ...bundles] = await Promise.all([stepsOf(fhir, bundle, reviews, signal), ...searches]);
  const found = bundles.flatMap(({ entry }) => (entry ?? []).flatMap(({ resource }) => resource ?? []));
  const all = [...known, ...steps, ...found];
  return [...new Map(all.map((resource) => [`${resource.resourceType}/${resource.id}`, resource])).values()];
}

const mostPages = 10;

/** All steps of reviews that were found by one of them: the search includes their review, not its other steps. */
async function stepsOf(fhir: FhirClient, bundle: Bundle, reviews: Task[], signal?: AbortSignal): Promise<Task[]> {
  const matched = new Set(matchesOf<Task>(bundle, 'Task').map(({ id }) => id));
  const others = reviews.filter(({ id }) => !matched.has(id)).map(({ id }) => `Task/${id}`);
  const steps: Task[] = [];
  if (others.length === 0) return steps;
  let page = await fhir.search('Task', { 'part-of': others.join(','), _count: 200 }, signal);
  for (let read = 1; ; read += 1) {
    steps.push(...matchesOf<Task>(page, 'Task'));
    const next = nextLink(page);
    if (next === undefined || read === mostPages) return steps;
    page = await fhir.page(next, signal);
  }
}

/**
 * The latest review of an ImagingStudy, which a move to another patient begins anew; undefined when there is none that
 * the user may see. Staff find it by its newest step, whose focus is the study; patients do not see steps, and look
 * through their own reviews.
 */
export async function reviewOfStudy(
  fhir: FhirClient,
  imagingStudyId: string,
  signal?: AbortSignal,
): Promise<WorkItem | undefined> {
  const study = `ImagingStudy/${imagingStudyId}`;
  const steps = await fhir.search(
    'Task',
    { focus: study, 'part-of:missing': 'false', _sort: '-authored-on', _count: 1 },
    signal,
  );
  const review = idOf(matchesOf<Task>(steps, 'Task')[0]?.partOf?.[0]);
  if (review !== undefined) return (await workPage(fhir, { _id: review }, { size: 1 }, signal)).items[0];
  const own = await fhir.search('Task', { ...queues.all, _count: 200 }, signal);
  const found = matchesOf<Task>(own, 'Task').find((task) =>
    task.input?.some((data) => localReference(data.valueReference) === study),
  );
  return found?.id === undefined ? undefined : (await workPage(fhir, { _id: found.id }, { size: 1 }, signal)).items[0];
}
