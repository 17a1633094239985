import type { HumanName } from '@medplum/fhirtypes';
import { Problem } from '../../problem.ts';

/** A person's name as somebody types it. */
export interface PersonName {
  prefix?: string;
  given: string;
  family: string;
}

const longest = 100;

/**
 * A name that may be printed under a report: given and family name, without white space around them.
 *
 * @throws Problem `required` for a missing part, `value` for one that is too long or holds characters that are not shown.
 */
export function cleanName({ prefix, given, family }: PersonName): PersonName {
  const cleaned = { given: part('given', given), family: part('family', family) };
  for (const name of ['given', 'family'] as const) {
    if (cleaned[name] === '')
      throw new Problem('required', 'Give the given name and the family name: both stand under what is signed.', {
        expression: name,
      });
  }
  const title = prefix === undefined ? '' : part('prefix', prefix);
  return { ...(title !== '' && { prefix: title }), ...cleaned };
}

/** As a person writes it: `Dr. Meera Iyer`. */
export function writtenName({ prefix, given, family }: PersonName): string {
  return [prefix, given, family].filter((one) => one !== undefined && one !== '').join(' ');
}

export function humanName({ prefix, given, family }: PersonName): HumanName {
  return { use: 'official', family, given: [given], ...(prefix !== undefined && { prefix: [prefix] }) };
}

function part(expression: string, text: string): string {
  const trimmed = text.normalize('NFC').trim().replace(/\s+/gu, ' ');
  if (trimmed.length > longest)
    throw new Problem('value', `A part of a name has at most ${longest} characters.`, { expression });
  if (/[\p{Cc}\p{Co}\p{Cn}\p{Cs}\u202a-\u202e\u2066-\u2069<>]/u.test(trimmed))
    throw new Problem('value', 'The name holds characters that cannot be printed.', { expression });
  return trimmed;
}
