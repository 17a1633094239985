/** Attribute matching (PS3.4 C.2.2.2) as SQL conditions. */
import { Problem } from '../../../core/problem.ts';
import { withoutEmptyEnd } from '../../../core/dicom/person-name.ts';
import { isUid } from '../../../core/dicom/uid.ts';
import type { StudyQuery } from '../../../core/studies/study-store.ts';
import type { Bindings } from '../records/search-values.ts';

export interface MatchOptions extends Pick<StudyQuery, 'fuzzy' | 'emptyValueMatching' | 'multipleValueMatching'> {
  bound: Bindings;
}

const wildcardVrs = /^(AE|CS|LO|LT|SH|ST|UC|UR|UT|UN|PN)$/;
const numberVrs = /^(IS|DS|US|SS|UL|SL|UV|SV|FL|FD)$/;

/** What a key asks for before its VR is looked at. */
export type Wanted = 'anything' | 'nothing-there' | 'a-value';

/** PS3.4 C.2.2.2.3 (universal) and C.2.2.2.7 (empty value). A lone `*` is universal too. */
export function wanted({ value }: StudyQuery['match'][number], options: MatchOptions): Wanted {
  if (value === '""' || (value === '' && options.emptyValueMatching)) return 'nothing-there';
  return value === '' || value === '*' ? 'anything' : 'a-value';
}

/**
 * A condition on a text value `subject` as stored, or as the generated columns have it: dates YYYYMMDD, times
 * of twelve digits, names folded as `alphabetic=ideographic=phonetic`.
 *
 * @param subject SQL expression of type text (integers for number VRs of columns are compared as numbers)
 * @throws Problem `value` when the value cannot be one of the VR
 */
export function valueCondition(subject: string, vr: string, value: string, options: MatchOptions): string {
  if (vr === 'UI') return `${subject} = any(${options.bound.add(uidList(value))}::text[])`;
  if (options.multipleValueMatching && value.includes('\\'))
    return `(${value.split('\\').map((one) => valueCondition(subject, vr, one.trim(), options)).join(' or ')})`; // prettier-ignore
  if (vr === 'DA') return rangeCondition(subject, dateRange(value), options.bound);
  if (vr === 'TM') return rangeCondition(subject, timeRange(value), options.bound);
  if (vr === 'DT')
    return rangeCondition(
      `rpad(regexp_replace(${subject}, '[+-][0-9]{4}$|[.]', '', 'g'), 20, '0')`,
      dateTimeRange(value),
      options.bound,
    );
  // Before signs are looked at: folding makes plain ones of those of full width.
  if (vr === 'PN') return nameCondition(subject, value.normalize('NFKC'), options);
  if (numberVrs.test(vr)) return numberCondition(subject, value, options.bound);
  if (wildcardVrs.test(vr) && /[*?]/.test(value)) return `${subject} like ${options.bound.add(likePattern(value))}`;
  return `${subject} = ${options.bound.add(value)}`;
}

/** UID list matching: comma as PS3.18 has it, backslash as viewers send it. */
function uidList(value: string): string[] {
  const uids = value.split(/[,\\]/).map((uid) => uid.trim()).filter((uid) => uid !== ''); // prettier-ignore
  if (uids.length === 0 || !uids.every(isUid)) throw new Problem('value', 'A value is not a UID');
  if (uids.length > 10_000) throw new Problem('too-costly', 'Too many UIDs in one list');
  return uids;
}

/** Inclusive ends; an open end is undefined. */
export type Range = [from: string | undefined, to: string | undefined];

export function dateRange(value: string): Range {
  return rangeOf(value, /^[0-9]{8}$/, (date) => date, (date) => date); // prettier-ignore
}

/** Less precise times mean the whole hour, minute or second: `10` ends at 10:59:59.999999. */
export function timeRange(value: string): Range {
  const fraction = /^([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9]|60)?(\.[0-9]{1,6})?)?$/;
  return rangeOf(value.replaceAll(':', ''), fraction, (time) => time.replace('.', '').padEnd(12, '0'), (time) => endOfTime(time)); // prettier-ignore
}

function endOfTime(time: string): string {
  const digits = time.replace('.', '');
  return digits + '235959999999'.slice(digits.length);
}

/** Offsets from UTC are not applied: both sides are taken as local times of the site. */
function dateTimeRange(value: string): Range {
  const split = /^([0-9.]*(?:[+-][0-9]{4}(?![0-9]))?)-([0-9.]*(?:[+-][0-9]{4})?)$/.exec(value);
  const parts = split ? [split[1]!, split[2]!] : [value, value];
  const bare = parts.map((part) => part.replace(/[+-][0-9]{4}$/, '').replace('.', ''));
  if (!bare.every((part) => /^([0-9]{4}([0-9]{2}){0,5}[0-9]{0,6})?$/.test(part)) || bare.join('') === '')
    throw new Problem('value', 'A value is not a date and time');
  const [from, to] = bare as [string, string];
  return [
    from === '' ? undefined : from.padEnd(20, '0'),
    to === '' ? undefined : to + '99991231235959999999'.slice(to.length),
  ];
}

function rangeOf(value: string, form: RegExp, first: (text: string) => string, last: (text: string) => string): Range {
  const [from = '', to = from, ...rest] = value.split('-').map((part) => part.trim());
  const good =
    rest.length === 0 && (from !== '' || to !== '') && [from, to].every((part) => part === '' || form.test(part));
  if (!good) throw new Problem('value', 'A value is not a date or time, or a range of them');
  return [from === '' ? undefined : first(from), to === '' ? undefined : last(to)];
}

function rangeCondition(subject: string, [from, to]: Range, bound: Bindings): string {
  if (from !== undefined && from === to) return `${subject} = ${bound.add(from)}`;
  const ends: string[] = [];
  if (from !== undefined) ends.push(`${subject} >= ${bound.add(from)}`);
  if (to !== undefined) ends.push(`${subject} <= ${bound.add(to)}`);
  return `(${ends.join(' and ')})`;
}

function numberCondition(subject: string, value: string, bound: Bindings): string {
  if (!/^[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?$/.test(value))
    throw new Problem('value', 'A value is not a number');
  // CASE, because a planner may try the cast before the test of a mere AND.
  return `case when ${subject}::text ~ '^ *[+-]?[0-9]{1,20}([.][0-9]{0,20})?([eE][+-]?[0-9]{1,2})? *$' then ${subject}::numeric = ${bound.add(value)}::numeric else false end`;
}

/**
 * Person names, whatever their case and accents (PS3.4 C.2.2.2.1): the value must match a whole component
 * group, or, if it has `=` itself, group by group. Fuzzy: each word of the value begins some word of the name.
 */
function nameCondition(subject: string, value: string, { bound, fuzzy }: MatchOptions): string {
  if (fuzzy) {
    const words = value.split(/[\s^,=]+/).filter((word) => word !== '' && word !== '*');
    if (words.length === 0) return 'true';
    return `(${words.map((word) => `${subject} ~ fold(${bound.add(`(^|[=^ ,.-])${namePattern(word)}`)})`).join(' and ')})`;
  }
  const groups = value.split('=').map((group) => namePattern(withoutEmptyEnd(group)));
  const pattern =
    groups.length === 1 ? `(^|=)${groups[0]}(=|$)` : `^${[0, 1, 2].map((i) => groups[i] || '[^=]*').join('=')}$`;
  return `${subject} ~ fold(${bound.add(pattern)})`;
}

/** A regular expression that stays inside of a component group; trigram indexes can use it. */
function namePattern(value: string): string {
  return value.replace(/[\\^$.|?*+()[\]{}]/g, (special) =>
    special === '*' ? '[^=]*' : special === '?' ? '[^=]' : `\\${special}`,
  );
}

export function likePattern(value: string): string {
  return value.replace(/[\\%_*?]/g, (special) => (special === '*' ? '%' : special === '?' ? '_' : `\\${special}`));
}
