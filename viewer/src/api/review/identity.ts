/** Images of which it is not clear whose they are: the queue of `identity-check` Tasks and the decision of one. */
import type { ImagingStudy, Patient, Task } from '@medplum/fhirtypes';
import { follow, idOf, matchesOf } from '../bundle.ts';
import type { FhirClient, PatchOperation } from '../fhir.ts';
import { reviewDataSystem, reviewStepSystem, reviewSteps, tokens } from './codes.ts';

export type Decision = 'same-person' | 'another-person' | 'accept' | 'discard';

export interface IdentityCheck {
  task: Task;
  /** Under whom the images lie now; undefined where they are only held. */
  patient: Patient | undefined;
  candidates: Patient[];
  study: ImagingStudy | undefined;
  /** Images that are kept apart until the decision. */
  held: number;
  reason: string | undefined;
}

export async function identityChecks(fhir: FhirClient, signal?: AbortSignal): Promise<IdentityCheck[]> {
  const open = {
    code: tokens(reviewStepSystem, [reviewSteps.identity]),
    status: 'requested,received,accepted,ready,in-progress,on-hold',
    _sort: 'authored-on',
    _count: 50,
  };
  const tasks = matchesOf<Task>(await fhir.search('Task', open, signal), 'Task');
  const references = tasks.flatMap((task) => [task.for, task.focus, ...inputs(task, 'candidate', 'study')]);
  const idsOf = (type: string) => [
    ...new Set(references.flatMap((one) => (one?.reference?.startsWith(`${type}/`) ? (idOf(one) ?? []) : []))),
  ];
  const [patients, studies] = await Promise.all([
    byId<Patient>(fhir, 'Patient', idsOf('Patient'), signal),
    byId<ImagingStudy>(fhir, 'ImagingStudy', idsOf('ImagingStudy'), signal),
  ]);
  return tasks.map((task) => ({
    task,
    patient: follow<Patient>(patients, 'Patient', task.for),
    candidates: inputs(task, 'candidate').flatMap((one) => follow<Patient>(patients, 'Patient', one) ?? []),
    study:
      follow<ImagingStudy>(studies, 'ImagingStudy', task.focus) ??
      follow<ImagingStudy>(studies, 'ImagingStudy', inputs(task, 'study')[0]),
    held: task.input?.find((data) => typeIs(data, 'held-images'))?.valueUnsignedInt ?? 0,
    reason: task.reasonCode?.text ?? task.statusReason?.text ?? task.description,
  }));
}

/** What an administrator decides: JSON Patch of the Task, from claimed to completed. */
export function decision(
  task: Task,
  decided: Decision,
  candidate: Patient | undefined,
  note: string,
): PatchOperation[] {
  const type = (code: string) => ({ coding: [{ system: reviewDataSystem, code }] });
  const outputs = [
    { type: type('decision'), valueCodeableConcept: type(decided) },
    ...(candidate ? [{ type: type('candidate'), valueReference: { reference: `Patient/${candidate.id ?? ''}` } }] : []),
  ];
  return [
    { op: 'add', path: task.note ? '/note/-' : '/note', value: task.note ? { text: note } : [{ text: note }] },
    ...(task.output
      ? outputs.map((value): PatchOperation => ({ op: 'add', path: '/output/-', value }))
      : [{ op: 'add' as const, path: '/output', value: outputs }]),
    { op: 'replace', path: '/status', value: 'completed' },
  ];
}

type Data = NonNullable<Task['input']>[number];

function typeIs(data: Data, code: string): boolean {
  return data.type.coding?.some((coding) => coding.system === reviewDataSystem && coding.code === code) ?? false;
}

function inputs(task: Task, ...codes: string[]) {
  return (task.input ?? [])
    .filter((data) => codes.some((code) => typeIs(data, code)))
    .map((data) => data.valueReference);
}

async function byId<T extends Patient | ImagingStudy>(
  fhir: FhirClient,
  type: T['resourceType'],
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<T[]> {
  if (ids.length === 0) return [];
  return matchesOf<T>(await fhir.search(type, { _id: ids.join(','), _count: ids.length }, signal), type);
}
