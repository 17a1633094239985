import type { Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { Addressee, NoticeKind } from '../notices/notice-store.ts';
import { tell } from '../notices/tell.ts';
import { idIn } from '../r4/pointer.ts';
import type { Rule } from '../records/rules.ts';
import { statusOf, stepOf } from '../vocabulary/review-codes.ts';
import { withheld } from '../vocabulary/security-labels.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import type { WriteContext } from '../world.ts';
import { isReviewTask } from './records-of-review.ts';
import { inputOf, outputOf } from './review-tasks.ts';

interface Told {
  kind: NoticeKind;
  to: Addressee;
  urgent?: boolean;
}

const ranks = { routine: 0, urgent: 1, asap: 2, stat: 3 } as const;
const rankOf = ({ priority }: Task) => ranks[priority ?? 'routine'];

/**
 * A rule of Task after which people are told, in the same transaction: whom the step that was opened is for, and the
 * patient when the report is there. Whatever writes a Task comes by here, so nobody has to remember to tell.
 */
export function telling(rule: Rule<WriteContext>): Rule<WriteContext> {
  return async (change) => {
    const ruled = await rule(change);
    const [before, after] = [change.before as Task | undefined, ruled.resource as Task];
    if (!isReviewTask(after)) return ruled;
    const afterwards = async () => {
      await ruled.afterwards?.();
      const told = await toldBy(change.context, before, after);
      const review = stepOf(after.code) ? idIn(after.partOf?.[0], 'Task') : after.id;
      if (told) await tell(change.context, { ...told, ...(review !== undefined && { review }) });
    };
    return { ...ruled, afterwards };
  };
}

async function toldBy(context: WriteContext, before: Task | undefined, after: Task): Promise<Told | undefined> {
  const code = stepOf(after.code);
  if (!code) return before ? ofReview(before, after) : { kind: 'scan-arrived', to: { role: 'doctor' }, urgent: after.priority === 'stat' };
  if (code === 'report-delivery' && before && before.status !== 'failed' && after.status === 'failed')
    return { kind: 'delivery-failed', to: { role: 'admin' } };
  if (before) {
    const raised = code === 'physician-verification' && rankOf(after) > rankOf(before);
    return raised ? { kind: 'urgent-finding', to: { role: 'doctor' }, urgent: true } : undefined;
  }
  const urgent = rankOf(after) >= ranks.asap;
  if (code === 'pharmacist-review') return { kind: 'to-prescribe', to: { role: 'pharmacist' }, urgent };
  if (code === 'release-approval') return { kind: 'to-approve', to: { role: 'admin' }, urgent };
  if (code !== 'physician-verification' && code !== 'report-amendment') return undefined;
  if (inputOf(after, 'returned-from')) return { kind: 'sent-back', to: { role: 'doctor' }, urgent };
  const found = (await isRaised(context, after)) ? 'urgent-finding' : 'to-verify';
  return { kind: found, to: { role: 'doctor' }, urgent: urgent || found === 'urgent-finding' };
} // prettier-ignore

/** What the AI found raises the step and never the review, which its patient reads. */
async function isRaised({ stores }: WriteContext, step: Task): Promise<boolean> {
  const id = idIn(step.partOf?.[0], 'Task');
  const review = id === undefined ? undefined : await stores.records.read('Task', id, everything);
  return review?.resource !== undefined && rankOf(step) > rankOf(review.resource as Task);
}

/** Of the patient's own: a report that is there, also a corrected one, and an image that has to be taken again. */
function ofReview(before: Task, after: Task): Told | undefined {
  const person = after.for?.reference;
  const hidden = after.meta?.security?.some(({ code }) => code === withheld.code);
  if (person === undefined || hidden) return undefined;
  const [from, to] = [statusOf(before.businessStatus), statusOf(after.businessStatus)];
  const documents = [before, after].map((task) => outputOf(task, 'document')?.reference);
  if (to === 'REPORT_READY' && (from !== to || documents[0] !== documents[1]))
    return { kind: 'report-ready', to: { person } };
  const mistaken = codeOf(after.statusReason, systems.reviewReason) === 'wrong-patient';
  if (to === 'REJECTED' && from !== to && !mistaken) return { kind: 'new-image-needed', to: { person } };
  return undefined;
}
