import type { Task, TaskInput, TaskOutput } from '@medplum/fhirtypes';
import { newId } from '../identifier.ts';
import type { Role } from '../principal.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { dataConcept, type ReviewData, type ReviewStep, stepConcept } from '../vocabulary/review-codes.ts';
import { type Pointer, pointer, referenceTo } from '../r4/pointer.ts';
import { displays } from '../vocabulary/displays.ts';
import { withheld } from '../vocabulary/security-labels.ts';
import { performers } from './scan-review.ts';

const roleTexts: Record<Role, string> = {
  doctor: 'Doctor',
  pharmacist: 'Pharmacist',
  admin: 'Administrator',
  patient: 'Patient',
};

/**
 * A step Task of a review (docs/workflow.md): part of the coordination Task, about the same study and
 * patient. It is for staff: its notes never show to the patient.
 *
 * @param step id chosen by the caller where a repeated call must make the same Task
 */
export function stepTask(
  coordination: Task,
  step: { code: ReviewStep; at: Date; id?: string; input?: TaskInput[]; priority?: Task['priority'] },
): Task & { id: string } {
  const role = performers[step.code];
  const performer = step.code === 'ai-inference' || !role ? 'Software' : roleTexts[role];
  const at = step.at.toISOString();
  const study = inputOf(coordination, 'study');
  const priority = step.priority ?? coordination.priority;
  return {
    resourceType: 'Task',
    id: step.id ?? newId(),
    meta: { security: [withheld] },
    partOf: [referenceTo(coordination)],
    ...(coordination.basedOn && { basedOn: coordination.basedOn }),
    ...(coordination.groupIdentifier && { groupIdentifier: coordination.groupIdentifier }),
    status: 'requested',
    intent: 'order',
    ...(priority && { priority }),
    code: stepConcept(step.code),
    description: displays.step[step.code],
    ...(study && { focus: study }),
    ...(coordination.for && { for: coordination.for }),
    authoredOn: at,
    lastModified: at,
    ...(coordination.requester && { requester: coordination.requester }),
    performerType: [{ text: performer }],
    input: [...(study ? [input('study', study)] : []), ...(step.input ?? [])],
  };
}

export function input(type: ReviewData, valueReference: Pointer): TaskInput {
  return { type: dataConcept(type), valueReference };
}

export function output(type: ReviewData, valueReference: Pointer): TaskOutput {
  return { type: dataConcept(type), valueReference };
}

/** The reference among a Task's inputs of that type, if there is one. */
export function inputOf(task: Task, type: ReviewData): Pointer | undefined {
  return pointer(task.input?.find((item) => codeOf(item.type, systems.reviewData) === type)?.valueReference);
}

/** All inputs of that type. */
export function inputsOf(task: Task, type: ReviewData): TaskInput[] {
  return (task.input ?? []).filter((item) => codeOf(item.type, systems.reviewData) === type);
}

/** All outputs of that type. */
export function outputsOf(task: Task, type: ReviewData): TaskOutput[] {
  return (task.output ?? []).filter((item) => codeOf(item.type, systems.reviewData) === type);
}

/** The latest reference among a Task's outputs of that type. */
export function outputOf(task: Task, type: ReviewData): Pointer | undefined {
  return pointer(outputsOf(task, type).findLast((item) => item.valueReference)?.valueReference);
}

/** Outputs in which those of the given types are replaced. */
export function withOutputs(task: Task, fresh: TaskOutput[]): TaskOutput[] {
  const types = new Set(fresh.map((item) => codeOf(item.type, systems.reviewData)));
  return [...(task.output ?? []).filter((item) => !types.has(codeOf(item.type, systems.reviewData))), ...fresh];
}

/** The AI's results among these outputs, as inputs of a step that is opened for a reader. */
export function aiInputs(outputs: readonly TaskOutput[] = []): TaskInput[] {
  return outputs
    .filter((item) => codeOf(item.type, systems.reviewData) === 'ai-finding')
    .flatMap(({ valueReference }) => pointer(valueReference) ?? [])
    .map((finding) => input('ai-finding', finding));
}
