/** Acts on a review beside its steps (docs/workflow.md): operations of the server, each with a reason in words. */
import type { ImagingStudy, OperationOutcome, Parameters, Patient, Task } from '@medplum/fhirtypes';
import { matchesOf } from '../bundle.ts';
import type { FhirClient } from '../fhir.ts';
import type { WorkItem } from './work-item.ts';

export type AmendmentKind = 'addendum' | 'correction' | 'amendment';
export const amendmentKinds: readonly AmendmentKind[] = ['addendum', 'correction', 'amendment'];

const reviewOf = (item: WorkItem) => ({ type: 'Task' as const, id: item.task.id ?? '' });
const because = (reason: string) => ({ name: 'reason', valueString: reason });

/** Takes the reading back before the pharmacist begins. @returns the doctor's step, claimed. */
export function amendReading(fhir: FhirClient, item: WorkItem, reason: string): Promise<Task> {
  return fhir.operation<Task>(reviewOf(item), 'amend', [because(reason)]);
}

/** Opens the amendment of a released report. @returns its step. */
export function openAmendment(fhir: FhirClient, item: WorkItem, kind: AmendmentKind, reason: string): Promise<Task> {
  return fhir.operation<Task>(reviewOf(item), 'addendum', [{ name: 'kind', valueCode: kind }, because(reason)]);
}

/** Ends the review before its release. */
export function cancelReview(fhir: FhirClient, item: WorkItem, reason: string): Promise<Task> {
  return fhir.operation<Task>(reviewOf(item), 'cancel', [because(reason)]);
}

/** Declares the review, and what was released of it, entered in error. */
export function retractReview(fhir: FhirClient, item: WorkItem, reason: string): Promise<Task> {
  return fhir.operation<Task>(reviewOf(item), 'retract', [because(reason)]);
}

/**
 * Gives the images, and everything that follows from them, to another patient.
 * @returns what the server says is left for people to look at; undefined where nothing is.
 */
export async function moveStudy(
  fhir: FhirClient,
  study: ImagingStudy,
  patient: Patient,
  reason: string,
): Promise<string | undefined> {
  const valueReference = { reference: `Patient/${patient.id ?? ''}` };
  const answer = await fhir.operation<Parameters>({ type: 'ImagingStudy', id: study.id ?? '' }, 'move', [
    { name: 'patient', valueReference },
    because(reason),
  ]);
  const outcome = answer.parameter?.find(({ name }) => name === 'outcome')?.resource as OperationOutcome | undefined;
  const left = (outcome?.issue ?? []).filter(({ severity }) => severity === 'warning');
  return left.map(({ diagnostics, details }) => diagnostics ?? details?.text ?? '').join(' ') || undefined;
}

const mostFound = 10;

/** People by record number, or by words of their name, each of which must fit; those who were merged into others not. */
export async function findPatients(fhir: FhirClient, typed: string, signal?: AbortSignal): Promise<Patient[]> {
  const words = typed.trim().split(/[\s,]+/).filter((word) => word !== ''); // prettier-ignore
  if (words.length === 0) return [];
  const [byNumber, byName] = await Promise.all([
    fhir.search('Patient', { identifier: typed.trim(), _count: mostFound }, signal),
    fhir.search('Patient', { name: words, _count: mostFound }, signal),
  ]);
  const found = [byNumber, byName].flatMap((bundle) => matchesOf<Patient>(bundle, 'Patient'));
  const distinct = new Map(found.map((patient) => [patient.id, patient]));
  return [...distinct.values()].filter(({ active }) => active !== false).slice(0, mostFound);
}
