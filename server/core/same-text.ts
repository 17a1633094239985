import { timingSafeEqual } from 'node:crypto';

/** Compares what a caller gives with what is right, in a time that tells nothing of where they differ. */
export function isSameText(given: string, right: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}
