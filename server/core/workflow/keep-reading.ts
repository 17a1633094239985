/** A reader's word as records: the finding, and how it relates to the model's answer. */
import type { Observation, Task } from '@medplum/fhirtypes';
import { newId } from '../identifier.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { idIn, type Pointer, pointer, referenceTo } from '../r4/pointer.ts';
import { findingConcept } from '../vocabulary/scan-findings.ts';
import { withheld } from '../vocabulary/security-labels.ts';
import { systems } from '../vocabulary/systems.ts';
import { classOf, type ReadersWord } from './readers-word.ts';
import { inputOf, outputOf } from './review-tasks.ts';
import type { Review } from './review.ts';

/** Where a reading is written: into the records that stand, as a new version of them, or beside them. */
export interface Reading {
  word: ReadersWord;
  reader: Pointer;
  /** When the reader said it. */
  at: string;
  ai: Kept<'Observation'> | undefined;
  /** Statuses of records that are there already, and of new ones; whether the patient may read them. */
  status: { standing: Observation['status']; fresh: Observation['status'] };
  shown: boolean;
}

export interface KeptReading {
  finding: Kept<'Observation'>;
  concordance: Kept<'Observation'> | undefined;
  /** A concordance with an answer of the model that does not lead any more. */
  dropped: Kept<'Observation'> | undefined;
}

/** Creates the two records of a reading, or makes new versions of those of an earlier round of this review. */
export async function keepReading(review: Review, reading: Reading): Promise<KeptReading> {
  const { coordination } = review;
  const standing = {
    finding: idIn(outputOf(coordination, 'clinical-finding'), 'Observation'),
    concordance: idIn(outputOf(coordination, 'concordance'), 'Observation'),
  };
  const concordance = concordanceOf(review, reading);
  return {
    finding: await keep(review, reading, findingOf(review, reading), standing.finding),
    concordance: concordance && (await keep(review, reading, concordance, standing.concordance)),
    dropped: concordance ? undefined : await dropped(review, standing.concordance),
  };
}

/** The same beside the reading that stands: an addendum never changes it. */
export async function addReading(review: Review, reading: Reading): Promise<Omit<KeptReading, 'dropped'>> {
  const concordance = concordanceOf(review, reading);
  return {
    finding: await keep(review, reading, findingOf(review, reading), undefined),
    concordance: concordance && (await keep(review, reading, concordance, undefined)),
  };
}

type Draft = Omit<Observation, 'id'>;

function findingOf(review: Review, { word, reader, at }: Reading): Draft {
  const study = inputOf(review.coordination, 'study');
  return {
    ...base(review, reader, at, word.text),
    code: findingConcept('clinical-finding'),
    ...(word.conclusion && { valueCodeableConcept: word.conclusion }),
    ...(study && { derivedFrom: [study] }),
  };
}

function concordanceOf(review: Review, { word, reader, at, ai }: Reading): Draft | undefined {
  if (!ai || !word.concordance) return undefined;
  return {
    ...base(review, reader, at, word.disagreement),
    code: findingConcept('concordance'),
    focus: [referenceTo(ai)],
    valueCodeableConcept: findingConcept(word.concordance),
  };
}

function base({ coordination }: Review, reader: Pointer, at: string, text: string | undefined): Omit<Draft, 'code'> {
  return {
    resourceType: 'Observation',
    ...(coordination.basedOn && { basedOn: coordination.basedOn as NonNullable<Observation['basedOn']> }),
    status: 'final',
    category: [{ coding: [{ system: systems.observationCategory, code: 'imaging' }] }],
    ...(coordination.for && { subject: coordination.for as NonNullable<Observation['subject']> }),
    effectiveDateTime: at,
    issued: at,
    performer: [reader],
    ...(text !== undefined && { note: [{ authorReference: reader, time: at, text }] }),
  };
}

function keep(
  { context }: Review,
  { status, shown }: Reading,
  draft: Draft,
  standing: string | undefined,
): Promise<Kept<'Observation'>> {
  const labelled = shown ? draft : { ...draft, meta: { security: [withheld] } };
  return standing === undefined
    ? create(context, { ...labelled, id: newId(), status: status.fresh })
    : put(context, { ...labelled, id: standing, status: status.standing });
}

async function dropped({ context }: Review, id: string | undefined): Promise<Kept<'Observation'> | undefined> {
  if (id === undefined) return undefined;
  const standing = await locked(context, 'Observation', { reference: `Observation/${id}` });
  return put(context, { ...standing, status: 'cancelled' });
}

/** The word that records of a reading hold: what `keepReading` was given. */
export function wordIn(finding: Observation, concordance: Observation | undefined): ReadersWord {
  const text = (finding.note ?? []).map((note) => note.text).join('\n\n');
  const value = finding.valueCodeableConcept;
  const stated = concordance?.valueCodeableConcept?.coding?.[0]?.code;
  const disagreement = concordance?.note?.[0]?.text;
  return {
    text,
    ...(value && { conclusion: value }),
    ...((stated === 'agree' || stated === 'disagree') && { concordance: stated }),
    ...(stated === 'disagree' && disagreement !== undefined && { disagreement }),
  };
}

/** The doctor's word beside the model's, for the figures about the model. */
export async function hear(
  { context }: Review,
  ai: Kept<'Observation'> | undefined,
  { concordance, conclusion }: ReadersWord,
): Promise<void> {
  if (!ai || !concordance) return;
  const reading = classOf(conclusion);
  await context.stores.analyses.heard(ai.id, { verdict: concordance, ...(reading && { reading }) });
}

/** The study of a review as a step must have seen it to be signed: the version that the reader names, or the present one. */
export function imagesSeen(step: Task, study: Kept<'ImagingStudy'> | undefined): Pointer | undefined {
  const named = outputOf(step, 'images-seen');
  return named ?? (study && pointer({ reference: `ImagingStudy/${study.id}/_history/${study.meta?.versionId}` }));
}
