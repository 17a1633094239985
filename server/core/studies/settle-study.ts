import type { ImagingStudy } from '@medplum/fhirtypes';
import { text } from '../dicom/attribute-values.ts';
import type { Job } from '../jobs.ts';
import { systemPrincipal } from '../principal.ts';
import { everything } from '../access/narrowing.ts';
import type { WriteContext } from '../world.ts';
import { searchOwn } from '../records/own-search.ts';
import { escapedValue } from '../search/search-values.ts';
import { studyUidOf } from './study-uid.ts';
import { released } from '../vocabulary/security-labels.ts';
import { systems } from '../vocabulary/systems.ts';
import { ensureEndpoint } from './endpoint.ts';
import { imagingStudy, type EmptyAs } from './imaging-study.ts';
import { writeDerived } from './left-out.ts';
import type { SettledStudy } from './study-follower.ts';
import type { StudyRow } from './study-store.ts';

/**
 * Brings a study's row, its ImagingStudy and what follows from it (its review) up to date with its instances: once for each study of a
 * request, in the transaction that inserted them, so that whoever reads FHIR after the answer sees them.
 *
 * The caller holds the study's lock and changed what it consists of.
 *
 * @param changes.moved it was another person's until now: what ties it to that person's record is dropped.
 * @returns `leftOut`: elements of ImagingStudy that the images' values do not make.
 */
export async function settleStudy(
  context: WriteContext,
  StudyInstanceUID: string,
  tie: { patientId: string; imagingStudyId: string },
  {
    added = [],
    removed = [],
    moved = false,
    emptyAs,
  }: Partial<Pick<SettledStudy, 'added' | 'removed'>> & { moved?: boolean } & EmptyAs = {},
): Promise<{ leftOut: string[] }> {
  const { stores, world } = context;
  const own = { ...context, principal: systemPrincipal('study-derivation') };
  const study = await stores.studies.settle(StudyInstanceUID, tie);
  const content = await stores.studies.content(StudyInstanceUID);
  const standing = (await stores.records.lock('ImagingStudy', tie.imagingStudyId))?.resource as
    ImagingStudy | undefined;
  const before = standing && (moved ? withoutTies(standing) : await asBeforeEmptied(context, standing, study));
  const accession = text(content.attributes, '00080050');
  const resource = imagingStudy(before, study, content, {
    settings: world.settings,
    endpointId: await ensureEndpoint(own),
    ...(emptyAs && { emptyAs }),
    serviceRequestId: before?.basedOn || !accession ? undefined : await orderOf(own, tie.patientId, accession),
  });
  const { record, leftOut } = await writeDerived(own, {
    method: before ? 'update' : 'create',
    resource,
    id: tie.imagingStudyId,
  });
  if (added.length > 0) await waitForMore(context, StudyInstanceUID, study, before);
  const settled = {
    imagingStudy: record.resource as ImagingStudy,
    ...(accession !== undefined && { accession }),
    added,
    removed,
  };
  for (const follow of world.studyFollowers) await follow(own, settled);
  return { leftOut };
}

/**
 * Without the order, the visit and the reasons of the person whose images they turned out not to be; and in error no
 * more, nor kept from its patient, who is another now.
 */
function withoutTies(study: ImagingStudy): ImagingStudy {
  const { basedOn: _order, encounter: _visit, procedureReference: _done, reasonReference: _why, meta, ...own } = study;
  if (study.status !== 'entered-in-error') return { ...own, ...(meta && { meta }) };
  const shown = released(meta);
  return { ...own, status: 'available', ...(shown && { meta: shown }) };
}

/**
 * A study that had lost its images and has some again is what it was when it had some: in error, if somebody had said so
 * then (the images may be another patient's still), else there for everybody as before. The label that its patient must not see
 * the empty record goes with it.
 */
async function asBeforeEmptied(
  { stores }: WriteContext,
  standing: ImagingStudy,
  { numberOfInstances }: StudyRow,
): Promise<ImagingStudy> {
  if (standing.status !== 'entered-in-error' || standing.numberOfInstances !== 0 || numberOfInstances === 0)
    return standing;
  for (let version = Number(standing.meta?.versionId) - 1; version > 0; version--) {
    const earlier = (await stores.records.readVersion('ImagingStudy', standing.id!, version, everything))?.resource;
    const { status, numberOfInstances: had } = (earlier ?? {}) as Partial<ImagingStudy>;
    if (had === 0) continue;
    if (status === 'entered-in-error') return { ...standing, numberOfInstances: had ?? 1 };
    break;
  }
  const { meta: _label, ...rest } = standing;
  const meta = released(standing.meta);
  return { ...rest, status: 'available', ...(meta && { meta }) };
}

/**
 * The study is complete when its sender is quiet for a while, or when all is there that was announced: an ImagingStudy
 * that was registered before the first image says how much with `numberOfSeries` and `numberOfInstances`.
 */
async function waitForMore(
  { stores, world, principal }: WriteContext,
  StudyInstanceUID: string,
  { imagingStudyId, revision }: StudyRow,
  registered: ImagingStudy | undefined,
): Promise<void> {
  const { numberOfSeries: series, numberOfInstances: instances } = registered ?? {};
  if (revision === 1 && (series ?? instances) !== undefined)
    await stores.studies.expect(StudyInstanceUID, {
      ...(series !== undefined && { series }),
      ...(instances !== undefined && { instances }),
    });
  const quiet = world.settings.studyQuietSecondsOf.get(principal.clientId) ?? world.settings.studyQuietSeconds;
  const { began, seconds } = await stores.studies.grow(StudyInstanceUID, quiet);
  // While it grows, one job waits; it looks again later if more came.
  if (began || seconds === 0) await stores.jobs.enqueue(completionJob(imagingStudyId, String(revision), seconds));
}

/** The look at a study when its quiet time may be over. @param turn tells this job from others of the study. */
export function completionJob(imagingStudy: string, turn: string, afterSeconds: number): Job {
  return { kind: 'complete-study', key: `${imagingStudy}/${turn}`, data: { imagingStudy }, afterSeconds };
}

/**
 * The ImagingStudy that somebody registered under this UID before the images came, and its Patient; the study will
 * be tied to both. `unclear` if there are several, if it is about no Patient of ours, or tied to another study already.
 *
 * No two studies are tied to one record: its Study Instance UID is the first that it names, which cannot change, and it
 * is locked while it is asked whose it is.
 */
export async function registeredStudy(
  { stores }: WriteContext,
  StudyInstanceUID: string,
): Promise<{ imagingStudyId: string; patientId: string } | 'unclear' | undefined> {
  await stores.records.lockKey(`imaging-study ${StudyInstanceUID}`);
  const named = { parameter: 'identifier', values: [`${systems.studyUid}|urn:oid:${StudyInstanceUID}`] };
  const { found } = await searchOwn(stores, 'ImagingStudy', [named], { count: 10 });
  const [registered, ...others] = found.filter((study) => studyUidOf(study) === StudyInstanceUID);
  if (!registered) return undefined;
  // Read again under the lock: a merge of patients may have given it another subject meanwhile.
  const locked = (await stores.records.lock('ImagingStudy', registered.id))?.resource as ImagingStudy | undefined;
  const [, patientId] = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(locked?.subject.reference ?? '') ?? [];
  if (others.length > 0 || patientId === undefined) return 'unclear';
  const tied = await stores.studies.tiedTo(registered.id);
  if (tied !== undefined && tied !== StudyInstanceUID) return 'unclear';
  return { imagingStudyId: registered.id, patientId };
}

/**
 * The order with this accession number, if it is clear which one: the only one of the patient, or the only one that is
 * still active.
 */
async function orderOf({ stores }: WriteContext, patientId: string, accession: string): Promise<string | undefined> {
  const conditions = [
    { parameter: 'identifier', values: [escapedValue(accession)] },
    { parameter: 'subject', values: [`Patient/${patientId}`] },
  ];
  const { found: orders, next } = await searchOwn(stores, 'ServiceRequest', conditions, { count: mostOrders });
  if (next !== undefined) return undefined; // an active one may be among those that were not read
  const active = orders.filter(({ status }) => status === 'active');
  const [only] = active.length === 1 ? active : orders.length === 1 ? orders : [];
  return only?.id;
}

/** Of one patient under one number; with more it is not clear anyway. */
const mostOrders = 20;
