/** What rejection notes do, in the transaction that stores them, and what they did to images that come after them. */
import type { InstanceRow } from '../dicom/instance.ts';
import { inTurns } from '../in-turns.ts';
import { traceOf } from '../trace.ts';
import type { WriteContext } from '../world.ts';
import { entityOf } from './locate.ts';
import { failed, type InstanceOutcome } from './outcome.ts';
import { isRejectionNote, rejectionOf, mostNamed, mostStudiesNamed, type Rejection } from './rejection-note.ts';
import { isOver, reasonText, type RemovalReason } from './removal-reasons.ts';
import type { Obstacle, StoredName } from './removal-store.ts';
import { removing } from './remove.ts';
import type { StudyRow, StudyTie } from './study-store.ts';

/** Notes among arriving instances, with what they reject. */
export type Notes = ReadonlyMap<InstanceRow, Rejection>;

/** Studies that the notes of one transaction may name together: each is locked. */
const mostStudiesTogether = 200;
/** What one audit row names. */
const namedLimit = 100;

/**
 * Reads the rejection notes among what arrives. Those that are not acted on are not stored either: a sender that is told
 * "stored" relies on it that what the note rejects is hidden.
 */
export async function readNotes(
  { principal, world }: Pick<WriteContext, 'principal' | 'world'>,
  rows: readonly InstanceRow[],
  mayReject: boolean,
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<Notes> {
  const notes = new Map<InstanceRow, Rejection>();
  const { notesFrom } = world.settings.removal;
  const trusted = principal.kind === 'system' || !notesFrom || notesFrom.includes(principal.clientId);
  let studies = 0;
  const read = await inTurns(rows, rejectionOf);
  for (const [i, rejection] of read.entries()) {
    const row = rows[i]!;
    if (rejection === undefined) continue;
    if (!mayReject || !trusted)
      outcomes.set(row, failed(row, 'note', 'The token does not allow to reject images by a rejection note'));
    else if (rejection === 'too-long')
      outcomes.set(
        row,
        failed(
          row,
          'too-costly',
          `A rejection note names ${mostNamed} instances of ${mostStudiesNamed} studies at most; send several`,
        ),
      );
    else if ((studies += rejection.named.size) > mostStudiesTogether)
      outcomes.set(row, failed(row, 'no-room', 'Too many studies are rejected at once; send this note again'));
    else notes.set(row, rejection);
  }
  return notes;
}

export const studiesNamed = (notes: Notes): string[] => [...notes.values()].flatMap(({ named }) => [...named.keys()]);

/** Of instances that arrive: what may be stored, and which of them stay out of sight from the first moment. */
export interface Admitted {
  rows: InstanceRow[];
  /** By the note that came before them. */
  unseen: { row: InstanceRow; reason: RemovalReason; note?: StoredName }[];
}

/**
 * Leaves out what was removed and must not come back (RAD TF-3 4.66.4.2.3.1: "shall not accept subsequent occurrence"), and
 * finds what a note named before it came. Images whose time was over, and only those, take the place of the removed ones.
 */
export async function admitted(
  { stores }: WriteContext,
  rows: InstanceRow[],
  ties: ReadonlyMap<string, Pick<StudyTie, 'patientId'>>,
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<Admitted> {
  const obstacles = await stores.removals.obstacles(rows);
  if (obstacles.length === 0) return { rows, unseen: [] };
  const inTheWay = new Map(obstacles.map((obstacle) => [keyOf(obstacle), obstacle]));
  const unseen: Admitted['unseen'] = [];
  const free: InstanceRow[] = [];
  for (const row of rows) {
    const obstacle = inTheWay.get(keyOf(row));
    if (obstacle && staysAway(obstacle))
      outcomes.set(
        row,
        failed(row, 'rejected', `It was removed and is not taken again: ${reasonText(obstacle.reason)}`),
      );
    else free.push(row);
    const { barred, reason, removed } = obstacle ?? {};
    if (!barred || removed || barred.purged || isRejectionNote(row)) continue;
    // The study of the note says whose it is now, should its images have been given to another patient since.
    const ofNote = barred.note && (await stores.studies.study(barred.note.StudyInstanceUID));
    if ((ofNote?.patientId ?? barred.patientId) === ties.get(row.StudyInstanceUID)!.patientId)
      unseen.push({ row, reason: reason!, ...(barred.note && { note: barred.note }) });
  }
  await stores.removals.forget(obstacles.filter((one) => one.removed && !staysAway(one)));
  return { rows: free, unseen };
}

const keyOf = ({ StudyInstanceUID, SOPInstanceUID }: StoredName): string => `${StudyInstanceUID} ${SOPInstanceUID}`;

/** What a note named before it came is let in, to be kept out of sight. */
function staysAway({ reason, removed, barred }: Obstacle): boolean {
  return barred ? removed || barred.purged : !isOver(reason);
}

/** Per study what was hidden, and per instance what its sender is told of it. */
export interface Rejected {
  removed: Map<string, { names: string[]; reason: RemovalReason }>;
  warnings: Map<InstanceRow, string>;
}

interface Standing {
  /** Studies of what arrives. */
  ties: ReadonlyMap<string, StudyTie>;
  /** Rows of the studies that the notes name, locked. */
  locked: ReadonlyMap<string, StudyRow | undefined>;
}

/**
 * Hides what notes reject: what stands in the index now, what came with them or before, and by name what has not come yet.
 *
 * @param arrived instances that this transaction inserted, notes included.
 */
export async function applyRejections(
  context: WriteContext,
  notes: Notes,
  { arrived, unseen }: { arrived: ReadonlySet<InstanceRow>; unseen: Admitted['unseen'] },
  standing: Standing,
): Promise<Rejected> {
  const { removals } = context.stores;
  const reasons = new Map<string, RemovalReason>();
  const rejected: Rejected = { removed: new Map(), warnings: new Map() };
  const hide = async (uid: string, names: readonly string[], reason: RemovalReason, note?: StoredName) => {
    const hidden = await removals.putAside(uid, names, removing(context, reason, note));
    for (const name of hidden) reasons.set(`${uid} ${name}`, reason);
    const before = rejected.removed.get(uid)?.names ?? [];
    if (hidden.length > 0) rejected.removed.set(uid, { names: [...before, ...hidden], reason });
    return hidden;
  };
  for (const { row, reason, note } of unseen)
    if (arrived.has(row)) await hide(row.StudyInstanceUID, [row.SOPInstanceUID], reason, note);
  for (const [row, rejection] of notes) {
    if (!arrived.has(row)) continue;
    const warning = await applyNote(context, row, rejection, standing, hide);
    if (warning !== '') rejected.warnings.set(row, warning);
  }
  for (const row of arrived) {
    const reason = reasons.get(keyOf(row));
    if (reason) rejected.warnings.set(row, `Stored, and not shown: a rejection note names it (${reasonText(reason)})`);
  }
  return rejected;
}

/** @returns what of it was not done, for its sender. */
async function applyNote(
  context: WriteContext,
  row: InstanceRow,
  { reason, named }: Rejection,
  { ties, locked }: Standing,
  hide: (uid: string, names: readonly string[], reason: RemovalReason, note: StoredName) => Promise<string[]>,
): Promise<string> {
  const { stores, principal } = context;
  const { patientId } = ties.get(row.StudyInstanceUID)!;
  const note = { StudyInstanceUID: row.StudyInstanceUID, SOPInstanceUID: row.SOPInstanceUID };
  const entities = [entityOf({ ...note, SeriesInstanceUID: row.SeriesInstanceUID })];
  let [others, kept] = [0, 0];
  for (const [uid, names] of named) {
    const study = ties.get(uid) ?? locked.get(uid);
    if (study && study.patientId !== patientId) {
      others += names.length;
      continue;
    }
    const notes = new Set(study ? await stores.removals.notesAmong(uid, names) : []);
    kept += notes.size;
    const rejectable = names.filter((name) => !notes.has(name));
    if (study) entities.push(entityOf({ StudyInstanceUID: uid }));
    const hidden = study ? await hide(uid, rejectable, reason, note) : [];
    for (const name of hidden.slice(0, namedLimit - entities.length)) entities.push(`studies/${uid}/instances/${name}`);
    if (!isOver(reason)) await stores.removals.bar(uid, rejectable, { ...removing(context, reason, note), patientId });
  }
  const query = `reason=${reason}`;
  const about = { patients: [patientId], entities, query, ...traceOf(context) };
  await stores.audit.append({ action: 'D', event: 'dicomweb:reject', outcome: 'success', principal, ...about });
  return [
    ...(named.size === 0 ? ['The rejection note names no instance: nothing was hidden'] : []),
    ...(others > 0 ? [`${others} of the instances that it names are another patient's and were not touched`] : []),
    ...(kept > 0 ? [`${kept} of the instances that it names are rejection notes, which are not rejected`] : []),
  ].join('; ');
}
