import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { Message } from './upper-layer/association.ts';
import { isGone } from './upper-layer/association.ts';
import { answerTo } from './answer.ts';
import type { Conversation } from './conversation.ts';
import { writeIdentifier } from './identifier.ts';
import { status } from './status.ts';

/** Sends one instance; @returns the status that its receiver gave. */
export type SendInstance = (instance: InstanceAddress) => Promise<number>;

/** Failed SOP Instance UID List (0008,0058) names so many at most; their number is told in any case. */
const mostNamed = 5_000;

const isWarning = (code: number): boolean => (code & 0xf000) === 0xb000 || code === 1;

/**
 * The C-STORE sub-operations of a C-MOVE or C-GET (PS3.4 C.4.2.1.6): how many are left, done and failed is told after each, and at the
 * end which have failed. What fails is one instance, not the rest.
 */
export async function subOperations(
  { association, onFault, asking }: Conversation,
  { context, command }: Message,
  instances: readonly InstanceAddress[],
  send: SendInstance,
  cancelled: AbortSignal,
): Promise<void> {
  const counts = { completed: 0, warned: 0 };
  const failed: string[] = [];
  const told = () => ({
    NumberOfCompletedSuboperations: counts.completed,
    NumberOfFailedSuboperations: failed.length,
    NumberOfWarningSuboperations: counts.warned,
  });
  let left = instances.length;
  for (const instance of instances) {
    if (cancelled.aborted) break;
    const code = await send(instance).catch((error: unknown) => {
      if (isGone(error)) throw error;
      onFault(error, asking.requestId);
      return status.processing;
    });
    if (code === status.success) counts.completed++;
    else if (isWarning(code)) counts.warned++;
    else failed.push(instance.SOPInstanceUID);
    left--;
    if (left > 0) await association.send(context, answerTo(command, status.pending, { NumberOfRemainingSuboperations: left, ...told() })); // prettier-ignore
  }
  const isCancelled = left > 0;
  const good = counts.completed + counts.warned;
  const allDone = failed.length === 0 ? status.success : good > 0 ? status.someFailed : status.noneMoved;
  const last = answerTo(command, isCancelled ? status.cancelled : allDone, {
    ...(isCancelled && { NumberOfRemainingSuboperations: left }),
    ...told(),
  });
  const list = { '00080058': { vr: 'UI', Value: failed.slice(0, mostNamed) } };
  const names = failed.length > 0 ? writeIdentifier(list, context.transferSyntax, []) : undefined;
  await association.send(context, last, names);
}
