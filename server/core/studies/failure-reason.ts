import type { HoldReason } from './held-instance.ts';
import type { FailureReason, InstanceOutcome } from './outcome.ts';

/**
 * Failure Reason (0008,1197) of an instance that was not stored (PS3.18 Table I.2-2), and Status of its C-STORE (PS3.4 Table B.2-1,
 * PS3.7 Annex C): one table of codes; within its ranges the last digits are ours, as both allow.
 */
export const failureReason: Record<FailureReason, number> = {
  unreadable: 0xc000, // cannot understand
  identity: 0xc001, // cannot understand: a UID is missing or not valid
  'too-costly': 0xc002, // cannot understand within the limits of size and time
  mismatch: 0xc003, // cannot understand: file meta information and data set contradict each other
  unstorable: 0xc004, // cannot understand: a value cannot be kept
  'no-room': 0xa700, // out of resources
  'transfer-syntax': 0xc122,
  'other-patient': 0xa902, // does not match: only uploads are for one patient
  'other-study': 0xa901, // does not match: the request is for another study
  'other-place': 0x0111, // duplicate SOP instance: it is stored in another study (PS3.7 C.4.2.1)
  'other-content': 0x0110, // processing failure: other content is stored under its UID
  forbidden: 0x0124, // not authorised (PS3.7 C.5)
  note: 0x0124, // not authorised
  rejected: 0x0124, // refused: it was removed, and must not come back (IHE RAD TF, IOCM)
  processing: 0x0110,
};

/** Warning Reason (0008,1196): a value does not fit what the SOP class says of it (PS3.18 Table I.2-1). */
const valuesLeftOut = 0xb007;
/** Of our own, as the table allows: what a rejection note says of the instance, or did not reach. */
const ofRejection = 0xb0a0;
/** Of our own: the file broke PS3.10 or PS3.5, and is stored as it should have been. */
const repaired = 0xb0a4;
/** Coercion of data elements (PS3.18 Table I.2-1, PS3.4 Table B.2-1): answers show another value than was sent. */
const coerced = 0xb000;
/** Of our own: its bytes are safe and need not be sent again, and nobody finds it before a human has decided. */
const held: Record<HoldReason, number> = { 'other-patient': 0xb0a1, 'unclear-patient': 0xb0a2, corrected: 0xb0a3 };

/** Warning of an instance that was taken; undefined when there is nothing to say. */
export function warningReason(outcome: Exclude<InstanceOutcome, { status: 'failed' }>): number | undefined {
  if (outcome.status === 'held') return held[outcome.why];
  if (outcome.warning === undefined) return undefined;
  // The image is there, whoever wrote its file: to a sender that looks at codes only, as many do, all is well.
  if (outcome.about === 'encoding') return undefined;
  if (outcome.about === 'coercion') return coerced;
  if (outcome.about === 'repair') return repaired;
  return outcome.about === 'rejection' ? ofRejection : valuesLeftOut;
}
