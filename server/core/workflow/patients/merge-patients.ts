/**
 * Two records of one person become one (FHIR patient.html#merge; IHE PIR, RAD TF-2 4.12): the source is retired, and all
 * that was about it is about the target, in one transaction.
 */
import { everything } from '../../access/narrowing.ts';
import type { Identifier, Patient, Resource } from '@medplum/fhirtypes';
import { Problem } from '../../problem.ts';
import { type Pointer, referenceTo, versioned } from '../../r4/pointer.ts';
import { redirectReferences } from '../../records/redirect-references.ts';
import type { RelatedRecord } from '../../records/record-store.ts';
import { type Kept, put } from '../../records/server-write.ts';
import { refuseFaulty } from '../../records/write.ts';
import { lockPatientId } from '../../studies/match-patient.ts';
import { giveStudyTo, mergedInto } from '../../studies/study-owner.ts';
import { traceOf } from '../../trace.ts';
import type { WriteContext } from '../../world.ts';
import { mustStayRestricted } from './keep-restriction.ts';
import { recordProvenance } from '../provenance.ts';

/** Records that one merge gives to another patient: they are written one by one, in one transaction. */
export const mostRecords = 10_000;

/** Records that say what happened then, to the record of then; they are never rewritten. */
export const ofThePast: ReadonlySet<string> = new Set(['Provenance', 'AuditEvent']);

export interface Merged {
  source: Kept<'Patient'>;
  target: Kept<'Patient'>;
  /** How many records and studies are about the target now. */
  records: number;
  studies: number;
}

/**
 * Merges `source` into `target`, whoever asked: every right is the caller's to check. A source that was merged into this
 * target already gives what is still about it; nothing else happens then.
 *
 * @param as.target what the target shall be, where the caller says it; the links and identifiers that the merge itself
 * makes are added.
 * @throws Problem `business-rule` for one record twice, one that is not there, and one that was merged into another;
 * `too-costly` past `mostRecords`.
 */
export async function mergePatients(
  context: WriteContext,
  ids: { source: string; target: string },
  as: { target?: Patient } = {},
): Promise<Merged> {
  const { source, target } = await bothOf(context, ids);
  const survivor = mergedInto(source);
  const retired = survivor === undefined ? await put(context, retiredBy(source, ids.target)) : source;
  return carryMerge(context, { source: retired, target, ...(as.target && { wanted: as.target }) });
}

/** What `mergePatients` would do. Nothing is written. @throws Problem as `mergePatients`. */
export async function previewMerge(
  context: WriteContext,
  ids: { source: string; target: string },
  as: { target?: Patient } = {},
): Promise<Merged> {
  const { source, target } = await bothOf(context, ids);
  const names = namesOf(context, source.id, target.id);
  let records = 0;
  for (const { resourceType, id } of await recordsAbout(context, source.id)) {
    const standing = (await context.stores.records.read(resourceType, id, everything))?.resource;
    if (standing && id !== target.id && redirectReferences(standing, names) !== standing) records++;
  }
  const studies = await context.stores.studies.studiesOf(source.id);
  const survivor = { ...survivorOf(source, target, as.target), id: target.id };
  refuseFaulty(await context.world.checker.issues(survivor));
  return { source, target: survivor, records, studies: studies.length };
}

/**
 * The rest of a merge whose source is written and locked: the target, all records and studies, accounts, Provenance.
 *
 * @throws Problem as `mergePatients`.
 */
export async function carryMerge(
  context: WriteContext,
  { source, target, wanted = target }: { source: Kept<'Patient'>; target: Kept<'Patient'>; wanted?: Patient },
): Promise<Merged> {
  const { stores } = context;
  // Studies first and identities second, as senders lock them: no image comes for the source from here on.
  for (const uid of await stores.studies.studiesOf(source.id)) await stores.studies.lockStudy(uid);
  for (const value of identityValues(source, target)) await lockPatientId(stores, value);
  const records = await giveRecords(context, source.id, target.id);
  const survivor = await put(context, { ...survivorOf(source, target, wanted), id: target.id });
  const studies = await giveStudies(context, source.id, target.id);
  const accounts = await stores.accounts.moveTo(`Patient/${source.id}`, `Patient/${target.id}`);
  const nothing = records.length + studies.length + accounts.length === 0;
  if (nothing && survivor.meta?.versionId === target.meta?.versionId) return { source, target, records: 0, studies: 0 };
  await recordProvenance(context, {
    act: 'merge',
    operation: 'UPDATE',
    lifecycle: 'merge',
    targets: [versioned(survivor), versioned(source), ...studies, ...records],
    sources: [referenceTo(source)],
    accounts,
  });
  await auditMerge(context, 'merge', source.id, target.id);
  return { source, target: survivor, records: records.length, studies: studies.length };
}

/** Both records, locked in one order. @throws Problem `business-rule`, see `mergePatients`. */
async function bothOf(
  context: WriteContext,
  { source, target }: { source: string; target: string },
): Promise<{ source: Kept<'Patient'>; target: Kept<'Patient'> }> {
  if (source === target) throw new Problem('business-rule', 'A Patient cannot be merged into itself.');
  const found = new Map<string, Kept<'Patient'>>();
  for (const id of [source, target].sort()) {
    const record = await context.stores.records.lock('Patient', id);
    if (!record?.resource) throw new Problem('business-rule', `Patient/${id} does not exist.`);
    found.set(id, record.resource as Kept<'Patient'>);
  }
  const both = { source: found.get(source)!, target: found.get(target)! };
  mustBeApart(both.source, both.target);
  return both;
}

/** @throws Problem `business-rule` where one of them was merged away, but for the source into this very target. */
export function mustBeApart(source: Patient, target: Patient): void {
  const into = mergedInto(source);
  if (into === undefined) mustStayRestricted(source, target);
  if (into !== undefined && into !== target.id)
    throw new Problem('business-rule', `Patient/${source.id} was merged into Patient/${into} already. Take that back first: POST Patient/${source.id}/$unmerge.`); // prettier-ignore
  const beyond = mergedInto(target);
  if (beyond !== undefined)
    throw new Problem('business-rule', `Patient/${target.id} was merged into Patient/${beyond} itself: name that one as the target.`); // prettier-ignore
}

function retiredBy(source: Kept<'Patient'>, target: string): Kept<'Patient'> {
  const link = { other: { reference: `Patient/${target}` as const }, type: 'replaced-by' as const };
  return { ...source, active: false, link: [...(source.link ?? []), link] };
}

/**
 * The target with what it has of the source: its identifiers, which were this person's and are used no more, and the
 * link. A link of another kind between the two says nothing any more.
 */
export function survivorOf(source: Patient, target: Patient, wanted: Patient = target): Patient {
  const reference = `Patient/${source.id}` as const;
  const links = [...(wanted.link ?? []), ...(target.link ?? []).filter(({ type }) => type === 'replaces')];
  const others = links.filter(
    ({ other }, at) => other.reference !== reference && links.findIndex((one) => one.other.reference === other.reference) === at,
  ); // prettier-ignore
  const identifiers = wanted.identifier ?? [];
  const isNew = (one: Identifier) => !identifiers.some(({ system, value }) => system === one.system && value === one.value); // prettier-ignore
  const old = (source.identifier ?? []).filter(isNew).map((one): Identifier => ({ ...one, use: 'old' }));
  const identifier = [...identifiers, ...old];
  return {
    ...wanted,
    ...(target.meta && { meta: target.meta }), // labels are not the caller's to take off
    ...(identifier.length > 0 && { identifier }),
    link: [...others, { other: { reference }, type: 'replaces' }],
  };
}

/** Everything that is about a patient, but for studies with images, which follow the index, and what is of the past. */
export async function recordsAbout(context: WriteContext, patient: string): Promise<RelatedRecord[]> {
  const { stores } = context;
  const tied = new Set<string>();
  for (const uid of await stores.studies.studiesOf(patient))
    tied.add((await stores.studies.study(uid))!.imagingStudyId);
  const all = await stores.records.relatedTo('Patient', patient, mostRecords + 1);
  if (all.length > mostRecords) {
    throw new Problem(
      'too-costly',
      `More than ${mostRecords} records are about Patient/${patient}, which are too many for one transaction. Give some of them to the other record by updates first.`,
    );
  }
  return all.filter(
    ({ resourceType, id }) => !ofThePast.has(resourceType) && !(resourceType === 'ImagingStudy' && tied.has(id)),
  );
}

function namesOf({ world }: WriteContext, source: string, target: string) {
  return { from: `Patient/${source}`, to: `Patient/${target}`, baseUrl: world.settings.fhirBaseUrl };
}

async function giveRecords(context: WriteContext, source: string, target: string): Promise<Pointer[]> {
  const names = namesOf(context, source, target);
  const written: Pointer[] = [];
  for (const { resourceType, id } of await recordsAbout(context, source)) {
    if (resourceType === 'Patient' && id === target) continue;
    const standing = (await context.stores.records.lock(resourceType, id))?.resource;
    const redirected = standing && redirectReferences<Resource>(standing, names);
    if (redirected !== standing) written.push(versioned(await put(context, { ...redirected!, id } as Kept<'Basic'>)));
  }
  return written;
}

/** One that came while the last was moved is found in the next look: its sender held its identity until then. */
async function giveStudies(context: WriteContext, source: string, target: string): Promise<Pointer[]> {
  const given: Pointer[] = [];
  for (;;) {
    const uids = await context.stores.studies.studiesOf(source);
    if (uids.length === 0) return given;
    for (const uid of uids) {
      const change = { reason: 'merge' as const, at: context.world.now() };
      given.push(versioned(await giveStudyTo(context, uid, target, change)));
    }
  }
}

/** What images could name one of them by, sorted. */
export function identityValues(...patients: Patient[]): string[] {
  const values = patients.flatMap(({ identifier }) => (identifier ?? []).flatMap(({ value }) => value ?? []));
  return [...new Set(values)].sort();
}

/** The act itself, in the name of who did it; what it wrote has its own rows. */
export async function auditMerge(
  context: WriteContext,
  act: 'merge' | 'unmerge',
  source: string,
  target: string,
): Promise<void> {
  await context.stores.audit.append({
    action: 'E',
    event: `fhir:${act}`,
    outcome: 'success',
    principal: context.principal,
    patients: [source, target],
    entities: [`Patient/${source}`, `Patient/${target}`],
    ...traceOf(context),
  });
}
