import type { Annotation, Task, TaskOutput } from '@medplum/fhirtypes';
import { isDeepStrictEqual } from 'node:util';
import { Problem } from '../problem.ts';
import type { Principal } from '../principal.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import type { ReviewData, ReviewStep } from '../vocabulary/review-codes.ts';
import { isEnded } from './task-moves.ts';
import { hasControls, hasInk } from '../readable-text.ts';
import { own } from '../table.ts';

/** What a person may change on a step Task; the rest is the server's. */
const changeable = new Set(['status', 'statusReason', 'owner', 'note', 'output', 'contained']);
/** Elements that the server fills in itself, whatever is sent. */
const overwritten = new Set(['meta', 'text', 'lastModified', 'executionPeriod', 'implicitRules']);

/** Outputs that a person may add to each step. */
const outputs: Record<ReviewStep, readonly ReviewData[]> = {
  'ai-inference': [],
  'physician-verification': ['conclusion', 'concordance', 'images-seen'],
  'pharmacist-review': ['medication'],
  'release-approval': [],
  'report-delivery': [],
  'report-amendment': ['conclusion', 'images-seen'],
  'identity-check': ['decision', 'candidate'],
};

const longestNote = 20_000;

const elementsOf = (task: Task) => task as unknown as Record<string, unknown>;

/**
 * Checks that a person's write touches only what a step lets them change, and completes it: author and time
 * of new notes, the server's own elements, the security labels.
 *
 * @returns the step as it may be stored, its status still to be judged.
 * @throws Problem `business-rule` naming the element that may not change, or a blank or overlong note;
 * `forbidden` for claiming in another's name.
 */
export function acceptChange(before: Task, after: Task, code: ReviewStep, principal: Principal, at: Date): Task {
  for (const element of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (changeable.has(element) || overwritten.has(element)) continue;
    if (isDeepStrictEqual(own(elementsOf(before), element), own(elementsOf(after), element))) continue;
    throw new Problem('business-rule', `A step of a review does not let ${element} change.`, {
      expression: `Task.${element}`,
    });
  }
  if (after.contained && code !== 'pharmacist-review') {
    throw new Problem('business-rule', 'Only the pharmacist review takes contained resources.', {
      expression: 'Task.contained',
    });
  }
  const owner = after.owner?.reference;
  if (owner !== undefined && owner !== before.owner?.reference && owner !== principal.fhirUser) {
    throw new Problem('forbidden', 'A step can be claimed for oneself only.', { expression: 'Task.owner' });
  }
  const { text: _narrative, ...rest } = after;
  return {
    ...rest,
    ...(before.meta && { meta: before.meta }),
    ...(before.executionPeriod && { executionPeriod: before.executionPeriod }),
    ...(before.owner && { owner: before.owner }),
    ...notes(before.note ?? [], after.note ?? [], principal, at),
    ...added(before.output ?? [], after.output ?? [], code),
    lastModified: at.toISOString(),
  };
}

function notes(before: Annotation[], after: Annotation[], principal: Principal, at: Date): { note?: Annotation[] } {
  if (!isDeepStrictEqual(after.slice(0, before.length), before)) {
    throw new Problem('business-rule', 'Notes of a step are added, never changed.', { expression: 'Task.note' });
  }
  const fresh = after.slice(before.length).map((note): Annotation => {
    if (note.text === undefined || !hasInk(note.text)) {
      throw new Problem('business-rule', 'A note needs text that can be read.', { expression: 'Task.note' });
    }
    if (hasControls(note.text)) {
      throw new Problem('business-rule', 'A note has no control characters.', { expression: 'Task.note' });
    }
    if (note.text.length > longestNote) {
      throw new Problem('business-rule', `A note has at most ${longestNote} characters.`, { expression: 'Task.note' });
    }
    const author = principal.fhirUser;
    return { ...(author && { authorReference: { reference: author } }), time: at.toISOString(), text: note.text };
  });
  const all = [...before, ...fresh];
  return all.length > 0 ? { note: all } : {};
}

function added(before: TaskOutput[], after: TaskOutput[], code: ReviewStep): { output?: TaskOutput[] } {
  if (!isDeepStrictEqual(after.slice(0, before.length), before)) {
    throw new Problem('business-rule', 'Outputs of a step are added, never changed.', { expression: 'Task.output' });
  }
  for (const item of after.slice(before.length)) {
    const type = codeOf(item.type, systems.reviewData);
    if (!outputs[code].some((allowed) => allowed === type)) {
      const allowed =
        outputs[code].length > 0 ? `takes outputs of type ${outputs[code].join(', ')}` : 'takes no outputs from people';
      throw new Problem('business-rule', `The step ${code} ${allowed}.`, { expression: 'Task.output' });
    }
  }
  return after.length > 0 ? { output: after } : {};
}

/**
 * Whether a write of an ended step says again what is there already: the same status, notes and outputs by
 * the person who ended it. An answer may have been lost on the way; saying it twice does no harm.
 */
export function saysTheSame(before: Task, after: Task, principal: Principal): boolean {
  if (!isEnded(before.status) || after.status !== before.status) return false;
  if (before.owner?.reference !== undefined && before.owner.reference !== principal.fhirUser) return false;
  const texts = (task: Task) => (task.note ?? []).map(({ text }) => text);
  const known = before.output ?? [];
  return (
    isDeepStrictEqual(texts(before), texts(after)) &&
    (after.output ?? []).every(
      (item) => known.some((one) => isDeepStrictEqual(one, item)) || storedAlready(item, known),
    )
  );
}

/** A contained prescription was stored as a resource of its own when the step was completed. */
function storedAlready(item: TaskOutput, known: TaskOutput[]): boolean {
  const type = codeOf(item.type, systems.reviewData);
  return (
    type === 'medication' &&
    item.valueReference?.reference?.startsWith('#') === true &&
    known.some((one) => codeOf(one.type, systems.reviewData) === type && one.valueReference)
  );
}

/** The reason that ends a step early, or undefined: a code, or text that can be read. */
export function hasReason(task: Task): boolean {
  const { coding, text } = task.statusReason ?? {};
  return (coding ?? []).some(({ code }) => hasInk(code)) || hasInk(text);
}
