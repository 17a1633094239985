import type { Patient } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import { systemPrincipal } from '../principal.ts';
import type { WriteContext } from '../world.ts';
import type { HoldReason } from './held-instance.ts';
import type { ImageOwner } from './uploads/image-owner.ts';
import {
  createPatient,
  isDescribedBy,
  mayBeBornWith,
  isNamed,
  isSameButForIssuer,
  lockPatient,
  matchPatient,
  patientIdentity,
  survivor,
  type PatientIdentity,
  type PatientMatch,
} from './match-patient.ts';

/** Whose an image is, or why a human has to say it first. */
export type Place =
  | {
      patientId: string;
      /** It does not say so itself, but its study does: answers show its patient. */
      coerced?: true;
      /** Its Patient was made for it, and may be one of these. */
      unsure?: { candidates: string[] };
    }
  | { hold: HoldReason; candidates: string[] };

/** Finds or creates the Patients of one request's images, each identity once. */
export class PatientsOfImages {
  private readonly context: WriteContext;
  private readonly known = new Map<string, PatientMatch>();
  private readonly owners = new Map<string, Patient | undefined>();

  constructor(context: WriteContext) {
    // The Patient is the server's own conclusion; the sender need not be allowed to write Patients.
    this.context = { ...context, principal: systemPrincipal('patient-from-images') };
  }

  async lock(rows: readonly InstanceRow[]): Promise<void> {
    const identities = rows.map(({ attributes }) => patientIdentity(attributes, this.context.world.settings));
    const byValue = new Map(identities.flatMap((identity) => (identity ? [[identity.value, identity] as const] : [])));
    for (const value of [...byValue.keys()].sort()) await lockPatient(this.context.stores, byValue.get(value)!);
  }

  /**
   * The Patient of an instance of a new study; created from it when there is none.
   *
   * Where several could be meant, or one whose number came without an issuer, the images are stored all the same, under a
   * Patient of their own: never under one of them by guessing, and never refused, for nobody could ever take that back.
   */
  async ofNewStudy(row: InstanceRow): Promise<Place> {
    const identity = patientIdentity(row.attributes, this.context.world.settings);
    if (!identity) return { patientId: await createPatient(this.context, undefined, row.attributes) };
    const match = await this.match(identity, row);
    if ('found' in match) {
      const unsure = match.provisional && { unsure: { candidates: [] } };
      return { patientId: match.found, ...(await this.otherWords(match.found, identity)), ...unsure };
    }
    const provisional = 'unclear' in match;
    const patientId = await createPatient(this.context, identity, row.attributes, { provisional });
    if (!provisional) this.known.set(keyOf(identity), { found: patientId });
    return { patientId, ...(provisional && { unsure: { candidates: match.candidates } }) };
  }

  /**
   * Whether an instance may get into a study whose Patient is known: one that says it is somebody else's must not. The
   * same number with the issuer missing on one side is the same person, for the study says so.
   */
  async inStudyOf(studyOwner: string, row: InstanceRow): Promise<Place> {
    const identity = patientIdentity(row.attributes, this.context.world.settings);
    if (!identity) {
      const isNumbered = ((await this.owner(studyOwner))?.identifier ?? []).length > 0;
      return { patientId: studyOwner, ...(isNumbered && { coerced: true }) };
    }
    const match = await this.match(identity, row);
    if ('found' in match && match.found === studyOwner)
      return { patientId: studyOwner, ...(await this.otherWords(studyOwner, identity)) };
    const owner = await this.owner(studyOwner);
    if (owner && 'found' in match && match.found === survivor(owner)) return { patientId: studyOwner };
    if (owner && isSameButForIssuer(owner, identity, row.attributes)) return { patientId: studyOwner, coerced: true };
    if ('unclear' in match) return { hold: 'unclear-patient', candidates: match.candidates };
    return { hold: 'other-patient', candidates: 'found' in match ? [match.found] : [] };
  }

  /**
   * Whether an image that a person brings for a patient is of that patient by what it says: by its number and the birth date, and
   * without a number by birth date and name, where what it leaves out contradicts nothing.
   *
   * @param studyOwner of the study that it names, if that is here
   */
  async broughtFor(
    owner: ImageOwner,
    studyOwner: string | undefined,
    row: InstanceRow,
  ): Promise<Place | { other: true }> {
    const { patientId, others } = owner;
    const patient = await this.owner(patientId);
    if (!patient || survivor(patient) !== patientId) return { other: true };
    if (others === 'own') return studyOwner === undefined || studyOwner === patientId ? { patientId } : { other: true };
    const identity = patientIdentity(row.attributes, this.context.world.settings);
    const match: PatientMatch = identity ? await this.match(identity, row) : { none: true };
    const found = 'found' in match ? match.found : undefined;
    // A number says more than a name, which has another writing in another place, or changes with a marriage.
    const contradicts = identity ? !mayBeBornWith(patient, row.attributes) : !isDescribedBy(patient, row.attributes);
    const isOwn = identity ? found === patientId : true;
    const isOthers = found !== undefined && found !== patientId;
    if (others === 'refuse') {
      if (!isOwn || contradicts || (studyOwner !== undefined && studyOwner !== patientId)) return { other: true };
    } else if (studyOwner !== undefined && studyOwner !== patientId)
      return { hold: 'other-patient', candidates: [patientId, ...(found === undefined ? [] : [found])] };
    else if (isOthers) return { hold: 'other-patient', candidates: [patientId, found] };
    const sameWords = isOwn && !contradicts && identity && isNamed(patient, identity);
    const saysNothing = !identity && !contradicts && (patient.identifier ?? []).length === 0;
    return { patientId, ...(!sameWords && !saysNothing && { coerced: true }) };
  }

  /** By a number that is the Patient's no more (a merge): answers show one person under one number, as for the studies before. */
  private async otherWords(id: string, identity: PatientIdentity): Promise<{ coerced?: true }> {
    const owner = await this.owner(id);
    return owner && !isNamed(owner, identity) ? { coerced: true } : {};
  }

  private async match(identity: PatientIdentity, row: InstanceRow): Promise<PatientMatch> {
    const key = keyOf(identity);
    const known = this.known.get(key);
    if (known) return known;
    const match = await matchPatient(this.context.stores, identity, row.attributes);
    // For all else the birth date of each image counts, and what the one before has led to.
    if ('found' in match && !match.provisional) this.known.set(key, match);
    return match;
  }

  private async owner(id: string): Promise<Patient | undefined> {
    if (!this.owners.has(id)) {
      const record = await this.context.stores.records.read('Patient', id, everything);
      this.owners.set(id, record?.resource as Patient | undefined);
    }
    return this.owners.get(id);
  }
}

const keyOf = ({ system, value }: PatientIdentity): string => `${system}|${value}`;
