/** Statuses of answers (PS3.7 Annex C, PS3.4 B.2.3, C.4). */
import { Problem } from '../core/problem.ts';

export const status = {
  success: 0x0000,
  cancelled: 0xfe00,
  pending: 0xff00,
  /** Pending, and some keys were not looked at. */
  pendingWithoutKeys: 0xff01,
  someFailed: 0xb000,
  noSuchClass: 0x0122,
  notAuthorised: 0x0124,
  unknownCommand: 0x0211,
  processing: 0x0110,
  invalidInstance: 0xc001,
  outOfResources: 0xa700,
  /** Out of resources: sub-operations could not be performed. */
  noneMoved: 0xa702,
  unknownDestination: 0xa801,
  /** The identifier does not match the SOP class. */
  wrongIdentifier: 0xa900,
} as const;

/** Status for what refused a whole request, and whether it is our own fault. */
export function statusOf(error: unknown): { status: number; comment: string; isFault: boolean } {
  if (!(error instanceof Problem))
    return { status: status.processing, comment: 'Unexpected fault; it has been logged', isFault: true };
  const { code, message } = error;
  if (code === 'forbidden' || code === 'login')
    return { status: status.notAuthorised, comment: message, isFault: false };
  if (code === 'no-store' || code === 'transient' || code === 'timeout' || code === 'too-long' || code === 'too-costly')
    return { status: status.outOfResources, comment: message, isFault: false };
  if (code === 'exception') return { status: status.processing, comment: message, isFault: true };
  return { status: status.wrongIdentifier, comment: message, isFault: false };
}

const longestComment = 64;

/** As the element of an answer takes it: one line of ASCII (PS3.7 Annex E.1). */
export function errorComment(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]|\\/g, '?');
  return plain.length <= longestComment ? plain : `${plain.slice(0, longestComment - 3)}...`;
}
