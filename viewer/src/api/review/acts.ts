/**
 * What people do to a review: JSON Patches of the step Task (docs/workflow.md, "What a client sends").
 * A step is claimed first and completed second; each patch names the version that the user has seen.
 */
import type { CodeableConcept, DetectedIssue, MedicationRequest, Reference, Task } from '@medplum/fhirtypes';
import type { FhirClient, PatchOperation } from '../fhir.ts';
import { medicationWarningSystem, reviewDataSystem, reviewReasonSystem } from './codes.ts';

export interface Verification {
  notes: string;
  /** A code of the list for this kind of study, or words; undefined only for an addendum that changes no conclusion. */
  conclusion: { system: string; code: string } | { text: string } | undefined;
  /** Why the reader differs from the AI. */
  disagreement?: string | undefined;
  /** The state of the study that the reader has seen, where the step was told that it changed. */
  seen?: Reference | undefined;
}

export interface Prescription {
  notes: string;
  /** Empty: no medication is needed. */
  medications: readonly MedicationRequest[];
  /** The answered warnings, which the medication names. */
  issues: readonly DetectedIssue[];
}

export interface Refusal {
  /** A code of `review-reason`; undefined when only words are given. */
  code?: string | undefined;
  text: string;
}

type Output = NonNullable<Task['output']>[number];

export const startAnalysis: PatchOperation[] = [{ op: 'replace', path: '/status', value: 'accepted' }];
const approval: PatchOperation[] = [{ op: 'replace', path: '/status', value: 'completed' }];
const claim: PatchOperation[] = [{ op: 'replace', path: '/status', value: 'in-progress' }];

export function verification(step: Task, said: Verification): PatchOperation[] {
  const { notes, conclusion, disagreement, seen } = said;
  const outputs: Output[] = [];
  if (conclusion) outputs.push({ type: reviewData('conclusion'), valueCodeableConcept: conceptOf(conclusion) });
  if (disagreement) outputs.push({ type: reviewData('disagreement'), valueString: disagreement });
  if (seen) outputs.push({ type: reviewData('images-seen'), valueReference: seen });
  return [...append(step, 'note', [{ text: notes }]), ...append(step, 'output', outputs), ...approval];
}

function conceptOf(conclusion: NonNullable<Verification['conclusion']>): CodeableConcept {
  if ('text' in conclusion) return { text: conclusion.text };
  return { coding: [{ system: conclusion.system, code: conclusion.code }] };
}

/** @param discordant the administrator has seen that the reader differs from the AI */
export function release(step: Task, discordant: boolean): PatchOperation[] {
  const outputs: Output[] = discordant ? [{ type: reviewData('discordance-confirmed'), valueBoolean: true }] : [];
  return [...append(step, 'output', outputs), ...approval];
}

export function prescription(step: Task, { notes, medications, issues }: Prescription): PatchOperation[] {
  const type = reviewData('medication');
  if (medications.length === 0) {
    const none: Output = {
      type,
      valueCodeableConcept: { coding: [{ system: reviewDataSystem, code: 'none-needed' }] },
    };
    return [...append(step, 'note', [{ text: notes }]), ...append(step, 'output', [none]), ...approval];
  }
  return [
    ...append(step, 'note', [{ text: notes }]),
    ...append(step, 'contained', [...medications, ...issues]),
    ...append(
      step,
      'output',
      medications.map(({ id }) => ({ type, valueReference: { reference: `#${id}` } })),
    ),
    ...approval,
  ];
}

/** The answer to a warning of the site's medication table: why it is proposed all the same. */
export function answeredWarning(id: string, warning: string, patient: string, reason: string): DetectedIssue {
  return {
    resourceType: 'DetectedIssue',
    id,
    identifier: [{ system: medicationWarningSystem, value: warning }],
    status: 'final',
    patient: { reference: patient },
    mitigation: [{ action: { text: reason } }],
  };
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
