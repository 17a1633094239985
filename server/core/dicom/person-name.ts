import type { PersonName } from './json.ts';

/**
 * One Person Name value as component groups (PS3.5 6.2.1, PS3.18 F.2.2); null when nothing is in it.
 * Empty components at the end of a group say nothing and are dropped.
 */
export function personName(text: string): PersonName | null {
  const [alphabetic = '', ideographic = '', phonetic = ''] = text
    .split('=')
    .map((group) => group.replace(/[\s^]+$/, '').trimStart());
  const name: PersonName = {
    ...(alphabetic ? { Alphabetic: alphabetic } : {}),
    ...(ideographic ? { Ideographic: ideographic } : {}),
    ...(phonetic ? { Phonetic: phonetic } : {}),
  };
  return Object.keys(name).length > 0 ? name : null;
}
