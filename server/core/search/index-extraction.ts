/**
 * The search index rows of a resource (FHIR search.html): what each of its type's parameters finds in it. The same
 * values are compared in SQL, so what can be decided once (precision of dates, the display texts of codes, the
 * parts of a name) is decided here.
 */
import { systems } from '../vocabulary/systems.ts';
import type { Resource } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { calendarInterval, dateInterval, type Interval } from './date-interval.ts';
import { referenceKey } from '../r4/reference-key.ts';
import { isObject, type Node } from './search-path.ts';
import { searchParametersOf, type SearchParameterType } from './search-parameters.ts';
import { own } from '../table.ts';

/** `part` numbers the elements of a composite, so that only components of one element are put together. */
interface Row {
  param: string;
  part: number;
}

/** Columns as in the tables of the same names (migration 0002). */
export interface IndexRows {
  /** Codes, identifiers and URIs; `system` is '' where there is none. */
  token: (Row & { system: string; code: string })[];
  string: (Row & { value: string })[];
  /** ISO instants or `-infinity`, `infinity`; `high` is exclusive. */
  date: (Row & { low: string; high: string })[];
  /** `target_type` is '' for what is no record of this server (then `target_id` is the URL). */
  reference: (Row & { target_type: string; target_id: string })[];
  quantity: (Row & {
    low: number | '-Infinity';
    high: number | 'Infinity';
    system: string;
    code: string;
    unit: string;
  })[];
}

/** An index entry may not outgrow a B-tree page; what is longer is compared by its first 255 characters. */
export const longestKey = 255;

/** What values are read against. */
export interface Site {
  /** Own FHIR base: absolute references to it are references to own records. */
  baseUrl: string;
  /** Of dates without a zone. */
  timeZone: string;
}

/**
 * Rows that one record may have. They are what a write costs the database: this many take about a second. Only
 * records of thousands of names, codes or components reach it.
 */
const mostRows = 20_000;

/** @throws Problem `too-long` past the number of rows that a record may have. */
export function indexRowsOf(resource: Resource, site: Site): IndexRows {
  return limited(extracted(resource, site), resource.resourceType);
}

/** Of a stored record, however many rows it has: those that depend on the zone of the site. */
export function dateRowsOf(resource: Resource, site: Site): IndexRows['date'] {
  return extracted(resource, site, 'date').date;
}

function extracted(resource: Resource, site: Site, only?: SearchParameterType): IndexRows {
  const rows: IndexRows = { token: [], string: [], date: [], reference: [], quantity: [] };
  const calendar: ReadDate = (text) => calendarInterval(text, site.timeZone);
  for (const parameter of searchParametersOf(resource.resourceType).values()) {
    if (only && parameter.type !== only && parameter.type !== 'composite') continue;
    const found = parameter.select(resource);
    if (parameter.type !== 'composite') {
      const row = { param: parameter.key, part: 0 };
      if (parameter.calendar) for (const { value } of found) addDate(rows, row, value, calendar);
      else for (const node of found) add(rows, parameter.type, row, node, site);
      continue;
    }
    found.forEach(({ value }, part) => {
      for (const { key, type, select } of parameter.parts)
        for (const node of select(value)) add(rows, type, { param: key, part }, node, site);
    });
  }
  return distinct(rows);
}

/** The server's own ImagingStudy is never refused: that of a very large study is found by its first instances only. */
function limited(rows: IndexRows, type: Resource['resourceType']): IndexRows {
  const number = Object.values(rows).reduce((sum, list) => sum + (list as unknown[]).length, 0);
  if (number <= mostRows) return rows;
  if (type === 'ImagingStudy') return { ...rows, token: rows.token.slice(0, mostRows) };
  throw new Problem('too-long', `A record may have ${mostRows} values that searches find it by; make several of it.`);
}

type ReadDate = (text: string) => Interval | undefined;

function add(rows: IndexRows, type: SearchParameterType, row: Row, { value }: Node, site: Site): void {
  if (type === 'token') addToken(rows, row, value);
  else if (type === 'uri') addCode(rows, row, '', value);
  else if (type === 'string') addString(rows, row, value);
  else if (type === 'date') addDate(rows, row, value, (text) => dateInterval(text, site.timeZone));
  else if (type === 'reference') addReference(rows, row, value, site.baseUrl);
  else addQuantity(rows, row, value);
}

/** Coding, CodeableConcept, Identifier, ContactPoint, code, boolean, string (FHIR search.html#token). */
function addToken(rows: IndexRows, row: Row, value: unknown): void {
  if (!isObject(value)) return addCode(rows, row, '', value);
  if (Array.isArray(value['coding']) || ('text' in value && !('value' in value))) {
    addString(rows, withModifier(row, 'text'), value['text']);
    for (const coding of listOf(value['coding'])) addToken(rows, row, coding);
    return;
  }
  if ('code' in value || 'display' in value) {
    addCode(rows, row, value['system'], value['code']);
    addString(rows, withModifier(row, 'text'), value['display']);
    return;
  }
  addCode(rows, row, value['system'], value['value']);
  // A UID is also found by its bare digits: clients differ in whether they write `urn:oid:`.
  if (
    value['system'] === systems.studyUid &&
    typeof value['value'] === 'string' &&
    value['value'].startsWith('urn:oid:')
  )
    addCode(rows, row, value['system'], value['value'].slice('urn:oid:'.length));
  if (isObject(value['type'])) addIdentifierType(rows, row, value['type'], value['value']);
}

/** `:of-type` rows: system is `type system|type code`, code the identifier's value. `:text` finds the type's text. */
function addIdentifierType(rows: IndexRows, row: Row, type: Record<string, unknown>, value: unknown): void {
  addString(rows, withModifier(row, 'text'), type['text']);
  for (const coding of listOf(type['coding'])) {
    if (!isObject(coding)) continue;
    addCode(rows, withModifier(row, 'of-type'), `${textOf(coding['system'])}|${textOf(coding['code'])}`, value);
    addString(rows, withModifier(row, 'text'), coding['display']);
  }
}

function addCode(rows: IndexRows, row: Row, system: unknown, code: unknown): void {
  if (code === undefined && system === undefined) return;
  if (isObject(code) || Array.isArray(code)) return;
  rows.token.push({ ...row, system: keyText(system), code: keyText(code) });
}

/** A string, or every part of a HumanName or Address (FHIR search.html#string). */
function addString(rows: IndexRows, row: Row, value: unknown): void {
  if (typeof value === 'string') {
    const text = keyText(value);
    if (text !== '') rows.string.push({ ...row, value: text });
  } else if (isObject(value)) {
    for (const part of nameAndAddressParts) for (const item of listOf(own(value, part))) addString(rows, row, item);
  }
}

const nameAndAddressParts = [
  'text',
  'family',
  'given',
  'prefix',
  'suffix',
  'line',
  'city',
  'district',
  'state',
  'postalCode',
  'country',
];

function addDate(rows: IndexRows, row: Row, value: unknown, read: ReadDate): void {
  if (typeof value === 'string') {
    const interval = read(value);
    if (interval) rows.date.push({ ...row, low: iso(interval.low), high: iso(interval.high) });
  } else if (isObject(value)) {
    if ('event' in value || 'repeat' in value) {
      for (const event of listOf(value['event'])) addDate(rows, row, event, read);
      if (isObject(value['repeat'])) addDate(rows, row, value['repeat']['boundsPeriod'], read);
      return;
    }
    const [start, end] = [value['start'], value['end']].map((text) =>
      typeof text === 'string' ? read(text) : undefined,
    );
    const [low, high] = [start ? iso(start.low) : '-infinity', end ? iso(end.high) : 'infinity'];
    if (start || end) rows.date.push({ ...row, low, high });
  }
}

function addReference(rows: IndexRows, row: Row, value: unknown, baseUrl: string): void {
  if (isObject(value)) {
    if (typeof value['reference'] === 'string') addReference(rows, row, value['reference'], baseUrl);
    if (isObject(value['identifier'])) addToken(rows, withModifier(row, 'identifier'), value['identifier']);
    addString(rows, withModifier(row, 'text'), value['display']);
    return;
  }
  if (typeof value !== 'string' || value.startsWith('#')) return;
  const { type, id } = referenceKey(value, baseUrl);
  rows.reference.push({ ...row, target_type: type, target_id: keyText(id) });
  const version = type === '' ? id.indexOf('|') : -1; // a canonical is found with and without its version
  if (version > 0) rows.reference.push({ ...row, target_type: '', target_id: keyText(id.slice(0, version)) });
}

function addQuantity(rows: IndexRows, row: Row, value: unknown): void {
  if (typeof value === 'number')
    rows.quantity.push({ ...row, low: value, high: value, system: '', code: '', unit: '' });
  if (!isObject(value)) return;
  if (isObject(value['low']) || isObject(value['high'])) return addRange(rows, row, value);
  if (typeof value['value'] !== 'number') return;
  const units =
    typeof value['currency'] === 'string'
      ? { system: 'urn:iso:std:iso:4217', code: keyText(value['currency']), unit: '' }
      : { system: keyText(value['system']), code: keyText(value['code']), unit: keyText(value['unit']) };
  rows.quantity.push({ ...row, low: value['value'], high: value['value'], ...units });
}

function addRange(rows: IndexRows, row: Row, range: Record<string, unknown>): void {
  const [low, high] = [range['low'], range['high']].map((end) => (isObject(end) ? end : {}));
  const units = { ...low, ...high };
  rows.quantity.push({
    ...row,
    low: typeof low!['value'] === 'number' ? low!['value'] : '-Infinity',
    high: typeof high!['value'] === 'number' ? high!['value'] : 'Infinity',
    system: keyText(units['system']),
    code: keyText(units['code']),
    unit: keyText(units['unit']),
  });
}

function withModifier(row: Row, modifier: string): Row {
  return { ...row, param: `${row.param}:${modifier}` };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function textOf(value: unknown): string {
  return typeof value === 'string'
    ? value
    : value === undefined || value === null || typeof value === 'object'
      ? ''
      : String(value);
}

/** As it may stand in an index: cut, and without what PostgreSQL's text cannot hold (NUL, half surrogate pairs). */
export function keyText(value: unknown): string {
  return textOf(value).slice(0, longestKey).replaceAll('\0', '').toWellFormed();
}

/** PostgreSQL reads ISO dates of the years 1 to 9999 only. */
export function iso(time: number): string {
  if (time >= 253_402_300_800_000) return 'infinity';
  if (time < -62_135_596_800_000) return '-infinity';
  return new Date(time).toISOString();
}

/** A study's series and instances repeat the same codes hundreds of times. */
function distinct(rows: IndexRows): IndexRows {
  const once = <T>(list: T[]): T[] => {
    if (list.length < 2) return list;
    return [...new Map(list.map((row) => [JSON.stringify(Object.values(row as object)), row])).values()];
  };
  return {
    token: once(rows.token),
    string: once(rows.string),
    date: once(rows.date),
    reference: once(rows.reference),
    quantity: once(rows.quantity),
  };
}
