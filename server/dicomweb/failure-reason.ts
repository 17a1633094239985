import type { FailureReason } from '../core/studies/outcome.ts';

/**
 * Failure Reason (0008,1197) of an instance that was not stored (PS3.18 Table I.2-2; within its ranges the last
 * digits are ours, as the table allows).
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
