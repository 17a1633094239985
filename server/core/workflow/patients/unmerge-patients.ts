/** A merge of two Patients taken back: what came from the source, and is the survivor's still, is the source's again. */
import type { ImagingStudy, Patient, Provenance, Resource, ResourceType } from '@medplum/fhirtypes';
import { everything } from '../../access/narrowing.ts';
import { isDerivedId } from '../../derived-id.ts';
import { Problem } from '../../problem.ts';
import { type Pointer, referenceTo, versioned } from '../../r4/pointer.ts';
import { searchOwn } from '../../records/own-search.ts';
import type { RelatedRecord } from '../../records/record-store.ts';
import { pathsTo, redirectReferences } from '../../records/redirect-references.ts';
import { type Kept, put } from '../../records/server-write.ts';
import { lockPatientId } from '../../studies/match-patient.ts';
import { giveStudyTo, mergedInto } from '../../studies/study-owner.ts';
import { studyUidOf } from '../../studies/study-uid.ts';
import { codeOf, systems } from '../../vocabulary/systems.ts';
import type { WriteContext } from '../../world.ts';
import { recordProvenance } from '../provenance.ts';
import { auditMerge, identityValues, ofThePast } from './merge-patients.ts';

export interface Unmerged {
  source: Kept<'Patient'>;
  target: Kept<'Patient'>;
  records: number;
  studies: number;
  /** What came to the survivor since the merge: nobody but a person can say whose it is. It stays. */
  stayed: RelatedRecord[];
}

/** Of what stayed, so many are looked for. */
const mostStayed = 1_000;

/**
 * Takes a merge back, by what its Provenance says was written. A study goes back with its whole review, for a review
 * is never about two people.
 *
 * @throws Problem `business-rule` for a Patient that was not merged, whose survivor was merged on since, or of whose
 * merge nothing is written down.
 */
export async function unmergePatients(
  context: WriteContext,
  sourceId: string,
  { reason }: { reason: string },
): Promise<Unmerged> {
  const { source, target } = await pairOf(context, sourceId);
  const merge = await mergeOf(context, source.id, target.id);
  const studies = await studiesIn(context, merge.versions);
  for (const uid of [...studies.keys()].sort()) await context.stores.studies.lockStudy(uid);
  for (const value of identityValues(source, target)) await lockPatientId(context.stores, value);
  const tied = new Set(studies.values());
  const records = await giveBack(context, merge.versions.filter(({ key }) => !tied.has(key)), source.id, target.id); // prettier-ignore
  const again = await put(context, restored(source));
  const left = await put(context, without(target, source, await targetBefore(context, merge, target.id)));
  const moved = await studiesBack(context, [...studies.keys()].sort(), source.id, target.id);
  await context.stores.accounts.moveTo(`Patient/${target.id}`, `Patient/${source.id}`, merge.accounts);
  await recordProvenance(context, {
    act: 'unmerge',
    operation: 'UPDATE',
    lifecycle: 'unmerge',
    reason,
    targets: [versioned(again), versioned(left), ...moved, ...records],
    sources: [referenceTo(target)],
  });
  await auditMerge(context, 'unmerge', source.id, target.id);
  const stayed = await cameSince(context, target.id, merge);
  return { source: again, target: left, records: records.length, studies: moved.length, stayed };
}

async function pairOf(
  context: WriteContext,
  sourceId: string,
): Promise<{ source: Kept<'Patient'>; target: Kept<'Patient'> }> {
  const { records } = context.stores;
  const asked = (await records.read('Patient', sourceId, everything))?.resource as Patient | undefined;
  if (!asked) throw new Problem('not-found', `Patient/${sourceId} does not exist.`);
  const survivor = mergedInto(asked);
  if (survivor === undefined) throw new Problem('business-rule', `Patient/${sourceId} was not merged into another.`);
  const found = new Map<string, Kept<'Patient'> | undefined>();
  for (const id of [sourceId, survivor].sort())
    found.set(id, (await records.lock('Patient', id))?.resource as Kept<'Patient'> | undefined);
  const [source, target] = [found.get(sourceId), found.get(survivor)];
  if (!source || !target || mergedInto(source) !== survivor)
    throw new Problem('conflict', `Patient/${sourceId} changed at the same moment: look at it again.`);
  return { source, target };
}

interface Version {
  /** `Type/id`. */
  key: string;
  type: ResourceType;
  id: string;
  version: number;
}

interface Merge {
  /** What it wrote, each record once, as it was written first. */
  versions: Version[];
  accounts: string[];
  at: Date;
}

/** What is written down of the merge, and of the times that it was carried on, since the two were last apart. */
async function mergeOf(context: WriteContext, source: string, target: string): Promise<Merge> {
  const found = await toldOf(context, source, target);
  const lifecycle = ({ activity }: Provenance) => codeOf(activity, systems.recordLifecycle);
  const until = found.findIndex((one) => lifecycle(one) === 'unmerge' && isOf(one, source, target));
  const merges = found
    .slice(0, until < 0 ? undefined : until)
    .filter((one) => lifecycle(one) === 'merge' && isOf(one, target, source))
    .reverse();
  const [first] = merges;
  if (!first)
    throw new Problem('business-rule', `What the merge of Patient/${source} into Patient/${target} changed is not written down, so it cannot be taken back by itself. If Patient/${target} holds records of another merge, take that back first.`); // prettier-ignore
  const versions = new Map<string, Version>();
  for (const { reference } of merges.flatMap((one) => one.target)) {
    const version = versionIn(reference);
    if (version && !versions.has(version.key)) versions.set(version.key, version);
  }
  const accounts = merges.flatMap(({ entity }) => (entity ?? []).flatMap(({ what }) => what.identifier?.system === systems.account ? (what.identifier.value ?? []) : [])); // prettier-ignore
  return { versions: [...versions.values()], accounts, at: new Date(first.recorded!) };
}

/** Newest first, and of the server only: people and systems may write down merges of their own, which are not ours to undo. */
async function toldOf({ stores }: WriteContext, source: string, target: string): Promise<Provenance[]> {
  const about = [source, target].map((id) => ({ parameter: 'target', values: [`Patient/${id}`] }));
  const sort = [{ parameter: 'recorded', descending: true }];
  const own: Provenance[] = [];
  let after: string | undefined;
  do {
    const from = { count: 200, sort, ...(after !== undefined && { after }) };
    const { found, next } = await searchOwn(stores, 'Provenance', about, from);
    own.push(...found.filter(({ id }) => isDerivedId(id)));
    after = next;
  } while (after !== undefined);
  return own;
}

/** A merge names the survivor first and the retired record second; an unmerge the other way round. */
function isOf({ target }: Provenance, first: string, second: string): boolean {
  const ids = target.slice(0, 2).map(({ reference }) => versionIn(reference)?.key);
  return ids[0] === `Patient/${first}` && ids[1] === `Patient/${second}`;
}

function versionIn(reference: string | undefined): Version | undefined {
  const [, type, id, version] = /^([A-Za-z]+)\/([A-Za-z0-9\-.]+)\/_history\/(\d+)$/.exec(reference ?? '') ?? [];
  if (type === undefined || id === undefined) return undefined;
  return { key: `${type}/${id}`, type: type as ResourceType, id, version: Number(version) };
}

/** Study Instance UIDs of the studies with images among them, and their ImagingStudies. */
async function studiesIn({ stores }: WriteContext, versions: readonly Version[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { type, id, key } of versions) {
    const uid = type === 'ImagingStudy' ? await stores.studies.tiedTo(id) : undefined;
    if (uid !== undefined) found.set(uid, key);
  }
  return found;
}

/** A study that was moved on to somebody else since is not the survivor's to give. */
async function studiesBack(context: WriteContext, uids: string[], source: string, target: string): Promise<Pointer[]> {
  const moved: Pointer[] = [];
  for (const uid of uids) {
    if ((await context.stores.studies.study(uid))?.patientId !== target) continue;
    const change = { reason: 'unmerge' as const, at: context.world.now() };
    const study: ImagingStudy = await giveStudyTo(context, uid, source, change);
    if (studyUidOf(study) !== undefined) moved.push(versioned(study));
  }
  return moved;
}

async function giveBack(
  context: WriteContext,
  versions: readonly Version[],
  source: string,
  target: string,
): Promise<Pointer[]> {
  const written: Pointer[] = [];
  const { fhirBaseUrl: baseUrl } = context.world.settings;
  const back = { from: `Patient/${target}`, to: `Patient/${source}`, baseUrl };
  const sorted = [...versions].sort((one, other) => (one.key < other.key ? -1 : 1));
  for (const { key, type, id, version } of sorted) {
    if (ofThePast.has(type) || key === back.from || key === back.to) continue;
    const standing = (await context.stores.records.lock(type, id))?.resource;
    if (!standing) continue;
    const before = (await context.stores.records.readVersion(type, id, version - 1, everything))?.resource;
    const redirected = redirectReferences<Resource>(standing, back, placesOf(before, back));
    if (redirected !== standing) written.push(versioned(await put(context, { ...redirected, id } as Kept<'Basic'>)));
  }
  return written;
}

/** A record that named both before the merge names them where it did; any other is the source's wherever it names the survivor. */
function placesOf(
  before: Resource | undefined,
  { from: target, to: source, baseUrl }: { from: string; to: string; baseUrl: string },
): ReadonlySet<string> | undefined {
  if (!before || pathsTo(before, target, baseUrl).size === 0) return undefined;
  return pathsTo(before, source, baseUrl);
}

function restored(source: Kept<'Patient'>): Kept<'Patient'> {
  const { link = [], ...rest } = source;
  const others = link.filter(({ type }) => type !== 'replaced-by');
  return { ...rest, active: true, ...(others.length > 0 && { link: others }) };
}

/** The survivor as it was before the merge. */
async function targetBefore(
  { stores }: WriteContext,
  { versions }: Merge,
  target: string,
): Promise<Patient | undefined> {
  const written = versions.find(({ key }) => key === `Patient/${target}`);
  if (!written) return undefined;
  const record = await stores.records.readVersion('Patient', target, written.version - 1, everything);
  return record?.resource as Patient | undefined;
}

/** The survivor without the link, and without the old numbers that the merge brought. */
function without(target: Kept<'Patient'>, source: Kept<'Patient'>, before: Patient | undefined): Kept<'Patient'> {
  const { link = [], identifier = [], ...rest } = target;
  const links = link.filter(({ type, other }) => type !== 'replaces' || other.reference !== `Patient/${source.id}`);
  const has = (patient: Patient | undefined, { system, value }: { system?: string; value?: string }) =>
    patient?.identifier?.some((one) => one.system === system && one.value === value) ?? false;
  const numbers = identifier.filter((one) => one.use !== 'old' || !has(source, one) || has(before, one));
  return { ...rest, ...(numbers.length > 0 && { identifier: numbers }), ...(links.length > 0 && { link: links }) };
}

async function cameSince({ stores }: WriteContext, target: string, { at, versions }: Merge): Promise<RelatedRecord[]> {
  const known = new Set(versions.map(({ key }) => key));
  const about = await stores.records.relatedTo('Patient', target, mostStayed);
  return about.filter(
    ({ resourceType, id, created }) =>
      created.getTime() > at.getTime() && !ofThePast.has(resourceType) && !known.has(`${resourceType}/${id}`),
  );
}
