/** What each person signs, as JSON of which the digest is taken: the words, and what was seen when they were said. */
import type { DetectedIssue, MedicationRequest, Observation, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { Pointer } from '../r4/pointer.ts';
import type { Kept } from '../records/server-write.ts';
import type { Reading } from '../world.ts';
import type { ReadersWord } from './readers-word.ts';
import { ownIssuesOf } from './medication-issues.ts';
import { requiredNotes } from './readers-word.ts';
import { inputOf, outputOf, outputsOf } from './review-tasks.ts';

type Records = Pick<Reading, 'records'>;

/**
 * A reading: text, conclusion, concordance and its reason, the state of the study that was seen, and the model's
 * answers beside it. Who the patient is stands in none of it: a merge of two records does not change what was read.
 */
export async function readingContent(stores: Records, step: Task, word: ReadersWord): Promise<unknown> {
  return {
    study: inputOf(step, 'study')?.reference,
    images: outputOf(step, 'images-seen')?.reference,
    word,
    ai: await Promise.all(
      outputsOf(step, 'ai-finding').map(async ({ valueReference }) => {
        const finding = await read<Observation>(stores, 'Observation', valueReference as Pointer | undefined);
        return {
          finding: valueReference?.reference,
          answer: finding?.valueCodeableConcept,
          numbers: finding?.component,
          model: finding?.device?.reference,
        };
      }),
    ),
  };
}

/** The pharmacist's part: the words of the step and each medication as it was proposed. */
export function prescriptionContent(
  step: Task,
  medication: readonly Kept<'MedicationRequest'>[],
  issues: readonly Kept<'DetectedIssue'>[],
): unknown {
  return {
    text: requiredNotes(step),
    medication: medication.map(proposalOf),
    noneNeeded: medication.length === 0,
    ...(issues.length > 0 && { issues: issues.map(answeredOf) }),
  };
}

/** What was warned of, and why it is proposed all the same; without what the review itself changes. */
function answeredOf({ meta: _meta, status: _status, patient: _patient, text: _narrative, ...words }: DetectedIssue): unknown {
  return words;
} // prettier-ignore

/** Without what the review itself changes on it: labels, statuses, and to whom and to what it belongs. */
function proposalOf(medication: Kept<'MedicationRequest'>): unknown {
  const {
    meta: _meta,
    status: _status,
    statusReason: _why,
    subject: _subject,
    text: _narrative,
    groupIdentifier: _group,
    reasonReference: _finding,
    ...words
  } = medication;
  return words;
}

/** A release: that these very signatures, and this text, are what goes to the patient. */
export interface ReleaseContent {
  /** Digests of the reading and of each addendum; null for one from before contents were signed. */
  readings: (string | null)[];
  prescription: string | null;
  conclusion: string;
  codes: unknown[];
  discordanceConfirmed: boolean;
}

/** The proposals that a pharmacist's step named, as they are now. */
export async function medicationOf(stores: Records, step: Task | undefined): Promise<Kept<'MedicationRequest'>[]> {
  const named = step ? outputsOf(step, 'medication') : [];
  const found = await Promise.all(
    named.map(({ valueReference }) => read<MedicationRequest>(stores, 'MedicationRequest', valueReference as Pointer)),
  );
  return found.filter((one) => one !== undefined) as Kept<'MedicationRequest'>[];
}

/** The answered warnings of that medication, as they are now; in one order always, because they are signed. */
export async function issuesOfMedication(
  stores: Records,
  medication: readonly Kept<'MedicationRequest'>[],
): Promise<Kept<'DetectedIssue'>[]> {
  const found = await Promise.all(
    medication.flatMap(ownIssuesOf).map((reference) => read<DetectedIssue>(stores, 'DetectedIssue', reference)),
  );
  const issues = found.filter((one) => one !== undefined) as Kept<'DetectedIssue'>[];
  return issues.sort((one, other) => (one.id < other.id ? -1 : 1));
}

async function read<Type extends Observation | MedicationRequest | DetectedIssue>(
  { records }: Records,
  type: Type['resourceType'],
  reference: Pointer | undefined,
): Promise<Type | undefined> {
  const [kind, id] = reference?.reference.split('/') ?? [];
  if (kind !== type || id === undefined) return undefined;
  return (await records.read(type, id, everything))?.resource as Type | undefined;
}
