import { newId } from '../identifier.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { WriteContext } from '../world.ts';
import { coerceToOwner } from './coerce-to-owner.ts';
import { identityInWords, settleDoubts, type Doubt } from './hold-images.ts';
import { failed, nameOf, type InstanceOutcome } from './outcome.ts';
import { PatientsOfImages, type Place } from './patients-of-images.ts';
import { unmappable } from './left-out.ts';
import { admitted, applyRejections, readNotes, studiesNamed, type Notes } from './apply-rejections.ts';
import type { StudyRow, StudyTie } from './study-store.ts';
import { emptyAs } from './remove.ts';
import { registeredStudy, settleStudy } from './settle-study.ts';
import type { ImageOwner } from './uploads/image-owner.ts';

/**
 * The database's half of storing, inside a transaction: who the images are of, which rows are new, and what follows
 * for their studies. Locks are taken in one order (studies, then patients, each sorted), so that senders wait for
 * each other and never in a circle.
 *
 * @param mayUpdate whether the caller may add to studies that are there already, not only to those that it brought itself.
 * @param owner whose they are, said by the person who brings them: nothing that names somebody else is kept in silence.
 */
export async function storeRows(
  context: WriteContext,
  rows: InstanceRow[],
  mayUpdate: boolean,
  owner?: ImageOwner,
  settle?: 'owed',
): Promise<Map<InstanceRow, InstanceOutcome>> {
  const { stores } = context;
  const outcomes = new Map<InstanceRow, InstanceOutcome>();
  // Somebody who brings images of a CD takes none away by what else lies on it.
  const notes = await readNotes(context, rows, mayUpdate && !owner, outcomes);
  const readable = rows.filter((row) => !outcomes.has(row));
  const byStudy = Map.groupBy(readable, ({ StudyInstanceUID }) => StudyInstanceUID);
  const locked = new Map<string, StudyRow | undefined>();
  const studies = new Set([...byStudy.keys(), ...studiesNamed(notes)]);
  for (const uid of [...studies].sort()) locked.set(uid, await stores.studies.lockStudy(uid));
  const patients = new PatientsOfImages(context);
  await patients.lock(rows);

  const ties = new Map<string, StudyTie>();
  const owned = new Map<string, StudyTie>();
  const [accepted, coerced]: InstanceRow[][] = [[], []];
  const doubts: Doubt[] = [];
  const unsure = new Map<InstanceRow, string[]>();
  for (const [uid, study] of locked) {
    const arriving = byStudy.get(uid);
    if (!arriving) continue; // only named by a note
    const refused = study && !mayUpdate && !(owner && (await stores.uploads.brought(uid, context.principal.subject)));
    const registered = study ?? (await registeredStudy(context, uid));
    if (registered && registered !== 'unclear') owned.set(uid, registered);
    for (const row of arriving) {
      const tie = ties.get(uid) ?? owned.get(uid);
      if (refused) outcomes.set(row, failed(row, 'forbidden', 'The token does not allow to add to a study'));
      else if (owner && registered === 'unclear' && owner.others !== 'confirmed')
        outcomes.set(row, failed(row, 'forbidden', 'The study is registered for somebody else'));
      else if (registered === 'unclear') doubts.push({ row, why: 'unclear-patient', candidates: [] });
      else {
        const place = await placeOf(patients, row, tie, owner);
        if ('other' in place) outcomes.set(row, failed(row, 'other-patient', identityInWords(row.attributes)));
        else if ('hold' in place) doubts.push({ row, why: place.hold, candidates: place.candidates });
        else {
          accepted!.push(row);
          ties.set(uid, tie ?? { patientId: place.patientId, imagingStudyId: newId() });
          if (place.coerced) coerced!.push(row);
          if (place.unsure) unsure.set(row, place.unsure.candidates);
        }
      }
    }
  }
  await insertAndSettle(context, accepted!, { ties, locked, notes, ...(settle && { settle }) }, outcomes);
  await coerceToOwner(context, coerced!, { ties, locked }, outcomes);
  if (owner) await noteBrought(context, outcomes);
  // What a patient brings again with other content is refused: it asks nobody a question.
  const again =
    owner && owner.others !== 'confirmed' ? [] : accepted!.filter((row) => isOtherContent(outcomes.get(row)));
  doubts.push(...again.map((row): Doubt => ({ row, why: 'corrected', candidates: [] })));
  await settleDoubts(context, doubts, (uid) => ties.get(uid) ?? owned.get(uid), outcomes);
  for (const [row, candidates] of unsure) await askWho(context, row, candidates, ties);
  return outcomes;
}

function placeOf(
  patients: PatientsOfImages,
  row: InstanceRow,
  tie: StudyTie | undefined,
  owner: ImageOwner | undefined,
): Promise<Place | { other: true }> {
  if (owner) return patients.broughtFor(owner, tie?.patientId, row);
  return tie ? patients.inStudyOf(tie.patientId, row) : patients.ofNewStudy(row);
}

async function noteBrought(
  { stores, principal }: WriteContext,
  outcomes: ReadonlyMap<InstanceRow, InstanceOutcome>,
): Promise<void> {
  const stored = [...outcomes].filter(([, { status }]) => status === 'stored');
  const uids = new Set(stored.map(([{ StudyInstanceUID }]) => StudyInstanceUID));
  if (uids.size === 0) return;
  await stores.uploads.note([...uids], principal.subject);
  await stores.news.post('uploads', { role: ['doctor', 'admin'] });
}

const isOtherContent = (outcome: InstanceOutcome | undefined): boolean =>
  outcome?.status === 'failed' && outcome.reason === 'other-content';

/** Images are stored under a Patient of their own who may be one of those: a human is asked. */
async function askWho(
  context: WriteContext,
  { StudyInstanceUID, attributes }: InstanceRow,
  candidates: string[],
  ties: ReadonlyMap<string, StudyTie>,
): Promise<void> {
  const { patientId, imagingStudyId } = ties.get(StudyInstanceUID)!;
  if (!(await context.stores.studies.study(StudyInstanceUID))) return; // nothing of it was stored after all
  await context.world.askWhose(context, {
    StudyInstanceUID,
    imagingStudyId,
    patientId,
    candidates,
    says: [
      `The number may be that of another record of the same person. The images say: ${identityInWords(attributes)}`,
    ],
  });
}

/** A study of which nothing is new or gone is left as it is: no version, no event. */
export async function insertAndSettle(
  context: WriteContext,
  accepted: InstanceRow[],
  around: {
    ties: Map<string, StudyTie>;
    locked: ReadonlyMap<string, StudyRow | undefined>;
    notes: Notes;
    settle?: 'owed';
  },
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<void> {
  const { ties, locked, notes, settle } = around;
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
    if (settle && locked.get(uid)?.numberOfInstances && !taken && added.length > 0) {
      await context.stores.unsettled.owe(uid, added);
      continue;
    }
    const change = { added, removed: [...gone], ...(taken && emptyAs(taken.reason)) };
    const { leftOut } = await settleStudy(context, uid, ties.get(uid) ?? locked.get(uid)!, change);
    if (leftOut.length > 0) for (const row of rowsOf) outcomes.set(row, stored(row, true, leftOut));
  }
  for (const [row, warning] of warnings) {
    const outcome = outcomes.get(row);
    if (outcome?.status === 'stored' || outcome?.status === 'known')
      outcomes.set(row, { ...outcome, warning, about: 'rejection' });
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
