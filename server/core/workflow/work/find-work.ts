/** Lists of work, for a person: rows that the one predicate lets through, with names and the step that is meant. */
import type { Practitioner, ResourceType } from '@medplum/fhirtypes';
import { narrow, scopesReachAll, tryNarrow } from '../../access/policy.ts';
import type { Principal } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import { nameOf } from '../../r4/human-name.ts';
import { plainQuery } from '../../search/search-query.ts';
import { instantAt, wallClock } from '../../time-zone.ts';
import type { ReviewStep } from '../../vocabulary/review-codes.ts';
import type { ReadsFrom, World } from '../../world.ts';
import { stepsOfQueue, stepsOfRole, usualOrder, type WorkNumber, type WorkOrder, type WorkQueue } from './queues.ts';
import { rowOfFacts } from './row-of-facts.ts';
import type { StoredRow, WorkFilter, WorkPosition, WorkReader } from './work-row-store.ts';
import type { WorkRow, WorkStep } from './work-row.ts';

export type WorkWorld = Pick<World, 'settings' | 'now'> & ReadsFrom<'workRows' | 'records'>;

/** A row as a person is shown it. */
export interface ShownRow extends Omit<WorkRow, 'steps' | 'people' | 'waitingSince' | 'changedAt'> {
  /** Another one whenever something that the row is told from has changed. */
  version: number;
  step?: Omit<WorkStep, 'owner'> & { ownerName?: string; mine: boolean };
}

/** What a row tells of: who may not read all of these types gets no lists, whatever else the token allows. */
const told: readonly ResourceType[] = [
  'Task',
  'Patient',
  'ImagingStudy',
  'Observation',
  'DiagnosticReport',
  'MedicationRequest',
];

/**
 * A page of a list.
 *
 * @throws Problem `forbidden` for a token that does not reach all patients; `too-costly`.
 */
export async function findWork(
  world: WorkWorld,
  principal: Principal,
  filter: WorkFilter,
  page: { order?: WorkOrder; limit: number; after?: WorkPosition },
): Promise<{ rows: ShownRow[]; total: number; next?: WorkPosition }> {
  const reader = readerFor(world, principal);
  const order = page.order ?? usualOrder[filter.queue];
  const found = await world.read(({ workRows }) => workRows.find(reader, filter, { ...page, order }));
  return { ...found, rows: await shown(world, principal, found.rows, filter.queue) };
}

/** One row. @throws Problem `not-found`, also for a review that the caller may not see. */
export async function readWork(world: WorkWorld, principal: Principal, review: string): Promise<ShownRow> {
  const found = await world.read(({ workRows }) => workRows.one(readerFor(world, principal), review));
  const [row] = found ? await shown(world, principal, [found]) : [];
  if (!row) throw new Problem('not-found', 'There is no such review.');
  return row;
}

/** How many there are of each, as of one moment. */
export async function countWork(
  world: WorkWorld,
  principal: Principal,
  numbers: readonly WorkNumber[],
  filter: Omit<WorkFilter, 'queue'>,
): Promise<Map<WorkNumber, number>> {
  const reader = readerFor(world, principal);
  const counts = await world.read(({ workRows }) => workRows.count(reader, numbers, filter));
  return new Map(numbers.map((number, n) => [number, counts[n] ?? 0]));
}

function readerFor({ settings, now }: WorkWorld, principal: Principal): WorkReader {
  const { role, fhirUser } = principal;
  if (role !== 'doctor' && role !== 'pharmacist' && role !== 'admin')
    throw new Problem('forbidden', 'Lists of work are for doctors, pharmacists and administrators.');
  const lacking = told.find((type) => !scopesReachAll(principal, type, 'search'));
  if (lacking) throw new Problem('forbidden', `Lists of work take a token that reads the ${lacking} of all patients.`);
  return {
    review: narrow(principal, 'Task', 'search'),
    report: narrow(principal, 'DiagnosticReport', 'search'),
    ...(fhirUser !== undefined && { self: fhirUser }),
    role,
    today: todayAt(settings.timeZone, now()),
  };
}

const aDay = 86_400_000;

/** The site's day: it may have 23 or 25 hours. */
function todayAt(timeZone: string, now: Date): WorkReader['today'] {
  const midnight = Math.floor(wallClock(timeZone, now.getTime()) / aDay) * aDay;
  return { from: new Date(instantAt(timeZone, midnight)), to: new Date(instantAt(timeZone, midnight + aDay)) };
}

async function shown(
  world: WorkWorld,
  principal: Principal,
  stored: readonly StoredRow[],
  queue?: WorkQueue,
): Promise<ShownRow[]> {
  const rows = stored.flatMap(({ review, version, known }) => {
    const row = rowOfFacts(review, known);
    return row ? [{ row, version }] : [];
  });
  const meant = rows.map(({ row }) => stepFor(row, principal, queue));
  const people = rows.flatMap(({ row }, n) => [row.verifiedBy, meant[n]?.owner].filter((one) => one !== undefined));
  const names = await namesOf(world, principal, people);
  return rows.map(({ row, version }, n) => {
    const { steps: _steps, people: _people, waitingSince: _since, changedAt: _changed, verifiedBy, ...told } = row;
    const reader = verifiedBy === undefined ? undefined : names.get(verifiedBy);
    const step = meant[n];
    return {
      ...told,
      version,
      ...(reader !== undefined && { verifiedBy: reader }),
      ...(step && { step: shownStep(step, principal, names) }),
    };
  });
}

/** The step that the list is about; elsewhere the one that the person may act on, else the first. */
function stepFor({ steps }: WorkRow, { role }: Principal, queue?: WorkQueue): WorkStep | undefined {
  const wanted: readonly ReviewStep[] = (queue && stepsOfQueue[queue]) ?? (role && stepsOfRole[role]) ?? [];
  for (const kind of wanted) {
    const step = steps.find((one) => one.kind === kind);
    if (step) return step;
  }
  return steps[0];
}

function shownStep({ owner, ...step }: WorkStep, { fhirUser }: Principal, names: ReadonlyMap<string, string>) {
  const ownerName = owner === undefined ? undefined : names.get(owner);
  return { ...step, ...(ownerName !== undefined && { ownerName }), mine: owner !== undefined && owner === fhirUser };
}

/** Names of practitioners, by reference; they stand in no row, because one of them may have read a hundred thousand scans. */
async function namesOf(
  { read }: WorkWorld,
  principal: Principal,
  references: readonly string[],
): Promise<Map<string, string>> {
  const ids = [...new Set(references)].flatMap((one) => /^Practitioner\/([A-Za-z0-9.-]{1,64})$/.exec(one)?.[1] ?? []);
  const narrowing = tryNarrow(principal, 'Practitioner', 'search');
  if (ids.length === 0 || !narrowing) return new Map();
  const query = plainQuery('Practitioner', [{ parameter: '_id', values: ids }], ids.length);
  const { matches } = await read(({ records }) => records.search(query, () => narrowing));
  return new Map(
    matches.flatMap(({ id, resource }) => {
      const name = nameOf((resource as Practitioner).name);
      return name === undefined ? [] : [[`Practitioner/${id}`, name]];
    }),
  );
}
