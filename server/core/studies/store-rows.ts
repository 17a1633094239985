import { newId } from '../identifier.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import { systemPrincipal } from '../principal.ts';
import type { WriteContext } from '../world.ts';
import { createPatient, lockPatient, matchPatient, patientIdentity, type PatientIdentity } from './match-patient.ts';
import { failed, nameOf, type InstanceOutcome } from './outcome.ts';
import { unmappable } from './left-out.ts';
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
  const byStudy = Map.groupBy(rows, ({ StudyInstanceUID }) => StudyInstanceUID);
  const standing = new Map<string, Tie | undefined>();
  for (const uid of [...byStudy.keys()].sort()) standing.set(uid, await stores.studies.lockStudy(uid));
  const patients = new PatientsOfImages(context);
  await patients.lock(rows.map(({ attributes }) => patientIdentity(attributes, world.settings)));

  const ties = new Map<string, Tie>();
  const accepted: InstanceRow[] = [];
  for (const [uid, study] of standing) {
    const refused = study && !mayUpdate;
    const registered = study ?? (await registeredStudy(context, uid));
    for (const row of byStudy.get(uid)!) {
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
  await insertAndSettle(context, accepted, ties, outcomes);
  return outcomes;
}

/** A study of which nothing is new is left as it is: no version, no event. */
async function insertAndSettle(
  context: WriteContext,
  accepted: InstanceRow[],
  ties: Map<string, Tie>,
  outcomes: Map<InstanceRow, InstanceOutcome>,
): Promise<void> {
  const grown = new Map<string, string[]>();
  const belongs = await context.stores.studies.claimNames(accepted);
  const own = accepted.filter((row, i) => {
    const isOwn = belongs[i]!;
    if (!isOwn) outcomes.set(row, failed(row, 'other-place', 'This SOP Instance UID is stored in another study'));
    return isOwn;
  });
  const inserted = await context.stores.studies.insertInstances(own);
  for (const [i, row] of own.entries()) {
    const { row: stands, inserted: isNew } = inserted[i]!;
    if (isNew) {
      if (!grown.has(row.StudyInstanceUID)) grown.set(row.StudyInstanceUID, []);
      grown.get(row.StudyInstanceUID)!.push(row.SOPInstanceUID);
    }
    if (stands.blob === row.blob) outcomes.set(row, stored(row, isNew));
    else
      outcomes.set(
        row,
        failed(row, 'other-content', 'Other content is stored under this SOP Instance UID; it was not replaced'),
      );
  }
  for (const [uid, added] of [...grown].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const { leftOut } = await settleStudy(context, uid, ties.get(uid)!, { added });
    if (leftOut.length === 0) continue;
    for (const row of own)
      if (row.StudyInstanceUID === uid && outcomes.get(row)?.status === 'stored')
        outcomes.set(row, stored(row, true, leftOut));
  }
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
