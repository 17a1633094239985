/** What becomes of held images when a human has decided: they are stored by the one way in, or thrown away. */
import type { Patient } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { newId } from '../identifier.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import { Problem } from '../problem.ts';
import { systemPrincipal } from '../principal.ts';
import { traceOf } from '../trace.ts';
import type { WriteContext } from '../world.ts';
import { readNotes, studiesNamed } from './apply-rejections.ts';
import { coerceToOwner } from './coerce-to-owner.ts';
import { carryCorrection } from './corrected-resend.ts';
import type { HeldInstance } from './held-instance.ts';
import { refusals, registeredFor } from './hold-images.ts';
import { entityOf } from './locate.ts';
import { createPatient, isNamed, lockPatient, patientIdentity } from './match-patient.ts';
import type { InstanceOutcome } from './outcome.ts';
import { registeredStudy } from './settle-study.ts';
import { insertAndSettle } from './store-rows.ts';
import type { StudyRow, StudyTie } from './study-store.ts';

/** Whom the images go to, where their study is nobody's yet. */
export type Recipient = { patientId: string } | 'new patient';

/**
 * Stores the held images of a study: what corrects stored ones first, then the others, as of the study's patient, whom
 * answers show from then on where the images name somebody else.
 *
 * @param recipient for a study that is nobody's yet.
 * @returns FHIR id of the patient whose the study is now.
 * @throws Problem `conflict` where they cannot be stored as they are: nothing has changed then.
 */
export async function acceptHeld(context: WriteContext, uid: string, recipient?: Recipient): Promise<string> {
  const { stores } = context;
  const first = await stores.studies.lockStudy(uid);
  const { resends, others } = await namesOfHeld(context, uid);
  if (resends.length + others.size === 0) throw new Problem('conflict', 'No images of this study wait any more.');
  await lockIdentities(context, resends);
  if (resends.length > 0) await correct(context, uid, resends, others);
  const study = first && (await stores.studies.study(uid));
  const tie = study ?? (await tieOf(context, uid, recipient));
  const locked = new Map<string, StudyRow | undefined>([[uid, study]]);
  const own = { ...context, principal: systemPrincipal('identity-check') };
  for (let from: number | undefined = 0; from !== undefined;) {
    const { instances, next } = await stores.held.page(uid, from);
    const rows = instances.filter(({ why }) => why !== 'corrected').map(({ row }) => row);
    if (rows.length > 0) await store(own, rows, tie, locked);
    from = next;
  }
  await ended(context, 'accept', uid, tie.patientId);
  return tie.patientId;
}

/** Throws the held images of a study away; the sweep removes their bytes. */
export async function discardHeld(context: WriteContext, uid: string): Promise<void> {
  const study = await context.stores.studies.lockStudy(uid);
  await ended(context, 'discard', uid, study?.patientId);
}

/** What they say of patient and order, without the rest of their headers. */
async function namesOfHeld(
  { stores, world }: WriteContext,
  uid: string,
): Promise<{ resends: InstanceRow[]; others: Set<string> }> {
  const resends: InstanceRow[] = [];
  const others = new Set<string>();
  for (let from: number | undefined = 0; from !== undefined;) {
    const { instances, next } = await stores.held.page(uid, from);
    for (const { row, why } of instances) {
      if (why === 'corrected') resends.push({ ...row, attributes: ofPatientAndOrder(row), bulk: {}, frames: null });
      else others.add(identityKey(row, world.settings));
    }
    from = next;
  }
  return { resends, others };
}

function ofPatientAndOrder({ attributes }: InstanceRow): InstanceRow['attributes'] {
  const kept = Object.entries(attributes).filter(([tag]) => tag.startsWith('0010') || tag.startsWith('0008'));
  return Object.fromEntries(kept);
}

function identityKey({ attributes }: InstanceRow, settings: WriteContext['world']['settings']): string {
  const identity = patientIdentity(attributes, settings);
  return identity ? `${identity.system}|${identity.value}` : '';
}

async function lockIdentities({ stores, world }: WriteContext, rows: InstanceRow[]): Promise<void> {
  const identities = rows.flatMap(({ attributes }) => patientIdentity(attributes, world.settings) ?? []);
  for (const value of [...new Set(identities.map((one) => one.value))].sort())
    await lockPatient(
      stores,
      identities.find((one) => one.value === value)!,
    );
}

async function correct(context: WriteContext, uid: string, resends: InstanceRow[], others: Set<string>): Promise<void> {
  const named = new Set(resends.map((row) => identityKey(row, context.world.settings)));
  const isMixed = [...others].some((key) => key !== '' && !named.has(key));
  const refusal = isMixed ? 'several patients' : await carryCorrection(context, uid, resends);
  if (refusal === undefined) return;
  const wish = 'Discard the held images, and let the right ones be sent again.';
  throw new Problem('conflict', `This is not taken as a correction: ${refusals[refusal]}. ${wish}`);
}

/** Ties a study that has no images yet. @throws Problem `conflict` where nobody says to whom. */
async function tieOf(context: WriteContext, uid: string, recipient: Recipient | undefined): Promise<StudyTie> {
  const registered = await registeredStudy(context, uid);
  if (registered && registered !== 'unclear') return registered;
  if (recipient === undefined) {
    throw new Problem(
      'conflict',
      'The study is nobody’s yet: decide same-person and name the candidate, or another-person, or discard.',
    );
  }
  const { stores } = context;
  if (recipient === 'new patient') {
    const { instances } = await stores.held.page(uid);
    const { attributes } = instances[0]!.row;
    const own = { ...context, principal: systemPrincipal('patient-from-images') };
    const identity = patientIdentity(attributes, context.world.settings);
    return { patientId: await createPatient(own, identity, attributes), imagingStudyId: newId() };
  }
  const [its, ...more] = (await registeredFor(stores, uid)).filter((one) => one.patientId === recipient.patientId);
  if (!its || more.length > 0) return { ...recipient, imagingStudyId: newId() };
  await stores.records.lock('ImagingStudy', its.imagingStudyId);
  const isFree = (await stores.studies.tiedTo(its.imagingStudyId)) === undefined;
  return isFree ? its : { ...recipient, imagingStudyId: newId() };
}

async function store(
  context: WriteContext,
  rows: InstanceRow[],
  tie: StudyTie,
  locked: Map<string, StudyRow | undefined>,
): Promise<void> {
  const { stores, world } = context;
  const outcomes = new Map<InstanceRow, InstanceOutcome>();
  const notes = await readNotes(context, rows, true, outcomes);
  for (const named of studiesNamed(notes).sort())
    if (!locked.has(named)) locked.set(named, await stores.studies.lockStudy(named));
  const [{ StudyInstanceUID }] = rows as [InstanceRow];
  const ties = new Map([[StudyInstanceUID, tie]]);
  const readable = rows.filter((row) => !outcomes.has(row));
  await insertAndSettle(context, readable, { ties, locked, notes }, outcomes);
  const failures = [...outcomes.values()].flatMap((one) => (one.status === 'failed' ? [one.message] : []));
  if (failures.length > 0) {
    const reasons = [...new Set(failures)].join('; ');
    throw new Problem('conflict', `${failures.length} of the held images cannot be stored: ${reasons}. Discard them.`);
  }
  const patient = (await stores.records.read('Patient', tie.patientId, everything))?.resource as Patient | undefined;
  const strangers = rows.filter(({ attributes }) => {
    const identity = patientIdentity(attributes, world.settings);
    return !patient || !identity || !isNamed(patient, identity);
  });
  await coerceToOwner(context, strangers, { ties, locked }, outcomes, 'CORRECT');
}

/** They wait no more, and the audit trail says who decided so; it names a hundred of them. */
async function ended(
  context: WriteContext,
  decision: 'accept' | 'discard',
  uid: string,
  patientId: string | undefined,
): Promise<void> {
  const { stores, principal } = context;
  const dropped: Pick<HeldInstance['row'], 'StudyInstanceUID' | 'SeriesInstanceUID' | 'SOPInstanceUID'>[] =
    await stores.held.drop(uid);
  await stores.audit.append({
    action: decision === 'accept' ? 'C' : 'D',
    event: `identity:${decision}`,
    outcome: 'success',
    principal,
    patients: patientId === undefined ? [] : [patientId],
    entities: [entityOf({ StudyInstanceUID: uid }), ...dropped.slice(0, 100).map(entityOf)],
    ...traceOf(context),
  });
}
