import { newId } from '../identifier.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import { systemPrincipal } from '../principal.ts';
import type { WriteContext } from '../world.ts';
import { createPatient, lockPatient, matchPatient, patientIdentity, type PatientIdentity } from './match-patient.ts';
import { failed, nameOf, type InstanceOutcome } from './outcome.ts';
import { unmappable } from './left-out.ts';
import { admitted, applyRejections, readNotes, studiesNamed, type Notes } from './apply-rejections.ts';
import type { StudyRow } from './study-store.ts';
import { emptyAs } from './remove.ts';
import { registeredStudy, settleStudy } from './settle-study.ts';

/** The FHIR resources that a study belongs to. */
interface Tie {
  patientId: string;
  imagingStudyId: string;
}

/**
 * The database's half of storing, inside a transaction: who the images are of, which rows are new, and what follows
 * for their studies. Locks are taken in one order (studies, then patients, each sorted), so that senders wait for
 * each other and never in a circle.
 *
 * @param mayUpdate whether the caller may add to studies that are there already.
 */
export async function storeRows(
  context: WriteContext,
  rows: InstanceRow[],
  mayUpdate: boolean,
): Promise<Map<InstanceRow, InstanceOutcome>> {
  const { stores, world } = context;
  const outcomes = new Map<InstanceRow, InstanceOutcome>();
  const notes = await readNotes(context, rows, mayUpdate, outcomes);
  const readable = rows.filter((row) => !outcomes.has(row));
  const byStudy = Map.groupBy(readable, ({ StudyInstanceUID }) => StudyInstanceUID);
  const locked = new Map<string, StudyRow | undefined>();
  const studies = new Set([...byStudy.keys(), ...studiesNamed(notes)]);
  for (const uid of [...studies].sort()) locked.set(uid, await stores.studies.lockStudy(uid));
  const patients = new PatientsOfImages(context);
  await patients.lock(rows.map(({ attributes }) => patientIdentity(attributes, world.settings)));

  const ties = new Map<string, Tie>();
  const accepted: InstanceRow[] = [];
  for (const [uid, study] of locked) {
    const arriving = byStudy.get(uid);
    if (!arriving) continue; // only named by a note
    const refused = study && !mayUpdate;
    const registered = study ?? (await registeredStudy(context, uid));
    for (const row of arriving) {
      const tie = ties.get(uid) ?? (registered === 'unclear' ? undefined : registered);
      if (refused) outcomes.set(row, failed(row, 'forbidden', 'The token does not allow to add to a study'));
      else if (registered === 'unclear')
        outcomes.set(row, failed(row, 'unclear-patient', 'Several ImagingStudies are registered for this study'));
      else {
        const owner = await patients.ownerOf(row, tie?.patientId);
        if ('failed' in owner) outcomes.set(row, owner.failed);
        else {
          accepted.push(row);
          ties.set(uid, tie ?? { patientId: owner.patientId, imagingStudyId: newId() });
        }
      }
    }
  }
  await insertAndSettle(context, accepted, { ties, locked, notes }, outcomes);
  return outcomes;
}

/** A study of which nothing is new or gone is left as it is: no version, no event. */
async function insertAndSettle(
  context: WriteContext,
  accepted: InstanceRow[],
  around: { ties: Map<string, Tie>; locked: ReadonlyMap<string, StudyRow | undefined>; notes: Notes },
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<void> {
  const { ties, locked, notes } = around;
  const { rows, unseen } = await admitted(context, accepted, ties, outcomes);
  const arrived = await insert(context, rows, outcomes);
  const { removed, warnings } = await applyRejections(context, notes, { arrived, unseen }, around);
  const came = Map.groupBy(arrived, (row) => row.StudyInstanceUID);
  for (const uid of [...new Set([...came.keys(), ...removed.keys()])].sort()) {
    const rowsOf = came.get(uid) ?? [];
    const taken = removed.get(uid);
    const gone = new Set(taken?.names);
    const added = rowsOf
      .filter((row) => !gone.has(row.SOPInstanceUID) && !notes.has(row))
      .map((row) => row.SOPInstanceUID);
    for (const row of rowsOf) gone.delete(row.SOPInstanceUID);
    const change = { added, removed: [...gone], ...(taken && emptyAs(taken.reason)) };
    const { leftOut } = await settleStudy(context, uid, ties.get(uid) ?? locked.get(uid)!, change);
    if (leftOut.length > 0) for (const row of rowsOf) outcomes.set(row, stored(row, true, leftOut));
  }
  for (const [row, warning] of warnings) {
    const outcome = outcomes.get(row);
    if (outcome && outcome.status !== 'failed') outcomes.set(row, { ...outcome, warning, about: 'rejection' });
  }
}

/** @returns those that are new. */
async function insert(
  context: WriteContext,
  accepted: InstanceRow[],
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<Set<InstanceRow>> {
  const arrived = new Set<InstanceRow>();
  const belongs = await context.stores.studies.claimNames(accepted);
  const own = accepted.filter((row, i) => {
    const isOwn = belongs[i]!;
    if (!isOwn) outcomes.set(row, failed(row, 'other-place', 'This SOP Instance UID is stored in another study'));
    return isOwn;
  });
  const inserted = await context.stores.studies.insertInstances(own);
  for (const [i, row] of own.entries()) {
    const { row: stands, inserted: isNew } = inserted[i]!;
    if (isNew) arrived.add(row);
    if (stands.blob === row.blob) outcomes.set(row, stored(row, isNew));
    else
      outcomes.set(
        row,
        failed(row, 'other-content', 'Other content is stored under this SOP Instance UID; it was not replaced'),
      );
  }
  return arrived;
}

function stored(row: InstanceRow, isNew: boolean, elements: string[] = []): InstanceOutcome {
  const leftOut = isNew ? [...unmappable(row.attributes), ...elements] : [];
  return {
    status: isNew ? 'stored' : 'known',
    name: nameOf(row),
    ...(leftOut.length > 0 && {
      warning: `Stored, but not all of it could be said in FHIR: ${leftOut.slice(0, 5).join(', ')}`,
    }),
  };
}

/** Finds or creates the Patients of one request's images, each identity once. */
class PatientsOfImages {
  private readonly context: WriteContext;
  private readonly known = new Map<string, string>();

  constructor(context: WriteContext) {
    // The Patient is the server's own conclusion; the sender need not be allowed to write Patients.
    this.context = { ...context, principal: systemPrincipal('patient-from-images') };
  }

  async lock(identities: (PatientIdentity | undefined)[]): Promise<void> {
    const byValue = new Map(identities.flatMap((identity) => (identity ? [[identity.value, identity] as const] : [])));
    for (const value of [...byValue.keys()].sort()) await lockPatient(this.context.stores, byValue.get(value)!);
  }

  /**
   * The Patient of an instance; created from it when there is none and its study is new.
   * @param studyOwner the Patient of its study: an instance that says it is somebody else's must not get in there.
   */
  async ownerOf(
    row: InstanceRow,
    studyOwner: string | undefined,
  ): Promise<{ patientId: string } | { failed: InstanceOutcome }> {
    const identity = patientIdentity(row.attributes, this.context.world.settings);
    if (!identity) return { patientId: studyOwner ?? (await createPatient(this.context, undefined, row.attributes)) };
    const patientId = await this.find(identity, row, studyOwner === undefined);
    if (patientId === 'unclear')
      return { failed: failed(row, 'unclear-patient', 'Several patients could be meant by this Patient ID') };
    if (patientId === undefined || (studyOwner !== undefined && patientId !== studyOwner)) {
      return { failed: failed(row, 'other-patient', 'The study is stored for another patient') };
    }
    return { patientId };
  }

  private async find(
    identity: PatientIdentity,
    row: InstanceRow,
    create: boolean,
  ): Promise<string | 'unclear' | undefined> {
    const key = `${identity.system}|${identity.value}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const match = await matchPatient(this.context.stores, identity, row.attributes);
    if ('unclear' in match) return 'unclear';
    if ('none' in match && !create) return undefined;
    const id = 'found' in match ? match.found : await createPatient(this.context, identity, row.attributes);
    this.known.set(key, id);
    return id;
  }
}
