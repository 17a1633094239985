import type { MedicationRequest, Resource, Task, TaskOutput } from '@medplum/fhirtypes';
import { newId } from '../identifier.ts';
import { doseLanguageOf } from '../medications/dose-language.ts';
import { doseText } from '../medications/dose-text.ts';
import { Problem } from '../problem.ts';
import { hasInk } from '../readable-text.ts';
import type { WriteContext } from '../world.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { dataConcept } from '../vocabulary/review-codes.ts';
import { withheld } from '../vocabulary/security-labels.ts';
import { recordProvenance } from './provenance.ts';
import { idIn, referenceTo } from '../r4/pointer.ts';
import { input, outputOf, output, outputsOf, stepTask } from './review-tasks.ts';
import { moveCoordination, nextVersionOf, type Review } from './review.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { versioned } from '../r4/pointer.ts';
import { reviewNaming } from './records-of-review.ts';
import { amendmentOf } from './amendment.ts';
import { issueReferences, issuesOf, keepIssues, type Prescribed } from './medication-issues.ts';
import { requiredNotes } from './readers-word.ts';
import { signatureOf } from './signature.ts';
import { issuesOfMedication, prescriptionContent } from './signed-content.ts';

/**
 * A pharmacist completes: proposed medication, or the coded statement that none is needed. A proposal may
 * come contained in the Task; it is stored as a resource of its own.
 *
 * What the site's medication table warns of stands with its reason as a DetectedIssue (medication-issues.ts).
 *
 * `intent` is `proposal`: a pharmacist proposes, an order would need a prescriber (docs/workflow.md).
 *
 * @returns the step with references to the stored proposals.
 * @throws Problem `business-rule` without a note, or without exactly one of medication and "none needed".
 */
export async function prescribe(review: Review, step: Task): Promise<Task> {
  const { context } = review;
  requiredNotes(step);
  const said = outputsOf(step, 'medication');
  const none = said.filter((item) => codeOf(item.valueCodeableConcept, systems.reviewData) === 'none-needed');
  const named = said.filter((item) => item.valueReference);
  if (none.length + named.length !== said.length || none.length > 0 === named.length > 0) {
    throw new Problem('business-rule', 'State the medication, or that none is needed; not both.', {
      expression: 'Task.output',
    });
  }

  const items: Item[] = [];
  for (const item of named) items.push(await itemOf(review, step, item));
  const issues = await issuesOf(review, step, items);
  const proposals: Kept<'MedicationRequest'>[] = [];
  for (const item of items) proposals.push(await keepProposal(review, item, issues));
  const kept = await keepIssues(context, issues);
  const outputs: TaskOutput[] =
    proposals.length > 0
      ? proposals.map((proposal) => output('medication', referenceTo(proposal)))
      : [{ type: dataConcept('medication'), valueCodeableConcept: dataConcept('none-needed') }];
  const amendment = amendmentOf(step);
  // What is released stays as it is until the amendment is released.
  if (!amendment) await moveCoordination(review, { business: 'PHARMACIST_COMPLETED', outputs });
  const next = await create(
    context,
    stepTask(review.coordination, {
      code: 'release-approval',
      at: review.at,
      priority: step.priority,
      ...(amendment && { input: [input('amended-by', amendment)] }),
    }),
  );
  const answered = await issuesOfMedication(context.stores, proposals);
  const signature = await signatureOf(context, 'prescribe', step, prescriptionContent(step, proposals, answered));
  await recordProvenance(context, {
    act: 'prescribe',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...[review.coordination, next, ...proposals, ...kept].map(versioned)],
    signed: { act: 'prescribe', step, signature },
  });
  const others = (step.output ?? []).filter((item) => !said.includes(item));
  const { contained: _stored, ...rest } = step;
  return { ...rest, output: [...others, ...outputs] };
}

interface Item extends Prescribed {
  output: TaskOutput;
  isNew: boolean;
}

/** A medication that the step names, judged, with the id that it has or will have. */
async function itemOf(review: Review, step: Task, item: TaskOutput): Promise<Item> {
  const reference = item.valueReference?.reference ?? '';
  const wording = reference.startsWith('#')
    ? containedIn(step, reference.slice(1))
    : await locked(review.context, 'MedicationRequest', item.valueReference);
  if (wording.subject?.reference !== review.coordination.for?.reference) {
    throw new Problem('business-rule', 'The medication is for another patient.', { expression: 'Task.output' });
  }
  if (!reference.startsWith('#') && !isReleasedWith(review, item)) await mustBeOwnProposal(review, wording);
  mustBeDoses(wording);
  const id = idIn(item.valueReference, 'MedicationRequest');
  return { output: item, id: id ?? newId(), isNew: id === undefined, wording };
}

/** R4 lets a Quantity be negative; a dose is none then, and would be released as medication without one. */
function mustBeDoses({ dosageInstruction = [] }: MedicationRequest): void {
  const rates = dosageInstruction.flatMap(({ doseAndRate = [] }) => doseAndRate);
  const amounts = rates.flatMap(({ doseQuantity, doseRange }) => [doseQuantity, doseRange?.high]);
  if (amounts.some((amount) => amount?.value !== undefined && amount.value <= 0))
    throw new Problem('business-rule', 'A dose must be more than 0.', { expression: 'Task.contained' });
}

async function keepProposal(
  review: Review,
  item: Item,
  issues: readonly Kept<'DetectedIssue'>[],
): Promise<Kept<'MedicationRequest'>> {
  const { wording, id } = item;
  if (isReleasedWith(review, item.output)) return wording as Kept<'MedicationRequest'>;
  const finding = outputOf(review.coordination, 'clinical-finding');
  const { meta: _theirs, text: _narrative, detectedIssue: _said, ...words } = wording;
  const proposal: MedicationRequest = {
    ...words,
    ...(await readableDosage(review, wording)),
    ...issueReferences(item, issues),
    meta: { security: [withheld] },
    status: 'draft',
    intent: 'proposal',
    requester: { reference: review.context.principal.fhirUser! },
    authoredOn: review.at.toISOString(),
    ...(finding && { reasonReference: [finding] }),
    ...(review.coordination.groupIdentifier && { groupIdentifier: review.coordination.groupIdentifier }),
  };
  return item.isNew
    ? create(review.context, { ...proposal, id })
    : put(review.context, { ...proposal, id, meta: { ...wording.meta, security: [withheld] } });
}

/** A coded dosage without words gets those of the site's language: they are what is printed and what a patient reads. */
async function readableDosage(
  { context }: Review,
  { dosageInstruction }: MedicationRequest,
): Promise<Pick<MedicationRequest, 'dosageInstruction'>> {
  if (!dosageInstruction?.some(({ text }) => !hasInk(text))) return {};
  const language = doseLanguageOf((await context.stores.site.read()).languages);
  return {
    dosageInstruction: dosageInstruction.map((dosage) => {
      const text = hasInk(dosage.text) ? dosage.text : doseText(dosage, language);
      return text === undefined ? dosage : { ...dosage, text };
    }),
  };
}

/** A step makes a draft of the pharmacist's own part of the review, never somebody's order or another review's medication. */
async function mustBeOwnProposal({ context, coordination }: Review, wording: MedicationRequest): Promise<void> {
  const requester = wording.requester?.reference;
  const own = requester === undefined || requester === context.principal.fhirUser;
  const other = await reviewNaming(context.stores, [referenceTo(wording).reference]);
  const taken =
    other !== undefined && (other.partOf?.[0]?.reference ?? `Task/${other.id}`) !== `Task/${coordination.id}`;
  if (wording.intent === 'proposal' && wording.status === 'draft' && own && !taken) return;
  throw new Problem(
    'business-rule',
    'The medication that the output names must be a draft proposal of your own that belongs to no other review: put it in as contained.',
    { expression: 'Task.output' },
  );
}

/** A correction may keep medication that was released: that stays as it is. */
function isReleasedWith({ status, coordination }: Review, { valueReference }: TaskOutput): boolean {
  const named = outputsOf(coordination, 'medication').map((one) => one.valueReference?.reference);
  return status === 'REPORT_READY' && named.includes(valueReference?.reference);
}

function containedIn(step: Task, id: string): MedicationRequest {
  const found = step.contained?.find((one: Resource) => one.id === id);
  if (found?.resourceType !== 'MedicationRequest') {
    throw new Problem('business-rule', 'The medication that the output names is not contained.', {
      expression: 'Task.contained',
    });
  }
  const { id: _local, ...rest } = found;
  return rest;
}

/** Medication that was proposed for the earlier reading is withdrawn, and the coordination Task forgets it. */
export async function withdrawMedication(review: Review): Promise<Kept<'MedicationRequest'>[]> {
  const proposed = outputsOf(review.coordination, 'medication');
  const withdrawn = await withdrawDrafts(review.context, proposed);
  const kept = (review.coordination.output ?? []).filter((item) => !proposed.includes(item));
  review.coordination = { ...review.coordination, output: kept };
  return withdrawn;
}

/** Proposals that nobody will be given: those that are not released. @param said outputs of the type `medication`. */
export async function withdrawDrafts(
  context: WriteContext,
  said: readonly TaskOutput[],
): Promise<Kept<'MedicationRequest'>[]> {
  const withdrawn: Kept<'MedicationRequest'>[] = [];
  for (const { valueReference } of said) {
    if (idIn(valueReference, 'MedicationRequest') === undefined) continue;
    const proposal = await locked(context, 'MedicationRequest', valueReference);
    if (proposal.status === 'draft') withdrawn.push(await put(context, { ...proposal, status: 'cancelled' }));
  }
  return withdrawn;
}
