/** Splits search values (FHIR search.html#escaping) and knows which modifier fits which type of parameter. */
import type { SearchParameterType } from './search-parameters.ts';

/** Splits at `separator` where no backslash stands before it; escapes stay in place. */
export function splitUnescaped(value: string, separator: ',' | '|' | '$'): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!;
    if (char === '\\' && i + 1 < value.length) part += char + value[++i]!;
    else if (char === separator) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  parts.push(part);
  return parts;
}

/** A value in which a comma, a bar, a dollar or a backslash stands for itself (FHIR search.html#escaping). */
export function escapedValue(value: string): string {
  return value.replace(/[\\,|$]/g, '\\$&');
}

/** Modifiers that this server understands, by type of parameter; `reference` takes a resource type besides. */
export const modifiers: Record<SearchParameterType | 'composite', readonly string[]> = {
  string: ['missing', 'exact', 'contains'],
  token: ['missing', 'not', 'text', 'of-type'],
  reference: ['missing', 'identifier'],
  date: ['missing'],
  number: ['missing'],
  quantity: ['missing'],
  uri: ['missing', 'above', 'below'],
  composite: ['missing'],
};

/** The parameters of every type that are columns of the record. */
export const recordParameters: Record<string, SearchParameterType> = { _id: 'token', _lastUpdated: 'date' };
