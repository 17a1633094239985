/**
 * What a prescription was warned of, and why it was proposed all the same: a DetectedIssue for each warning, with the
 * pharmacist's reason as its mitigation. It is said contained in the step, named by `MedicationRequest.detectedIssue`.
 */
import type { DetectedIssue, MedicationRequest, Reference, Resource, Task } from '@medplum/fhirtypes';
import { derivedId, isDerivedId } from '../derived-id.ts';
import { checkMedication, type Warning, type WarningKind } from '../medications/check-medication.ts';
import { tableKinds } from '../medications/entries.ts';
import { knownOfPatient } from '../medications/known-of-patient.ts';
import { listed } from '../medications/listed.ts';
import { proposedOf, standingOf } from '../medications/proposed.ts';
import { Problem } from '../problem.ts';
import { idIn, type Pointer } from '../r4/pointer.ts';
import { type Kept, create } from '../records/server-write.ts';
import { hasControls, hasInk } from '../readable-text.ts';
import { withheld } from '../vocabulary/security-labels.ts';
import { systems } from '../vocabulary/systems.ts';
import type { WriteContext } from '../world.ts';
import { outputsOf } from './review-tasks.ts';
import type { Review } from './review.ts';

const longestReason = 2_000;

/** v3-ActCode, "ActIssueManagementCode": what DetectedIssue.code is to be taken from. */
const issueCodes: Record<WarningKind, { code: string; display: string }> = {
  duplicate: { code: 'DUPTHPY', display: 'Duplicate Therapy Alert' },
  interaction: { code: 'DRG', display: 'Drug Interaction Alert' },
  allergy: { code: 'ALGY', display: 'Allergy Alert' },
};

/** A medication of the prescription with the id that it will be stored under. */
export interface Prescribed {
  id: string;
  wording: MedicationRequest;
}

/**
 * The issues of a prescription, ready to be stored when its medication is. In our own application every warning of the
 * site's table is to be answered with a reason, whatever the page showed: the check is made again here, with what the
 * records say now. Other systems bring the issues that they found, or none: they have checks of their own.
 *
 * @throws Problem `business-rule` for a warning without a reason that can be read, `conflict` for a contained issue that is
 * not there. It names place and kind only: who is allergic to what is for no log.
 */
export async function issuesOf(review: Review, step: Task, prescribed: readonly Prescribed[]): Promise<Kept<'DetectedIssue'>[]> {
  const said = prescribed.flatMap(({ wording }, place) =>
    (wording.detectedIssue ?? []).flatMap((reference) => {
      const issue = containedIssue(step, reference);
      return issue ? [{ place, issue }] : [];
    }),
  );
  const warnings = review.context.principal.firstParty ? await warningsOf(review, prescribed) : [];
  const keys = new Map(said.map(({ issue }) => [keyOf(issue), issue]));
  const issues: Kept<'DetectedIssue'>[] = [];
  for (const warning of warnings) {
    const reason = reasonOf(keys.get(warning.id));
    if (reason === undefined)
      throw new Problem(
        'business-rule',
        `Medication ${warning.medication + 1} has a warning (${warning.kind}) that nobody has answered: give the reason why it is proposed all the same, or change it. The warnings may have changed since the page was opened: check again.`,
        { expression: `Task.contained[${warning.medication}].detectedIssue` },
      );
    issues.push(issueOf(review, step, prescribed, warning, reason));
  }
  const answered = new Set(warnings.map(({ id }) => id));
  for (const { place, issue } of said) {
    const key = keyOf(issue);
    // A warning of ours that no longer holds is no news.
    if (key !== undefined && (answered.has(key) || review.context.principal.firstParty)) continue;
    issues.push(issueOfOthers(review, step, prescribed[place]!, issue, issues.length));
  }
  return issues;
} // prettier-ignore

/** The server's own check, with what this person may read. */
async function warningsOf(review: Review, prescribed: readonly Prescribed[]): Promise<Warning[]> {
  const { context, coordination } = review;
  const patient = idIn(coordination.for, 'Patient');
  if (patient === undefined || prescribed.length === 0) return [];
  const rows = await context.stores.medicationEntries.all(tableKinds);
  const besides = new Set(outputsOf(coordination, 'medication').flatMap(({ valueReference: one }) => one?.reference ?? []));
  const known = await knownOfPatient(context.stores, context.principal, patient, review.at, besides);
  const { warnings } = checkMedication(
    listed(rows.map(({ content }) => content)),
    prescribed.map(({ wording }) => proposedOf(wording)),
    standingOf(known),
  );
  return warnings;
} // prettier-ignore

function containedIssue(step: Task, { reference }: Reference): DetectedIssue | undefined {
  if (!reference?.startsWith('#')) return undefined;
  const found = step.contained?.find((one: Resource) => one.id === reference.slice(1));
  if (found?.resourceType !== 'DetectedIssue')
    throw new Problem('business-rule', 'The issue that the medication names is not contained.', {
      expression: 'Task.contained',
    });
  return found;
}

function keyOf({ identifier }: DetectedIssue): string | undefined {
  return identifier?.find(({ system }) => system === systems.medicationWarning)?.value;
}

/** @throws Problem `business-rule` for a reason that is too long or holds controls. */
function reasonOf(issue: DetectedIssue | undefined): string | undefined {
  const reason = issue?.mitigation
    ?.map(({ action }) => action.text ?? action.coding?.[0]?.display ?? '')
    .filter(hasInk)
    .join('\n');
  if (reason === undefined || !hasInk(reason)) return undefined;
  if (hasControls(reason) || reason.length > longestReason)
    throw new Problem(
      'business-rule',
      `A reason is text of at most ${longestReason} characters without control characters.`,
      { expression: 'DetectedIssue.mitigation' },
    );
  return reason;
}

function issueOf(
  review: Review,
  step: Task,
  prescribed: readonly Prescribed[],
  { id, kind, severity, medication, with: met, text }: Warning,
  reason: string,
): Kept<'DetectedIssue'> {
  const at = review.at.toISOString();
  const author = { reference: review.context.principal.fhirUser! };
  const other = met.medication === undefined ? met.reference : `MedicationRequest/${prescribed[met.medication]!.id}`;
  const detail = `${prescribed[medication]!.wording.medicationCodeableConcept?.text ?? ''} / ${met.text}${text === '' ? '' : `: ${text}`}`;
  return {
    resourceType: 'DetectedIssue',
    id: derivedId('detected-issue', step.id!, id),
    meta: { security: [withheld] },
    identifier: [{ system: systems.medicationWarning, value: id }],
    status: 'final',
    code: { coding: [{ system: systems.actCode, ...issueCodes[kind] }] },
    severity,
    patient: { reference: review.coordination.for!.reference! },
    identifiedDateTime: at,
    author,
    implicated: [
      { reference: `MedicationRequest/${prescribed[medication]!.id}` },
      ...(other === undefined ? [] : [{ reference: other }]),
    ],
    detail,
    mitigation: [{ action: { text: reason }, date: at, author }],
  };
}

/** What another system found: its words, under the name of who brings it and about the patient of the review. */
function issueOfOthers(
  review: Review,
  step: Task,
  { id }: Prescribed,
  { id: local, text: _narrative, contained: _none, ...said }: DetectedIssue,
  place: number,
): Kept<'DetectedIssue'> {
  const author = { reference: review.context.principal.fhirUser! };
  const others = (said.implicated ?? []).filter(({ reference }) => !reference?.startsWith('#'));
  return {
    ...said,
    id: derivedId('detected-issue', step.id!, `${local ?? ''} ${place}`),
    meta: { security: [withheld] },
    status: 'final',
    patient: { reference: review.coordination.for!.reference! },
    author,
    implicated: [{ reference: `MedicationRequest/${id}` }, ...others],
  };
}

/** The references by which a medication names its issues, those that it brought from elsewhere included. */
export function issueReferences(
  { id, wording }: Prescribed,
  issues: readonly Kept<'DetectedIssue'>[],
): Pick<MedicationRequest, 'detectedIssue'> {
  const own = issues.filter(({ implicated }) => implicated?.[0]?.reference === `MedicationRequest/${id}`);
  const standing = (wording.detectedIssue ?? []).filter(({ reference }) => !reference?.startsWith('#'));
  const all = [...standing, ...own.map((issue): Pointer => ({ reference: `DetectedIssue/${issue.id}` }))];
  return all.length > 0 ? { detectedIssue: all } : {};
}

export async function keepIssues(
  context: WriteContext,
  issues: readonly Kept<'DetectedIssue'>[],
): Promise<Kept<'DetectedIssue'>[]> {
  const kept: Kept<'DetectedIssue'>[] = [];
  for (const issue of issues) kept.push(await create(context, issue));
  return kept;
}

/**
 * The issues of a medication that the server stored; those that other systems keep are theirs. They stay as they are when
 * the medication is withdrawn: that somebody was warned, and what was answered, is true all the same.
 */
export function ownIssuesOf({ detectedIssue = [] }: MedicationRequest): Pointer[] {
  return detectedIssue.flatMap((reference) => {
    const id = idIn(reference, 'DetectedIssue');
    return isDerivedId(id) ? [{ reference: `DetectedIssue/${id}` }] : [];
  });
}
