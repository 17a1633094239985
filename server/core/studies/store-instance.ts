import type { AuditRow } from '../access/audit-trail.ts';
import { mayAll, narrow } from '../access/policy.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { ReadInstance } from './dicom-reader.ts';
import type { ReceivedBlob } from './blobs.ts';
import type { Stores, World, WriteContext } from '../world.ts';
import type { Principal } from '../principal.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { failed, type InstanceName, type InstanceOutcome, type StoreOutcome, reasonOf } from './outcome.ts';
import { discardInstance, type ArrivingInstance } from './receive-instance.ts';
import { storeRows } from './store-rows.ts';
import { mustBringFor, type ImageOwner } from './uploads/image-owner.ts';

export type { FailureReason, InstanceName, InstanceOutcome, StoreOutcome } from './outcome.ts';
export { discardInstance, receiveInstance, type ArrivingInstance } from './receive-instance.ts';

export interface StoreOptions {
  /** Only instances of this study are stored (PS3.18 10.5.1). */
  studyUID?: string;
  requestId?: string;
  sourceAddress?: string;
  /** Who they are of is said by who brings them, a person in our own application. */
  owner?: ImageOwner;
  /** For the audit trail: `dicomweb:store` by default. */
  event?: string;
  /** `owed`: a study that is there already is settled later, by `settleOwed`, once for many images. */
  settle?: 'owed';
  /** Takes the rows of the audit trail; @returns those that are written now. Without it all are. */
  countRow?: (row: AuditRow) => boolean;
  /** Receives what is our own fault in an instance that therefore was not stored, for the log. */
  onFault?: (error: unknown) => void;
}

/**
 * Who may store: whoever may create ImagingStudies without limit. A patient's token never may: the image says
 * whose it is, and the one who sends it must be trusted with that.
 *
 * @throws Problem `forbidden`.
 */
export function mustBeAllowedToStore(principal: Principal): void {
  narrow(principal, 'ImagingStudy', 'create');
  if (principal.role === 'patient' || !mayAll(principal, 'ImagingStudy', 'create'))
    throw new Problem('forbidden', 'The token does not allow to store images.');
}

/**
 * Stores what one request or association brought: the only way in for images (STOW-RS, C-STORE, upload, our own
 * SC, SR and PDF).
 *
 * Bytes go first, the index second: a crash between leaves blobs without rows, which the sweep removes; the other
 * order would leave rows without bytes. Then one transaction writes rows, one version of each touched ImagingStudy,
 * its review and the audit trail. Nothing is ever replaced: the same bytes again are success and change nothing,
 * other bytes under a stored UID fail. An instance that the transaction fails over is found by halving, and fails alone
 * (PS3.18 10.5.3).
 *
 * @throws Problem `forbidden`, `no-store` (disk full), `transient` (database away): then nothing was stored.
 */
export async function storeInstances(
  world: World,
  principal: Principal,
  arriving: ArrivingInstance[],
  options: StoreOptions = {},
): Promise<StoreOutcome> {
  const kept = new Set<ArrivingInstance>();
  try {
    if (options.owner) mustBringFor(principal, options.owner.patientId);
    else mustBeAllowedToStore(principal);
    const candidates = await Promise.all(arriving.map((instance) => candidate(instance, options.studyUID)));
    markTwins(candidates);
    const good = candidates.flatMap((one) => ('row' in one ? [one] : []));
    await world.blobs.keep(good.flatMap(({ received, read }) => [received, ...(read.inflated ? [read.inflated] : [])]));
    for (const { from, received } of good) {
      kept.add(from);
      if (from.received !== received) await world.blobs.discard(from.received); // repaired: that one is kept
    }
    return { instances: await settleCandidates(world, principal, candidates, options) };
  } finally {
    await Promise.all(
      arriving.filter((instance) => !kept.has(instance)).map((instance) => discardInstance(world, instance)),
    );
  }
}

/** Transactions of a request that may fail before what is left of it is refused as a whole. */
const mostFailures = 64;

/** One transaction for all; if a value in one of them breaks it, one for each half. */
async function settleCandidates(
  world: World,
  principal: Principal,
  candidates: Candidate[],
  options: StoreOptions,
  failures = { left: mostFailures },
): Promise<InstanceOutcome[]> {
  try {
    return await world.transaction(async (stores) => {
      const { requestId, owner } = options;
      const context: WriteContext = { world, stores, principal, ...(requestId !== undefined && { requestId }) };
      const rows = candidates.flatMap((one) => ('row' in one ? [one.row] : []));
      const mayUpdate = owner ? principal.role !== 'patient' : mayAll(principal, 'ImagingStudy', 'update');
      const outcomes = await storeRows(context, rows, mayUpdate, owner, options.settle);
      const instances = candidates.map((one) =>
        'row' in one ? withRepairs(outcomes.get(one.row)!, one.read) : one.outcome,
      );
      await audit(context, instances, options);
      return instances;
    });
  } catch (error) {
    const settle = (some: Candidate[]) => settleCandidates(world, principal, some, options, failures);
    // A search for the patient or the order that took too long: nothing that the sender could narrow.
    if (error instanceof Problem && error.code === 'too-costly')
      throw new Problem('transient', 'The database is too busy; try again.', { retryAfter: 5, cause: error });
    if (isOfAll(error) || !candidates.some((one) => 'row' in one)) throw error;
    if (candidates.length === 1 || --failures.left < 0)
      return settle(candidates.map((one) => ('row' in one ? { outcome: faultOf(one.row, error, options) } : one)));
    const middle = candidates.length >> 1;
    return [...(await settle(candidates.slice(0, middle))), ...(await settle(candidates.slice(middle)))];
  }
}

const ofAll = new Set<ProblemCode>(['forbidden', 'login', 'transient', 'timeout', 'no-store']);

/** What has nothing to do with any instance: the sender tries all of them again. */
function isOfAll(error: unknown): boolean {
  return error instanceof Problem && ofAll.has(error.code);
}

function faultOf(row: InstanceRow, error: unknown, { onFault }: StoreOptions): InstanceOutcome {
  if (error instanceof Problem && error.code !== 'exception')
    return failed(row, 'unstorable', `A value of the instance cannot be stored: ${error.message}`);
  onFault?.(error);
  return failed(row, 'processing', 'The instance could not be stored; the fault has been logged');
}

type Candidate =
  | {
      from: Exclude<ArrivingInstance, { refused: Problem; name?: InstanceName }>;
      received: ReceivedBlob;
      read: ReadInstance;
      row: InstanceRow;
    }
  | { outcome: InstanceOutcome };

async function candidate(from: ArrivingInstance, studyUID: string | undefined): Promise<Candidate> {
  if ('refused' in from) return unread(from.refused, from.name);
  const { received } = from;
  await received.written; // a full disk fails the request, not an instance
  const read = await from.reading;
  if (read instanceof Problem) return unread(read);
  if (read.StudyInstanceUID === '')
    return {
      outcome: failed(read, 'identity', 'The instance is of no patient (PS3.18 12): it is stored by its own resource'),
    };
  if (studyUID !== undefined && read.StudyInstanceUID !== studyUID) {
    return { outcome: failed(read, 'other-study', 'The instance belongs to another study than the request') };
  }
  const { inflated, repaired, ...rest } = read;
  const stored = repaired ?? received;
  const row = {
    ...rest,
    blob: stored.digest,
    size: stored.size,
    ...(inflated && { inflated: inflated.digest }),
  };
  return { from, received: stored, read, row };
}

/** The sender hears what was put right, beside what else there is to say. */
export function withRepairs(outcome: InstanceOutcome, { repaired }: ReadInstance): InstanceOutcome {
  if (!repaired || (outcome.status !== 'stored' && outcome.status !== 'known')) return outcome;
  const words = `The file did not follow DICOM and was repaired: ${repaired.repairs.join('; ')}`;
  if (outcome.warning !== undefined) return { ...outcome, warning: `${outcome.warning}. ${words}` };
  return { ...outcome, warning: words, about: 'repair' };
}

function unread(problem: Problem, name?: InstanceName): { outcome: InstanceOutcome } {
  return { outcome: { status: 'failed', reason: reasonOf[problem.code], message: problem.message, name } };
}

/** The same instance twice in one request: the first counts, a second with other bytes fails. */
function markTwins(candidates: Candidate[]): void {
  const keyOf = ({ StudyInstanceUID, SOPInstanceUID }: InstanceName) => `${StudyInstanceUID} ${SOPInstanceUID}`;
  const first = new Map<string, InstanceRow>();
  for (const [i, one] of candidates.entries()) {
    if (!('row' in one)) continue;
    const twin = first.get(keyOf(one.row));
    if (!twin) first.set(keyOf(one.row), one.row);
    else if (twin.blob !== one.row.blob) {
      candidates[i] = {
        outcome: failed(one.row, 'other-content', 'The request holds another instance with this SOP Instance UID'),
      };
    }
  }
}

const suffixes: Record<InstanceOutcome['status'], string> = {
  stored: '',
  known: ':unchanged',
  held: ':held',
  failed: '',
};

/** One row for what was stored, one for what was there already, was held, or failed; each names its studies. */
async function audit(context: WriteContext, instances: InstanceOutcome[], options: StoreOptions): Promise<void> {
  for (const [status, outcomes] of Map.groupBy(instances, (instance) => instance.status)) {
    const studies = [...new Set(outcomes.flatMap(({ name }) => (name ? [name.StudyInstanceUID] : [])))];
    const row: AuditRow = {
      action: 'C',
      event: `${options.event ?? 'dicomweb:store'}${suffixes[status]}`,
      outcome: status === 'failed' ? 'failed' : 'success',
      principal: context.principal,
      patients: await patientsOf(context.stores, studies),
      entities: studies.map((uid) => `studies/${uid}`),
      ...(options.requestId !== undefined && { requestId: options.requestId }),
      ...(options.sourceAddress !== undefined && { sourceAddress: options.sourceAddress }),
    };
    if (options.countRow?.(row) ?? true) await context.stores.audit.append(row);
  }
}

async function patientsOf(stores: Stores, studies: string[]): Promise<string[]> {
  const patients = new Set<string>();
  for (const uid of studies) {
    const row = await stores.studies.study(uid);
    if (row) patients.add(row.patientId);
  }
  return [...patients];
}
