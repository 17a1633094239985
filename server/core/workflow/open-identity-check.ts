import type { CodeableConcept, Task, TaskInput } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { derivedId } from '../derived-id.ts';
import { Problem } from '../problem.ts';
import { idIn, referenceTo } from '../r4/pointer.ts';
import { searchOwn } from '../records/own-search.ts';
import { create, type Kept, put } from '../records/server-write.ts';
import type { SearchCondition } from '../search/search-query.ts';
import type { AskWhose, IdentityQuestion } from '../studies/identity-question.ts';
import { isProvisional } from '../studies/match-patient.ts';
import { displays } from '../vocabulary/displays.ts';
import { dataConcept, reasonConcept, stepConcept } from '../vocabulary/review-codes.ts';
import { withheld } from '../vocabulary/security-labels.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import type { WriteContext } from '../world.ts';
import { recordProvenance } from './provenance.ts';
import { input, inputOf, inputsOf } from './review-tasks.ts';
import { isEnded } from './task-moves.ts';
import { versioned } from '../r4/pointer.ts';

/** What one Task lists; images that come after that are part of the question all the same. */
const most = { studies: 50, candidates: 20, sentences: 5, sentence: 400 };

/**
 * Asks an administrator whose images are: a Task of the step `identity-check`. One that is open about the same Patient, or
 * about the held images of the same study, takes the question in.
 */
export const askWhose: AskWhose<WriteContext> = async (context, question) => {
  const { records } = context.stores;
  const about = question.held === undefined ? `patient ${question.patientId}` : `study ${question.StudyInstanceUID}`;
  await records.lockKey(`identity-check ${about}`);
  for (let round = 0; ; round++) {
    const id = derivedId('identity-check', about, String(round));
    const standing = (await records.lock('Task', id))?.resource as Kept<'Task'> | undefined;
    if (standing && isEnded(standing.status)) continue;
    if (standing) await join(context, standing, question);
    else if (!(await isDecided(context, question))) await open(context, id, question);
    return;
  }
};

/** Of an image that came while somebody decided who its Patient is: that is its answer, too. */
async function isDecided({ stores }: WriteContext, { held, patientId }: IdentityQuestion): Promise<boolean> {
  if (held !== undefined || patientId === undefined) return false;
  const record = await stores.records.read('Patient', patientId, everything);
  return record?.resource?.resourceType === 'Patient' && !isProvisional(record.resource);
}

async function open(context: WriteContext, id: string, question: IdentityQuestion): Promise<void> {
  const { StudyInstanceUID, imagingStudyId, patientId, held } = question;
  const at = context.world.now().toISOString();
  const task = await create<'Task'>(context, {
    resourceType: 'Task',
    id,
    meta: { security: [withheld] },
    // Of the study that waits; where it is about a Patient there may be more of them.
    ...(held !== undefined && { identifier: [{ system: systems.studyUid, value: `urn:oid:${StudyInstanceUID}` }] }),
    status: 'requested',
    intent: 'order',
    priority: 'urgent',
    code: stepConcept('identity-check'),
    description: displays.step['identity-check'],
    ...(imagingStudyId !== undefined && { focus: { reference: `ImagingStudy/${imagingStudyId}` } }),
    ...(patientId !== undefined && { for: { reference: `Patient/${patientId}` } }),
    authoredOn: at,
    lastModified: at,
    performerType: [{ text: 'Administrator' }],
    reasonCode: reasonOf([], question.says),
    ...inputsFor([], question),
  });
  await recordProvenance(context, { act: 'ask-identity', operation: 'CREATE', targets: [versioned(task)] });
}

async function join(context: WriteContext, task: Kept<'Task'>, question: IdentityQuestion): Promise<void> {
  const told = (task.reasonCode?.text ?? '').split('\n').filter(Boolean);
  const changed = { ...task, reasonCode: reasonOf(told, question.says), ...inputsFor(task.input ?? [], question) };
  if (JSON.stringify(changed) === JSON.stringify(task)) return;
  await put(context, { ...changed, lastModified: context.world.now().toISOString() });
}

function reasonOf(told: string[], says: readonly string[]): CodeableConcept {
  const sentences = new Set([...told, ...says.map((one) => [...one].slice(0, most.sentence).join(''))]);
  return { ...reasonConcept('identity-unclear'), text: [...sentences].slice(0, most.sentences).join('\n') };
}

function inputsFor(
  standing: TaskInput[],
  { imagingStudyId, candidates, patientId, held }: IdentityQuestion,
): { input?: TaskInput[] } {
  const study = imagingStudyId === undefined ? [] : [`ImagingStudy/${imagingStudyId}`];
  const named = candidates.filter((id) => id !== patientId).map((id) => `Patient/${id}`);
  const all = [
    ...listed(standing, 'study', study, most.studies),
    ...listed(standing, 'candidate', named, most.candidates),
    ...(held === undefined ? [] : [{ type: dataConcept('held-images'), valueUnsignedInt: held }]),
  ];
  return all.length > 0 ? { input: all } : {};
}

function listed(standing: TaskInput[], type: 'study' | 'candidate', fresh: string[], limit: number): TaskInput[] {
  const known = standing
    .filter((one) => codeOf(one.type, systems.reviewData) === type)
    .map((one) => one.valueReference?.reference ?? '');
  return [...new Set([...known, ...fresh])].slice(0, limit).map((reference) => input(type, { reference }));
}

/** Whether a check is about images that are held; else it is about a Patient who was made for images. */
export function isAboutHeld(check: Task): boolean {
  return inputsOf(check, 'held-images').length > 0;
}

/**
 * Refuses what would be given out while it is not clear whose the images are.
 *
 * @throws Problem `conflict` naming the check that is open: about the patient, or about images of this study.
 */
export async function mustKnowWhose(context: WriteContext, coordination: Task): Promise<void> {
  const study = inputOf(coordination, 'study')?.reference;
  const patient = idIn(coordination.for, 'Patient');
  const open = [
    ...(patient === undefined ? [] : await openChecks(context, 'patient', `Patient/${patient}`)).filter((task) => !isAboutHeld(task)), // prettier-ignore
    ...(study === undefined ? [] : await openChecks(context, 'focus', study)).filter(isAboutHeld),
  ];
  const [first] = open;
  if (!first) return;
  throw new Problem(
    'conflict',
    `It is not decided whose these images are: complete the identity check ${referenceTo(first).reference} first.`,
    { expression: 'Task.status' },
  );
}

async function openChecks(
  { stores }: WriteContext,
  parameter: 'patient' | 'focus',
  value: string,
): Promise<Kept<'Task'>[]> {
  const conditions: SearchCondition[] = [
    { parameter: 'code', values: [`${systems.reviewStep}|identity-check`] },
    { parameter, values: [value] },
    { parameter: 'status', values: ['requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold'] },
  ];
  return (await searchOwn(stores, 'Task', conditions, { count: 20 })).found;
}
