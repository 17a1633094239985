/** One value of a search parameter as an SQL condition on its index table, for each type of parameter. */
import { Problem } from '../../../core/problem.ts';
import { calendarInterval, dateInterval } from '../../../core/search/date-interval.ts';
import { iso, keyText } from '../../../core/search/index-extraction.ts';
import { referenceKey } from '../../../core/r4/reference-key.ts';
import type { SearchParameterType } from '../../../core/search/search-parameters.ts';
import { splitUnescaped } from '../../../core/search/search-values.ts';
import type { Bindings } from './search-values.ts';

interface Matching {
  modifier: string | undefined;
  /** Types that a reference may point at. */
  target: readonly string[] | undefined;
  /** The date is a day of the calendar, not a time. */
  calendar: boolean;
  bound: Bindings;
  baseUrl: string;
}

const tables: Record<SearchParameterType, string> = {
  token: 'search_token',
  uri: 'search_token',
  string: 'search_string',
  date: 'search_date',
  reference: 'search_reference',
  quantity: 'search_quantity',
  number: 'search_quantity',
};

export function tableOf(type: SearchParameterType | 'composite'): string {
  if (type === 'composite') throw new Error('a composite has the tables of its parts');
  return tables[type];
}

/** @throws Problem `value` for a value that the type cannot have, `not-supported` for an unknown modifier. */
export function valueSql(
  type: SearchParameterType | 'composite',
  row: string,
  value: string,
  matching: Matching,
): string {
  const { modifier, bound } = matching;
  if (type === 'string') return stringSql(row, textOf(value), modifier, bound);
  if (type === 'token') return tokenSql(row, value, modifier, bound);
  if (type === 'uri') return uriSql(row, textOf(value), modifier, bound);
  if (type === 'reference') return referenceSql(row, textOf(value), matching);
  if (modifier !== undefined) throw unknownModifier();
  if (type === 'date') return intervalSql(value, `${row}.low`, `${row}.high`, bound, matching.calendar);
  return quantitySql(row, value, bound);
}

const unknownModifier = () => new Problem('not-supported', 'The search parameter has no such modifier.');

/** The value itself: escapes (FHIR search.html#escaping) undone, cut as index keys are. */
export function textOf(value: string): string {
  return keyText(value.replace(/\\([,|$\\])/g, '$1'));
}

/** LIKE's own signs are data. Done after folding, which may produce them (`％`). */
const literally = (folded: string) => `regexp_replace(${folded}, '([\\\\%_])', '\\\\\\1', 'g')`;

function stringSql(row: string, text: string, modifier: string | undefined, bound: Bindings): string {
  if (modifier === 'exact') return `${row}.value = ${bound.add(text)}`;
  if (modifier !== undefined && modifier !== 'contains') throw unknownModifier();
  const pattern = literally(`fold(${bound.add(text)})`);
  return `${row}.folded like ${modifier === 'contains' ? `'%' || ` : ''}${pattern} || '%'`;
}

/** `code`, `system|code`, `|code`, `system|`; `:of-type` `type system|type code|value`. */
function tokenSql(row: string, value: string, modifier: string | undefined, bound: Bindings): string {
  const parts = splitUnescaped(value, '|').map(textOf);
  if (modifier === 'of-type') {
    if (parts.length !== 3 || parts.some((part) => part === ''))
      throw new Problem('value', ':of-type takes system|code|value.');
    return `${row}.code = ${bound.add(parts[2])} and ${row}.system = ${bound.add(keyText(`${parts[0]}|${parts[1]}`))}`;
  }
  if (modifier !== undefined) throw unknownModifier();
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return `${row}.code = ${bound.add(first)}`;
  if (rest.length > 1)
    throw new Problem('value', 'A token is code, system|code, |code or system|; a "|" in it is written "\\|".');
  const code = rest[0]!;
  const ofSystem = `${row}.system = ${bound.add(first)}`;
  return code === '' && first !== '' ? ofSystem : `(${row}.code = ${bound.add(code)} and ${ofSystem})`;
}

function uriSql(row: string, text: string, modifier: string | undefined, bound: Bindings): string {
  if (modifier === undefined) return `${row}.code = ${bound.add(text)}`;
  if (modifier === 'below') return `starts_with(${row}.code, ${bound.add(text)})`;
  if (modifier === 'above') return `starts_with(${bound.add(text)}, ${row}.code)`;
  throw unknownModifier();
}

/** `Type/id`, `id`, an absolute URL (own or not), a canonical; with `:Type` the id alone or with that type. */
function referenceSql(row: string, text: string, { modifier, target, bound, baseUrl }: Matching): string {
  const key = referenceKey(text, baseUrl);
  if (key.type !== '') {
    if (modifier !== undefined && modifier !== key.type) return 'false';
    return `(${row}.target_id = ${bound.add(key.id)} and ${row}.target_type = ${bound.add(key.type)})`;
  }
  const ofId = `${row}.target_id = ${bound.add(text)}`;
  if (modifier !== undefined) return `(${ofId} and ${row}.target_type = ${bound.add(modifier)})`;
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(text)) return `(${ofId} and ${row}.target_type = '')`;
  return target ? `(${ofId} and ${row}.target_type = any(${bound.add(['', ...target])}::text[]))` : ofId;
}

type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

export function prefixOf(value: string): { prefix: Prefix; rest: string } {
  const match = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d+-])/.exec(value);
  return match ? { prefix: match[1] as Prefix, rest: value.slice(2) } : { prefix: 'eq', rest: value };
}

/**
 * A date with its prefix against an interval [low, high) (FHIR search.html#prefix): both sides cover a time, and
 * prefixes speak of how the two lie to each other.
 */
export function intervalSql(value: string, low: string, high: string, bound: Bindings, calendar = false): string {
  const { prefix, rest } = prefixOf(value);
  const read = calendar ? calendarInterval : dateInterval;
  const asked = read(rest.replace(/ (?=\d\d:\d\d$)/, '+'), bound.timeZone); // a "+" that was not percent-encoded
  if (!asked) throw new Problem('value', 'The date is not of the form YYYY[-MM[-DD[Thh:mm[:ss[.sss]]][Z|+hh:mm]]]].');
  const at = (time: number) => `${bound.add(iso(time))}::timestamptz`;
  const within = () => `(${low} >= ${at(asked.low)} and ${high} <= ${at(asked.high)})`;
  const overlaps = (from: number, to: number) => `(${low} < ${at(to)} and ${high} > ${at(from)})`;
  if (prefix === 'eq') return within();
  if (prefix === 'ne') return `not ${within()}`;
  if (prefix === 'gt') return `${high} > ${at(asked.high)}`;
  if (prefix === 'lt') return `${low} < ${at(asked.low)}`;
  if (prefix === 'ge') return `(${high} > ${at(asked.high)} or ${overlaps(asked.low, asked.high)})`;
  if (prefix === 'le') return `(${low} < ${at(asked.low)} or ${overlaps(asked.low, asked.high)})`;
  if (prefix === 'sa') return `${low} >= ${at(asked.high)}`;
  if (prefix === 'eb') return `${high} <= ${at(asked.low)}`;
  // About: a tenth of the time between then and now to either side, as the specification suggests.
  const slack = Math.abs(Date.now() - (asked.low + asked.high) / 2) / 10;
  return overlaps(asked.low - slack, asked.high + slack);
}

/** `[prefix]number`, `number|system|code`, `number||code` (FHIR search.html#quantity); plain numbers too. */
function quantitySql(row: string, value: string, bound: Bindings): string {
  const [amount = '', ...units] = splitUnescaped(value, '|').map(textOf);
  if (units.length === 1 || units.length > 2)
    throw new Problem('value', 'A quantity is number, number|system|code or number||code.');
  const conditions = [amountSql(row, amount, bound)];
  const [system = '', code = ''] = units;
  if (system !== '') conditions.push(`${row}.system = ${bound.add(system)}`);
  if (code !== '') {
    const unit = bound.add(code);
    conditions.push(system === '' ? `(${row}.code = ${unit} or ${row}.unit = ${unit})` : `${row}.code = ${unit}`);
  }
  return `(${conditions.join(' and ')})`;
}

function amountSql(row: string, amount: string, bound: Bindings): string {
  const { prefix, rest } = prefixOf(amount);
  const number = `${bound.add(rest)}::numeric`;
  const half = halfUnit(rest);
  const [low, high] = [`${row}.low`, `${row}.high`];
  const within = (slack: string) => `(${low} >= ${number} - ${slack} and ${high} < ${number} + ${slack})`;
  if (prefix === 'eq') return within(`${bound.add(half)}::numeric`);
  if (prefix === 'ne') return `not ${within(`${bound.add(half)}::numeric`)}`;
  if (prefix === 'gt') return `${high} > ${number}`;
  if (prefix === 'lt') return `${low} < ${number}`;
  if (prefix === 'ge') return `${high} >= ${number}`;
  if (prefix === 'le') return `${low} <= ${number}`;
  if (prefix === 'sa') return `${low} > ${number}`;
  if (prefix === 'eb') return `${high} < ${number}`;
  return `(${low} <= ${number} + abs(${number}) * 0.1 and ${high} >= ${number} - abs(${number}) * 0.1)`;
}

/**
 * Half of the last digit's unit: 92 means 91.5 to 92.5, 5.4e-3 means 0.00535 to 0.00545. The specification reads 1e2
 * as 95 to 105, one digit finer than its own rule; so do we.
 */
function halfUnit(number: string): string {
  const match = /^[+-]?\d{1,40}(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(number);
  if (!match) throw new Problem('value', 'The value is not a number.');
  const [, decimals = '', exponent] = match;
  const bare = exponent !== undefined && decimals === '' ? 1 : 0;
  return `5e${Number(exponent ?? 0) - decimals.length - 1 - bare}`;
}
