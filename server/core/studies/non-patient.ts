/** Instances that belong to no patient (PS3.18 chapter 12, PS3.4 GG): stored, found and given to staff and services. */
import { mayAll } from '../access/policy.ts';
import { nonPatientClasses, type NonPatientKind } from '../dicom/non-patient-classes.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import type { ReadsFrom, World } from '../world.ts';
import type { ReadInstance } from './dicom-reader.ts';
import type { Asking } from './locate.ts';
import type { NonPatientRow } from './non-patient-store.ts';
import { failed, reasonOf, type InstanceOutcome } from './outcome.ts';
import { discardInstance, type ArrivingInstance } from './receive-instance.ts';
import { mustBeAllowedToStore, withRepairs } from './store-instance.ts';
import type { StudyQuery } from './study-store.ts';

const explicit = '1.2.840.10008.1.2.1';

/**
 * Stores one: bytes first, the row second, as for images. Nothing is replaced: the same bytes again are success.
 *
 * @param wanted of the address, where it names the instance
 * @throws Problem `forbidden`, `no-store`, `transient`.
 */
export async function storeNonPatient(
  world: Pick<World, 'blobs' | 'transaction'>,
  asking: Asking,
  kind: NonPatientKind,
  arriving: ArrivingInstance,
  wanted?: string,
): Promise<InstanceOutcome> {
  try {
    mustBeAllowedToStore(asking.principal);
    const read = 'refused' in arriving ? arriving.refused : await arriving.reading;
    if ('refused' in arriving || read instanceof Problem) {
      const problem = read as Problem;
      return { status: 'failed', reason: reasonOf[problem.code], message: problem.message, name: undefined };
    }
    if (!(nonPatientClasses[kind] as readonly string[]).includes(read.SOPClassUID))
      return failed(read, 'other-study', `The instance is none of ${kind} (PS3.18 Table 12.1.1-1)`);
    if (wanted !== undefined && wanted !== read.SOPInstanceUID)
      return failed(read, 'other-study', 'The instance is another than the one that the address names');
    // Inflated, because offsets of values are those of the inflated copy; it says of itself how it is written.
    const file = read.repaired ?? read.inflated ?? arriving.received;
    await world.blobs.keep([file]);
    return await insert(world, asking, rowOf(kind, read, file), read);
  } finally {
    await discardInstance(world, arriving); // what was kept has moved
  }
}

function rowOf(kind: NonPatientKind, read: ReadInstance, file: { digest: string; size: number }): NonPatientRow {
  const { SOPInstanceUID, SOPClassUID, TransferSyntaxUID, attributes, bulk, long, inflated } = read;
  return {
    kind,
    SOPInstanceUID,
    SOPClassUID,
    TransferSyntaxUID: inflated ? explicit : TransferSyntaxUID,
    blob: file.digest,
    size: file.size,
    attributes: long?.attributes ?? JSON.stringify(attributes),
    bulk: long?.bulk ?? JSON.stringify(bulk),
  };
}

async function insert(
  world: Pick<World, 'transaction'>,
  asking: Asking,
  row: NonPatientRow,
  read: ReadInstance,
): Promise<InstanceOutcome> {
  return world.transaction(async ({ nonPatient, audit }) => {
    const { blob, inserted } = await nonPatient.insert(row);
    const isOther = !inserted && blob !== row.blob;
    await audit.append({
      action: 'C',
      event: `dicomweb:store${inserted || isOther ? '' : ':unchanged'}`,
      outcome: isOther ? 'failed' : 'success',
      ...asking,
      entities: [`${row.kind}/${row.SOPInstanceUID}`],
    });
    if (isOther)
      return failed(read, 'other-content', 'Other content is stored under this SOP Instance UID; it was not replaced');
    const { StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, SOPClassUID } = read;
    const name = { StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, SOPClassUID };
    return withRepairs({ status: inserted ? 'stored' : 'known', name }, read);
  });
}

/**
 * Who may read them: whoever may read every study, but no patient. An inventory lists studies of all patients (PS3.3
 * A.88), and nothing else here is of anybody.
 *
 * @throws Problem `forbidden`.
 */
function mustReadNonPatient(principal: Principal): void {
  if (principal.role === 'patient' || !mayAll(principal, 'ImagingStudy', 'read'))
    throw new Problem('forbidden', 'The token does not allow to read what belongs to no patient.');
}

/** @throws Problem `forbidden`, `not-found`. */
export async function locateNonPatient(
  world: ReadsFrom<'nonPatient' | 'audit'>,
  asking: Asking,
  kind: NonPatientKind,
  SOPInstanceUID: string,
  detail = '',
): Promise<NonPatientRow> {
  mustReadNonPatient(asking.principal);
  return world.read(async ({ nonPatient, audit }) => {
    const row = await nonPatient.one(kind, SOPInstanceUID);
    if (!row) throw new Problem('not-found', `There is no such instance among ${kind}`);
    const entities = [`${kind}/${SOPInstanceUID}${detail}`];
    await audit.append({ action: 'R', event: 'dicomweb:retrieve', outcome: 'success', ...asking, entities });
    return row;
  });
}

/** @throws Problem `forbidden`, `value`. */
export async function findNonPatient(
  world: ReadsFrom<'nonPatient' | 'audit'>,
  asking: Asking,
  kind: NonPatientKind,
  query: StudyQuery,
  text: string,
): Promise<{ attributes: string[]; total: number }> {
  mustReadNonPatient(asking.principal);
  return world.read(async ({ nonPatient, audit }) => {
    const found = await nonPatient.find(kind, query);
    await audit.append({ action: 'E', event: 'dicomweb:search', outcome: 'success', ...asking, query: text });
    return found;
  });
}
