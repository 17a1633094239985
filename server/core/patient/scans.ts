/**
 * A patient's own scans as a person without training reads them: what each is, how far it is, what happened when and by whom, and
 * what was sent where. Which scans there are says the one predicate; of the steps, which patients do not read because the notes of staff
 * stand in them, only kind, time and name are told, and nothing of the AI.
 */
import type { DiagnosticReport, ImagingStudy, Reference, Task } from '@medplum/fhirtypes';
import { narrow } from '../access/policy.ts';
import type { Principal } from '../principal.ts';
import { idIn } from '../r4/pointer.ts';
import { searchOwn } from '../records/own-search.ts';
import type { Kept } from '../records/server-write.ts';
import { plainQuery } from '../search/search-query.ts';
import { studyUidOf } from '../studies/study-uid.ts';
import { type ReviewStatus, statusOf } from '../vocabulary/review-codes.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { stepsOf } from '../workflow/review-steps.ts';
import { inputOf, outputOf } from '../workflow/review-tasks.ts';
import type { Reading, World } from '../world.ts';
import { sentOf, type Sent, wasReleased } from './sent.ts';
import { happenedIn, type Happened } from './timeline.ts';

/** How far a scan is, for its patient. */
export type ScanState =
  'received' | 'read' | 'read-again' | 'checked' | 'ready' | 'corrected' | 'new-image' | 'cancelled' | 'withdrawn';

export interface PatientScan {
  /** Id of the coordination Task. */
  review: string;
  state: ScanState;
  /** What it is called by: in each language its own words are made of these. */
  study?: {
    id: string;
    uid?: string;
    modality?: string;
    bodyPart?: string;
    takenOn?: string;
    images: number;
  };
  receivedAt: string;
  /** Why a new image is needed, in the doctor's words; `code` where it is a reason of our list. */
  reason?: { code?: string; text?: string };
  happened: Happened[];
  sent: Sent[];
}

const stateOf: Record<ReviewStatus, ScanState> = {
  PENDING_AI: 'received',
  AI_ANALYZED: 'received',
  AI_SKIPPED: 'received',
  RETURNED: 'read-again',
  DOCTOR_VERIFIED: 'read',
  PHARMACIST_COMPLETED: 'checked',
  REPORT_READY: 'ready',
  REJECTED: 'new-image',
  CANCELLED: 'cancelled',
  RETRACTED: 'withdrawn',
};

export interface ScanPage {
  scans: PatientScan[];
  total: number;
  ready: number;
  waiting: number;
  next?: string;
}

const allStatuses = Object.keys(stateOf) as ReviewStatus[];
const waiting: ReviewStatus[] = ['PENDING_AI', 'AI_ANALYZED', 'AI_SKIPPED', 'RETURNED', 'DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED']; // prettier-ignore

/** Newest first. @param page.after `next` of the page before. @throws Problem `forbidden` when the token reads no Task. */
export function scansOf(
  world: Pick<World, 'read'>,
  principal: Principal,
  page: { limit: number; after?: string },
): Promise<ScanPage> {
  return world.read(async (stores) => {
    const own = narrow(principal, 'Task', 'search');
    const found = async (statuses: readonly ReviewStatus[], count: number, after?: string) => {
      const values = statuses.map((status) => `${systems.reviewStatus}|${status}`);
      const query = {
        ...plainQuery('Task', [{ parameter: 'business-status', values }], count),
        sort: [{ parameter: 'authored-on', descending: true }],
        total: 'accurate' as const,
        ...(after !== undefined && { after }),
      };
      return stores.records.search(query, (type) => (type === 'Task' ? own : undefined));
    };
    const { matches, next, total } = await found(allStatuses, page.limit, page.after);
    const tasks = matches.flatMap(({ resource }) => (resource ? [resource as Kept<'Task'>] : []));
    const withdrawn = page.after === undefined ? await withdrawnOf(stores, principal) : [];
    const scans: PatientScan[] = [...withdrawn];
    for (const task of tasks) scans.push(await scanOf(stores, principal, task));
    return {
      scans: scans.sort((one, other) => (one.receivedAt < other.receivedAt ? 1 : -1)),
      total: total ?? tasks.length,
      ready: (await found(['REPORT_READY'], 0)).total ?? 0,
      waiting: (await found(waiting, 0)).total ?? 0,
      ...(next !== undefined && { next }),
    };
  });
}

async function scanOf(
  stores: Pick<Reading, 'records' | 'deliveries'>,
  principal: Principal,
  task: Kept<'Task'>,
): Promise<PatientScan> {
  const status = statusOf(task.businessStatus)!;
  const [study, report] = await Promise.all([
    own<ImagingStudy>(stores, principal, 'ImagingStudy', inputOf(task, 'study')),
    own<DiagnosticReport>(stores, principal, 'DiagnosticReport', outputOf(task, 'report')),
  ]);
  const steps = await stepsOf(stores, task.id);
  const isCorrected = status === 'REPORT_READY' && report !== undefined && report.status !== 'final';
  return {
    review: task.id,
    state: isCorrected ? 'corrected' : stateOf[status],
    ...(study && { study: studyFacts(study) }),
    receivedAt: task.authoredOn ?? '',
    ...(status === 'REJECTED' && { reason: reasonOf(task) }),
    happened: await happenedIn(stores, task, steps),
    sent: await sentOf(stores, steps),
  };
}

/** What a scan is called by: kind of image, part of the body, day. */
export function studyFacts(study: ImagingStudy & { id?: string }): NonNullable<PatientScan['study']> {
  const site = study.series?.find(({ bodySite }) => bodySite)?.bodySite;
  const modality = study.modality?.map(({ code }) => code).find((code) => code !== undefined && !noImages.has(code));
  const uid = studyUidOf(study);
  const bodyPart = site?.code ?? site?.display;
  return {
    id: study.id ?? '',
    ...(uid !== undefined && { uid }),
    ...(modality !== undefined && { modality }),
    ...(bodyPart !== undefined && { bodyPart }),
    ...(study.started !== undefined && { takenOn: study.started }),
    images: study.numberOfInstances ?? 0,
  };
}

/** Kinds of objects beside images. */
const noImages = new Set(['SR', 'KO', 'PR', 'SEG', 'DOC', 'REG', 'AU', 'RTSTRUCT', 'RTPLAN', 'RTDOSE']);

function reasonOf({ statusReason }: Task): { code?: string; text?: string } {
  const code = codeOf(statusReason, systems.reviewReason);
  return {
    ...(code !== undefined && { code }),
    ...(statusReason?.text !== undefined && { text: statusReason.text }),
  };
}

async function own<Type extends ImagingStudy | DiagnosticReport>(
  { records }: Pick<Reading, 'records'>,
  principal: Principal,
  type: Type['resourceType'],
  reference: Reference | undefined,
): Promise<Type | undefined> {
  const id = idIn(reference, type);
  if (id === undefined) return undefined;
  return (await records.read(type, id, narrow(principal, type, 'read')))?.resource as Type | undefined;
}

/**
 * Reports that were released to this patient and were withdrawn since. Patients read nothing of them any more; that there was one,
 * which they may hold on paper, they must know. What the images show of may be another person's: it is not named.
 */
async function withdrawnOf(
  stores: Pick<Reading, 'records' | 'deliveries'>,
  { fhirUser }: Principal,
): Promise<PatientScan[]> {
  const conditions = [
    { parameter: 'patient', values: [fhirUser ?? ''] },
    { parameter: 'business-status', values: [`${systems.reviewStatus}|RETRACTED`] },
  ];
  const { found } = await searchOwn(stores, 'Task', conditions, { count: 50 });
  const scans: PatientScan[] = [];
  for (const task of found) {
    const steps = await stepsOf(stores, task.id);
    const releasedAt = wasReleased(steps);
    if (releasedAt === undefined) continue;
    const happened: Happened[] = [{ kind: 'released', at: releasedAt }];
    if (task.lastModified !== undefined) happened.push({ kind: 'withdrawn', at: task.lastModified });
    scans.push({
      review: task.id,
      state: 'withdrawn',
      receivedAt: releasedAt,
      happened,
      sent: await sentOf(stores, steps),
    });
  }
  return scans;
}
