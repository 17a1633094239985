import type { ImagingStudy, Patient } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { Problem } from '../problem.ts';
import { systemPrincipal } from '../principal.ts';
import type { WriteContext } from '../world.ts';
import type { DicomJson } from '../dicom/json.ts';
import { coercionOf } from './coercion.ts';
import { isNamed, patientIdentity } from './match-patient.ts';
import { settleStudy } from './settle-study.ts';
import type { StudyMove } from './study-follower.ts';

/** Why a study comes to another patient, and when. */
export interface OwnerChange {
  reason: StudyMove['kind'];
  /** In the words of who did it. */
  text?: string;
  at: Date;
  /** What answers show of the order besides, where that was wrong too. */
  order?: DicomJson;
}

/**
 * Gives a study to another patient: the index, which owns "whose", its ImagingStudy, what DICOM answers show, and what
 * hears of it (`world.studyMoveFollowers`: the review), all in the caller's transaction. The stored bytes stay as they
 * came. Nothing happens to a study that is that patient's already.
 *
 * @returns the ImagingStudy as it is now.
 * @throws Problem `not-found` where no such study is stored; `business-rule` for a patient who is not there, or whose
 * record was merged into another.
 */
export async function giveStudyTo(
  context: WriteContext,
  StudyInstanceUID: string,
  patientId: string,
  change: OwnerChange,
): Promise<ImagingStudy & { id: string }> {
  const { stores, world } = context;
  const study = await stores.studies.lockStudy(StudyInstanceUID);
  if (!study) throw new Problem('not-found', 'No images are stored under this Study Instance UID.');
  const { imagingStudyId, patientId: from } = study;
  if (from !== patientId) {
    const patient = await standingPatient(context, patientId);
    await coerce(context, StudyInstanceUID, patient, change);
    await settleStudy(context, StudyInstanceUID, { patientId, imagingStudyId }, { moved: change.reason === 'move' });
  }
  const record = await stores.records.read('ImagingStudy', imagingStudyId, everything);
  const imagingStudy = record?.resource as (ImagingStudy & { id: string }) | undefined;
  if (!imagingStudy) throw new Problem('conflict', 'The study has no ImagingStudy any more.');
  if (from === patientId) return imagingStudy;
  const move: StudyMove = {
    imagingStudy,
    from,
    to: patientId,
    kind: change.reason,
    ...(change.text !== undefined && { text: change.text }),
  };
  for (const follow of world.studyMoveFollowers) await follow(context, move);
  await stores.audit.append({
    action: 'U',
    event: `study:${change.reason}`,
    outcome: 'success',
    principal: context.principal,
    patients: [from, patientId],
    entities: [`studies/${StudyInstanceUID}`, `ImagingStudy/${imagingStudyId}`],
    ...(context.requestId !== undefined && { requestId: context.requestId }),
    ...(context.sourceAddress !== undefined && { sourceAddress: context.sourceAddress }),
  });
  return imagingStudy;
}

/** A Patient that studies can be given to. @throws Problem `business-rule`. */
export async function standingPatient({ stores }: WriteContext, id: string): Promise<Patient & { id: string }> {
  const record = await stores.records.read('Patient', id, everything);
  if (!record?.resource) throw new Problem('business-rule', `Patient/${id} does not exist.`);
  const patient = record.resource as Patient & { id: string };
  const survivor = mergedInto(patient);
  if (survivor === undefined) return patient;
  throw new Problem('business-rule', `Patient/${id} was merged into Patient/${survivor}: name that one.`);
}

/** FHIR id of the Patient that stands for a record that was merged (Patient.link, replaced-by); undefined if it was not. */
export function mergedInto(patient: Patient | undefined): string | undefined {
  const link = patient?.link?.find(({ type }) => type === 'replaced-by');
  return /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(link?.other.reference ?? '')?.[1];
}

/** The images speak for themselves where each of them names this very patient; else answers must. */
async function coerce(
  context: WriteContext,
  StudyInstanceUID: string,
  patient: Patient,
  { reason, at, order = {} }: OwnerChange,
): Promise<void> {
  const { stores, world } = context;
  await stores.studies.coerce(StudyInstanceUID, undefined); // what they say themselves, whatever was shown until now
  const images = await stores.studies.imageAttributes(StudyInstanceUID, identityTags);
  const { attributes: ofStudy } = await stores.studies.content(StudyInstanceUID);
  const agree = [ofStudy, ...images.map(({ attributes }) => attributes)].every((attributes) => {
    const identity = patientIdentity(attributes, world.settings);
    return identity !== undefined && isNamed(patient, identity);
  });
  await stores.studies.coerce(
    StudyInstanceUID,
    agree && Object.keys(order).length === 0
      ? undefined
      : {
          attributes: { ...coercionOf(patient, world.settings), ...order },
          at: at.toISOString(),
          system: systemPrincipal('study-owner').clientId,
          reason: reason === 'move' ? 'CORRECT' : 'COERCE',
        },
  );
}

/** Patient ID, its issuer and the issuer's qualifiers. */
const identityTags = ['00100020', '00100021', '00100024'];
