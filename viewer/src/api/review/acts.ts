/**
 * What people do to a review: JSON Patches of the step Task (docs/workflow.md, "What a client sends").
 * A step is claimed first and completed second; each patch names the version that the user has seen.
 */
import type { MedicationRequest, Task } from '@medplum/fhirtypes';
import type { FhirClient, PatchOperation } from '../fhir.ts';
import { findingSystem, reviewDataSystem, reviewReasonSystem } from './codes.ts';

export interface Verification {
  notes: string;
  /** A class of `scan-finding`, always the reader's own choice; undefined: in the words of the notes. */
  conclusion: string | undefined;
  /** Why it differs from the AI result, where it does. */
  disagreement?: string | undefined;
}

export interface Prescription {
  notes: string;
  /** undefined: no medication is needed. */
  medication?: { name: string; dosage: string } | undefined;
}

export interface Refusal {
  /** A code of `review-reason`; undefined when only words are given. */
  code?: string | undefined;
  text: string;
}

type Output = NonNullable<Task['output']>[number];

export const startAnalysis: PatchOperation[] = [{ op: 'replace', path: '/status', value: 'accepted' }];
export const approval: PatchOperation[] = [{ op: 'replace', path: '/status', value: 'completed' }];
const claim: PatchOperation[] = [{ op: 'replace', path: '/status', value: 'in-progress' }];

export function verification(step: Task, { notes, conclusion, disagreement }: Verification): PatchOperation[] {
  const outputs: Output[] = [
    {
      type: reviewData('conclusion'),
      valueCodeableConcept:
        conclusion === undefined ? { text: notes } : { coding: [{ system: findingSystem, code: conclusion }] },
    },
    ...(disagreement === undefined ? [] : [{ type: reviewData('disagreement'), valueString: disagreement }]),
  ];
  return [...append(step, 'note', [{ text: notes }]), ...append(step, 'output', outputs), ...approval];
}

/** The release of a report whose reader differs from the AI names that it is meant so. */
export function release(step: Task, { discordant }: { discordant: boolean }): PatchOperation[] {
  const confirmed: Output = { type: reviewData('discordance-confirmed'), valueBoolean: true };
  return [...append(step, 'output', discordant ? [confirmed] : []), ...approval];
}

export function prescription(step: Task, { notes, medication }: Prescription): PatchOperation[] {
  const type = reviewData('medication');
  if (!medication) {
    const none: Output = {
      type,
      valueCodeableConcept: { coding: [{ system: reviewDataSystem, code: 'none-needed' }] },
    };
    return [...append(step, 'note', [{ text: notes }]), ...append(step, 'output', [none]), ...approval];
  }
  const proposed: MedicationRequest = {
    resourceType: 'MedicationRequest',
    id: 'rx1',
    status: 'draft',
    intent: 'proposal',
    subject: { reference: step.for?.reference ?? '' },
    medicationCodeableConcept: { text: medication.name },
    dosageInstruction: [{ text: medication.dosage, patientInstruction: notes }],
  };
  return [
    ...append(step, 'note', [{ text: notes }]),
    ...append(step, 'contained', [proposed]),
    ...append(step, 'output', [{ type, valueReference: { reference: '#rx1' } }]),
    ...approval,
  ];
}

/** Ask for a new image, or send back: `rejected` before the step was claimed, `failed` after. */
export function refusal(step: Task, { code, text }: Refusal): PatchOperation[] {
  const statusReason = { ...(code !== undefined && { coding: [{ system: reviewReasonSystem, code }] }), text };
  return [
    { op: 'replace', path: '/status', value: step.status === 'in-progress' ? 'failed' : 'rejected' },
    { op: 'add', path: '/statusReason', value: statusReason },
  ];
}

/** Go on without AI: `ai-inference` is cancelled with a reason. */
export function skipping({ text }: Refusal): PatchOperation[] {
  return [
    { op: 'replace', path: '/status', value: 'cancelled' },
    { op: 'add', path: '/statusReason', value: { text } },
  ];
}

/** Steps that were claimed here and not completed yet, by the version that the user has seen. */
const claimed = new Map<string, Task>();

/**
 * Claims the step if nobody has, then completes it. After a refusal the claim stands, and the next try goes on from it:
 * the version that the dialog was opened with is not the last one then.
 * @throws RequestFailure
 */
export async function complete(fhir: FhirClient, step: Task, change: (step: Task) => PatchOperation[]): Promise<Task> {
  if (step.status === 'in-progress') return fhir.patch(step, change(step));
  const seen = `${step.id}/${step.meta?.versionId}`;
  const mine = claimed.get(seen) ?? (await fhir.patch(step, claim));
  claimed.set(seen, mine);
  const done = await fhir.patch(mine, change(mine));
  claimed.delete(seen);
  return done;
}

/** RFC 6902 `add` replaces a whole member: an existing list is appended to element by element. */
function append(step: Task, member: 'note' | 'output' | 'contained', added: readonly unknown[]): PatchOperation[] {
  if (added.length === 0) return [];
  if (step[member] === undefined) return [{ op: 'add', path: `/${member}`, value: added }];
  return added.map((value) => ({ op: 'add', path: `/${member}/-`, value }));
}

function reviewData(code: string) {
  return { coding: [{ system: reviewDataSystem, code }] };
}
