/** Codes that people write down and type: in groups of four, as `ABCD-EFGH`. */
import { randomInt } from 'node:crypto';

/** Letters and digits that nobody takes for another: no 0 O 1 I L, no U beside V. */
const alphabet = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
export const groupLength = 4;

/** @returns its groups, of 19.6 random bits each. */
export function drawCode(groups: number): string[] {
  const group = () => Array.from({ length: groupLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  return Array.from({ length: groups }, group);
}

/** As a person types it: small letters, spaces and hyphens do not matter. */
export function typedCode(typed: string): string {
  return typed.toUpperCase().replace(/[\s\u2010-\u2015-]/g, '');
}

/** Whether a typed code can be one at all. */
export function isWrittenCode(code: string, groups: number): boolean {
  return code.length === groups * groupLength && [...code].every((one) => alphabet.includes(one));
}
