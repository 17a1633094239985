import type { ImagingStudy } from '@medplum/fhirtypes';
import { persons, text } from '../dicom/attribute-values.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { DicomJson } from '../dicom/json.ts';
import { searchOwn } from '../records/own-search.ts';
import { systems } from '../vocabulary/systems.ts';
import type { Stores, WriteContext } from '../world.ts';
import { carryCorrection, changeable, isCarriedOut, sameBulk, type Refusal } from './corrected-resend.ts';
import type { HoldReason } from './held-instance.ts';
import { failed, nameOf, type InstanceOutcome } from './outcome.ts';
import { studyUidOf } from './study-uid.ts';
import type { StudyTie } from './study-store.ts';

/** An image that cannot simply be stored. */
export interface Doubt {
  row: InstanceRow;
  why: HoldReason;
  candidates: string[];
}

/**
 * What becomes of images that contradict what is stored: what is there already is known, what has other pixels under a
 * name that is taken fails, and all else waits for a human, with one question for each study; what corrects attributes
 * of patient or order is carried out at once where the site trusts its sender with that.
 *
 * @param tieOf of the study that an image names, if it is clear.
 */
export async function settleDoubts(
  context: WriteContext,
  doubts: readonly Doubt[],
  tieOf: (uid: string) => StudyTie | undefined,
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<void> {
  if (doubts.length === 0) return;
  const waiting: Doubt[] = [];
  const copies = await context.stores.held.standing(
    doubts.map(({ row }) => row),
    changeable,
  );
  for (const doubt of doubts) {
    const { row } = doubt;
    const copy = copies.get(row);
    if (!copy) waiting.push(doubt);
    else if (copy.row.blob === row.blob) outcomes.set(row, { status: 'known', name: nameOf(row) });
    else if (!copy.alike || !(await sameBulk(context.world.blobs, copy.row, row))) outcomes.set(row, otherContent(row));
    else if (copy.alike === 'all')
      outcomes.set(row, { status: 'known', name: nameOf(row), warning: written, about: 'encoding' });
    else if (await isCarriedOut(context, row))
      outcomes.set(row, { status: 'known', name: nameOf(row), warning: corrected, about: 'coercion' }); // prettier-ignore
    else waiting.push({ ...doubt, why: 'corrected' });
  }
  for (const [uid, ofStudy] of Map.groupBy(waiting, ({ row }) => row.StudyInstanceUID)) {
    const left = await correct(context, uid, ofStudy, outcomes);
    if (left.length > 0) await hold(context, uid, left, tieOf(uid), outcomes);
  }
}

const written = 'The same image is stored in other bytes; it was not replaced';
const corrected = 'Answers show the patient and the order that it names already; the stored bytes stay';

function otherContent(row: InstanceRow): InstanceOutcome {
  return failed(row, 'other-content', 'Other content is stored under this SOP Instance UID; it was not replaced');
}

/** @returns what was not carried out. */
async function correct(
  context: WriteContext,
  uid: string,
  doubts: Doubt[],
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<Doubt[]> {
  const { correctedResends, trustedSenders } = context.world.settings;
  if (correctedResends !== 'accept' || !trustedSenders.includes(context.principal.clientId)) return doubts;
  const [resends, others] = [doubts.filter(isResend), doubts.filter((one) => !isResend(one))];
  if (resends.length === 0) return doubts;
  const refusal = await carryCorrection(context, uid, resends.map(({ row }) => row)); // prettier-ignore
  if (refusal !== undefined) return doubts;
  const warning = 'Taken as a correction: answers show the patient and the order that it names; the stored bytes stay';
  for (const { row } of resends) outcomes.set(row, { status: 'known', name: nameOf(row), warning, about: 'coercion' });
  return others;
}

const isResend = ({ why }: Pick<Doubt, 'why'>): boolean => why === 'corrected';

/** Keeps images of one study for a human, and asks. */
async function hold(
  context: WriteContext,
  uid: string,
  doubts: readonly Doubt[],
  tie: StudyTie | undefined,
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<void> {
  const { stores, world, principal } = context;
  const { kind, subject, clientId } = principal;
  const kept = await stores.held.hold(
    doubts.map(({ row, why }) => ({ row, why, sender: { kind, subject, clientId } })),
  );
  for (const [i, { row, why }] of doubts.entries()) {
    outcomes.set(
      row,
      kept[i]
        ? { status: 'held', name: nameOf(row), why, message: messages[why] }
        : failed(row, 'other-content', 'Another instance with this SOP Instance UID waits for a decision already'),
    );
  }
  const waiting = doubts.filter((_, i) => kept[i]);
  if (waiting.length === 0) return;
  const registered = tie ? [] : await registeredFor(stores, uid);
  await world.askWhose(context, {
    StudyInstanceUID: uid,
    ...(tie && { patientId: tie.patientId, imagingStudyId: tie.imagingStudyId }),
    candidates: [...waiting.flatMap(({ candidates }) => candidates), ...registered.map(({ patientId }) => patientId)],
    held: await stores.held.count(uid),
    says: waiting.map(({ row, why }) => `${questions[why]} ${identityInWords(row.attributes)}`),
  });
}

const messages: Record<HoldReason, string> = {
  'other-patient': 'Kept and not shown: its study is stored for another patient; an administrator decides',
  'unclear-patient': 'Kept and not shown: several patients could be meant; an administrator decides',
  corrected: 'Kept and not shown: the image is stored with other patient or order attributes; an administrator decides',
};

const questions: Record<HoldReason, string> = {
  'other-patient': "An image of this study says that it is another patient's:",
  'unclear-patient': 'Several patients could be meant by an image of this study:',
  corrected: 'A stored image was sent again with other attributes of patient or order:',
};

/** Why `carryCorrection` did nothing, for a person. */
export const refusals: Record<Refusal, string> = {
  'no Patient ID': 'an image that was sent again names no Patient ID',
  'several patients': 'the images that were sent again name several patients',
  'unclear patient': 'several patients have the Patient ID that the images name',
};

/** Who an image says it is of, for staff. */
export function identityInWords(attributes: DicomJson): string {
  const [name] = persons(attributes, '00100010');
  const [id, issuer, born] = ['00100020', '00100021', '00100030'].map((tag) => text(attributes, tag));
  return [
    id === undefined ? 'no Patient ID' : `Patient ID ${id}`,
    ...(id === undefined ? [] : [issuer === undefined ? 'no issuer' : `issuer ${issuer}`]),
    ...(name?.Alphabetic ? [name.Alphabetic] : []),
    ...(born === undefined ? [] : [`born ${born}`]),
    ...(text(attributes, '00080050') === undefined ? [] : [`accession number ${text(attributes, '00080050')}`]),
  ].join(', ');
}

/** ImagingStudies that people registered under this UID for Patients of ours. */
export async function registeredFor(stores: Pick<Stores, 'records'>, uid: string): Promise<StudyTie[]> {
  const named = { parameter: 'identifier', values: [`${systems.studyUid}|urn:oid:${uid}`] };
  const { found } = await searchOwn(stores, 'ImagingStudy', [named], { count: 10 });
  return found
    .filter((study) => studyUidOf(study as ImagingStudy) === uid)
    .flatMap(({ id, subject }) => {
      const [, patientId] = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(subject.reference ?? '') ?? [];
      return patientId === undefined ? [] : [{ imagingStudyId: id, patientId }];
    });
}
