/** The answer to whose images are: what an administrator may say, and what is done then. */
import type { Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { idIn, versioned } from '../r4/pointer.ts';
import { hasInk } from '../readable-text.ts';
import { type Kept, locked, put } from '../records/server-write.ts';
import { acceptHeld, discardHeld } from '../studies/decide-held.ts';
import { decidedIdentifiers } from '../studies/match-patient.ts';
import { mergedInto } from '../studies/study-owner.ts';
import { studyUidOf } from '../studies/study-uid.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import type { WriteContext } from '../world.ts';
import { isAboutHeld } from './open-identity-check.ts';
import { mergePatients } from './patients/merge-patients.ts';
import { recordProvenance } from './provenance.ts';
import { inputsOf, outputsOf } from './review-tasks.ts';

const decisions = ['same-person', 'another-person', 'accept', 'discard'] as const;
type Decision = (typeof decisions)[number];

interface Answer {
  decision: Decision;
  /** FHIR id of the Patient who it is. */
  candidate?: string;
}

/**
 * What a completed check says.
 *
 * @throws Problem `business-rule` naming what is missing or may not be said here.
 */
export function decisionOf(check: Task): Answer {
  const [answer, ...more] = outputsOf(check, 'decision');
  const said = codeOf(answer?.valueCodeableConcept, systems.reviewData);
  const decision = decisions.find((one) => one === said);
  if (!decision || more.length > 0)
    throw refused(`An identity check ends with one output decision: ${decisions.join(', ')}.`);
  if (!check.note?.some(({ text }) => hasInk(text)))
    throw new Problem('business-rule', 'A decision about identity needs a note that says why.', { expression: 'Task.note' }); // prettier-ignore
  const held = isAboutHeld(check);
  if (!held && (decision === 'accept' || decision === 'discard'))
    throw refused('No images are held here, they are stored: decide same-person or another-person.');
  if (decision !== 'same-person') return { decision };
  const named = outputsOf(check, 'candidate').map(({ valueReference }) => idIn(valueReference, 'Patient'));
  const possible = candidatesOf(check);
  const [candidate] = named;
  if (named.length !== 1 || candidate === undefined || !possible.includes(candidate)) {
    const list = possible.map((id) => `Patient/${id}`).join(', ');
    throw refused(`The decision same-person needs one output candidate, which is one of: ${list || 'nobody here'}.`);
  }
  return { decision, candidate };
}

/** The candidates, and for held images the patient of their study. */
function candidatesOf(check: Task): string[] {
  const candidates = inputsOf(check, 'candidate').flatMap(
    ({ valueReference }) => idIn(valueReference, 'Patient') ?? [],
  );
  const owner = idIn(check.for, 'Patient');
  return isAboutHeld(check) && owner !== undefined ? [owner, ...candidates] : candidates;
}

function refused(message: string): Problem {
  return new Problem('business-rule', message, { expression: 'Task.output' });
}

/**
 * Carries a decision out, once its Task is stored: a merge writes that Task anew, for it is about the Patient who goes.
 *
 * @throws Problem `conflict` where it cannot be carried out as things are; `business-rule` as a merge does.
 */
export async function carryDecision(context: WriteContext, check: Task): Promise<void> {
  const answer = decisionOf(check);
  await recordProvenance(context, { act: answer.decision, operation: 'UPDATE', targets: [versioned(await storedCheck(context, check))] }); // prettier-ignore
  return isAboutHeld(check) ? aboutHeld(context, check, answer) : aboutPatient(context, check, answer);
}

function storedCheck(context: WriteContext, check: Task): Promise<Kept<'Task'>> {
  return locked(context, 'Task', { reference: `Task/${check.id}` });
}

async function aboutPatient(context: WriteContext, check: Task, { candidate }: Answer): Promise<void> {
  const patient = await locked(context, 'Patient', check.for);
  // Somebody merged the records meanwhile by hand.
  if (candidate !== undefined && [patient.id, mergedInto(patient)].includes(candidate)) return;
  // One who is none of several with a number says nothing of the next image that comes with it.
  const asked = candidate !== undefined && candidatesOf(check).length > 1 ? 'again' : 'never again';
  const identifier = decidedIdentifiers(patient, asked);
  await put(context, { ...patient, ...(identifier.length > 0 && { identifier }) });
  if (candidate !== undefined) await mergePatients(context, { source: patient.id, target: candidate });
}

async function aboutHeld(context: WriteContext, check: Task, { decision, candidate }: Answer): Promise<void> {
  const uid = studyUidOf(check)!;
  if (decision === 'discard') return discardHeld(context, uid);
  if (decision === 'another-person' && check.for) {
    throw new Problem(
      'conflict',
      'Images of one study are of one patient. If the held ones are another’s, discard them and let them be sent again with a Study Instance UID of their own; if the whole study is another’s, move it (ImagingStudy/{id}/$move) and then accept.',
      { expression: 'Task.output' },
    );
  }
  const recipient = candidate !== undefined ? { patientId: candidate } : decision === 'another-person' ? 'new patient' : undefined; // prettier-ignore
  const owner = await acceptHeld(context, uid, recipient);
  if (candidate === undefined || candidate === owner) return;
  throw new Problem(
    'conflict',
    `The study is Patient/${owner}'s. If it is Patient/${candidate}'s, move it first (ImagingStudy/{id}/$move); if both are one person, merge them first (Patient/$merge); then accept.`,
    { expression: 'Task.output' },
  );
}
