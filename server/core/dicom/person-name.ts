import { trimEnd } from '../trim-end.ts';
import type { PersonName } from './json.ts';

/** Without the separators and the white space at the end of a component group, which say nothing. */
export function withoutEmptyEnd(group: string): string {
  let shorter = group.trimEnd();
  while (shorter.endsWith('^')) shorter = trimEnd(shorter, '^').trimEnd();
  return shorter;
}

/**
 * One Person Name value as component groups (PS3.5 6.2.1, PS3.18 F.2.2); null when nothing is in it.
 * Empty components at the end of a group say nothing and are dropped.
 */
export function personName(text: string): PersonName | null {
  const [alphabetic = '', ideographic = '', phonetic = ''] = text
    .split('=')
    .map((group) => withoutEmptyEnd(group).trimStart());
  const name: PersonName = {
    ...(alphabetic ? { Alphabetic: alphabetic } : {}),
    ...(ideographic ? { Ideographic: ideographic } : {}),
    ...(phonetic ? { Phonetic: phonetic } : {}),
  };
  return Object.keys(name).length > 0 ? name : null;
}
