/** Search parameters of AuditEvent as SQL conditions on the audit trail under the alias `a` (FHIR auditevent.html#search). */
import { auditEventSystem, clientSystem, outcomeCodes, type AuditSite } from '../../../core/access/audit-event.ts';
import { eventKinds } from '../../../core/access/audit-event-kinds.ts';
import type { Narrowing } from '../../../core/access/narrowing.ts';
import { Problem } from '../../../core/problem.ts';
import { referenceKey } from '../../../core/r4/reference-key.ts';
import { dateInterval } from '../../../core/search/date-interval.ts';
import { iso } from '../../../core/search/index-extraction.ts';
import type { SearchCondition } from '../../../core/search/search-query.ts';
import { splitUnescaped } from '../../../core/search/search-values.ts';
import { prefixOf, textOf } from '../records/search-types.ts';
import type { Bindings } from '../records/search-values.ts';
import { entitySql } from './audit-log.ts';

export interface AuditSearch {
  bound: Bindings;
  site: AuditSite;
}

/** @returns `true`, `false` or a condition in parentheses. */
export function auditNarrowingSql(narrowing: Narrowing, search: AuditSearch): string {
  if (narrowing.kind === 'all') return 'true';
  const grants = narrowing.grants.map(({ patient, conditions = [], sharedBy, hidden }) => {
    if (sharedBy) return 'false';
    const parts = conditions.map((condition) => auditConditionSql(condition, search));
    if (patient !== undefined) parts.push(`a.patients @> array[${search.bound.add(patient)}]`);
    if (hidden) parts.push(`not a.patients && ${search.bound.add(hidden)}::text[]`);
    return parts.length === 0 ? 'true' : `(${parts.join(' and ')})`;
  });
  return grants.length === 0 ? 'false' : `(${grants.join(' or ')})`;
}

/** @throws Problem `value`, and `not-supported` for what the trail cannot be asked. */
export function auditConditionSql({ parameter, modifier, values }: SearchCondition, search: AuditSearch): string {
  const compile = new Map(Object.entries(parameters)).get(parameter);
  if (!compile) throw new Problem('not-supported', `AuditEvents are not searched by ${parameter}.`);
  if (modifier === 'missing') return `(${absent.get(parameter) ?? 'false'}) = ${values[0] === 'true'}`;
  if (modifier === 'text' || modifier === 'of-type')
    throw new Problem('value', `AuditEvents are searched by the codes of ${parameter}, not by :${modifier}.`);
  const negated = modifier === 'not';
  const plain = negated ? undefined : modifier;
  const alternatives = values.map((value) => compile(value, search, plain));
  const any = alternatives.length === 0 ? 'false' : `(${alternatives.join(' or ')})`;
  return negated ? `not coalesce(${any}, false)` : any;
}

/** What may be missing, for `:missing`; everything else is in each of them. */
const absent: ReadonlyMap<string, string> = new Map([
  ['patient', `a.patients = '{}'`],
  ['entity', `a.patients = '{}' and a.entities = '{}' and a.query is null and a.request_id is null`],
  ['address', `coalesce(a.source_address, '') = ''`],
]);

type Compile = (value: string, search: AuditSearch, modifier: string | undefined) => string;

const parameters: Record<string, Compile> = {
  _id: (value, { bound }) => (/^[1-9]\d{0,15}$/.test(value) ? `a.seq = ${bound.add(value)}::bigint` : 'false'),
  _lastUpdated: dateSql,
  date: dateSql,
  patient: patientSql,
  agent: agentSql,
  entity: (value, { bound, site }, modifier) => {
    const text = textOf(value);
    const typed =
      modifier !== undefined && modifier !== 'identifier' && !text.includes('/') ? `${modifier}/${text}` : text;
    const { type, id } = referenceKey(typed, site.fhirBaseUrl);
    const name = type === '' ? id : `${type}/${id}`;
    const named = entitySql('a', name, bound);
    return type === 'Patient' ? `(a.patients @> array[${bound.add(id)}] or ${named})` : named;
  },
  address: (value, { bound }, modifier) => {
    if (modifier === 'exact') return `a.source_address = ${bound.add(textOf(value))}`;
    if (modifier === 'contains') return `strpos(a.source_address, ${bound.add(textOf(value))}) > 0`;
    if (modifier !== undefined) throw unknownModifier('address');
    return `starts_with(a.source_address, ${bound.add(textOf(value))})`;
  },
  action: (value, { bound }, modifier) => {
    const { system, code } = tokenOf(value, 'action', modifier);
    const ours = !system || system === 'http://hl7.org/fhir/audit-event-action';
    if (!ours) return 'false';
    return code === undefined ? 'true' : `a.action = ${bound.add(code)}`;
  },
  outcome: (value, { bound }, modifier) => {
    const { system, code } = tokenOf(value, 'outcome', modifier);
    const ours = !system || /\/audit-event-outcome$/.test(system);
    if (ours && code === undefined) return 'true';
    const found = Object.entries(outcomeCodes).find(([, one]) => one === code)?.[0];
    return ours && found ? `a.outcome = ${bound.add(found)}` : 'false';
  },
  type: (value, search, modifier) => kindSql(value, search, modifier, 'type'),
  subtype: (value, search, modifier) => kindSql(value, search, modifier, 'subtype'),
};

const unknownModifier = (name: string) =>
  new Problem('not-supported', `The parameter ${name} of AuditEvent has no such modifier.`);

/** `recorded` is an instant: what is asked is a time that it lies in, before or behind (FHIR search.html#prefix). */
function dateSql(value: string, { bound }: AuditSearch, modifier: string | undefined): string {
  if (modifier !== undefined) throw unknownModifier('date');
  const { prefix, rest } = prefixOf(value);
  const asked = dateInterval(rest.replace(/ (?=\d\d:\d\d$)/, '+'), bound.timeZone);
  if (!asked) throw new Problem('value', 'The date is not of the form YYYY[-MM[-DD[Thh:mm[:ss[.sss]]][Z|+hh:mm]]]].');
  const at = (time: number) => `${bound.add(iso(time))}::timestamptz`;
  const within = (low: number, high: number) => `(a.at >= ${at(low)} and a.at < ${at(high)})`;
  if (prefix === 'eq') return within(asked.low, asked.high);
  if (prefix === 'ne') return `not ${within(asked.low, asked.high)}`;
  if (prefix === 'gt' || prefix === 'sa') return `a.at >= ${at(asked.high)}`;
  if (prefix === 'lt' || prefix === 'eb') return `a.at < ${at(asked.low)}`;
  if (prefix === 'ge') return `a.at >= ${at(asked.low)}`;
  if (prefix === 'le') return `a.at < ${at(asked.high)}`;
  const slack = Math.abs(Date.now() - (asked.low + asked.high) / 2) / 10;
  return within(asked.low - slack, asked.high + slack);
}

function patientSql(value: string, { bound, site }: AuditSearch, modifier: string | undefined): string {
  if (modifier !== undefined && modifier !== 'Patient')
    throw new Problem('value', 'The trail knows patients by their ids, not by identifiers.');
  const { type, id } = referenceKey(textOf(value), site.fhirBaseUrl);
  if (type !== 'Patient' && (type !== '' || !/^[A-Za-z0-9\-.]{1,64}$/.test(id))) return 'false';
  return `a.patients @> array[${bound.add(id)}]`;
}

/** A person by reference; with `:identifier` an account or a client, by id. */
function agentSql(value: string, { bound, site }: AuditSearch, modifier: string | undefined): string {
  if (modifier === 'identifier') {
    const { system, code } = tokenOf(value, 'agent', undefined);
    // Only what is used is bound: PostgreSQL refuses a statement with a value that stands nowhere in it.
    const isOne = (column: string) =>
      code === undefined ? `coalesce(${column}, '') <> ''` : `${column} = ${bound.add(code)}`;
    if (system === clientSystem(site.publicUrl))
      return `(a.kind is distinct from 'system' and ${isOne('a.client_id')})`;
    if (system === `${site.publicUrl}/accounts`) return `(a.kind = 'user' and ${isOne('a.subject')})`;
    return system === undefined ? `(${isOne('a.client_id')} or ${isOne('a.subject')})` : 'false';
  }
  const { type, id } = referenceKey(textOf(value), site.fhirBaseUrl);
  if (type !== '')
    return modifier === undefined || modifier === type ? `a.fhir_user = ${bound.add(`${type}/${id}`)}` : 'false';
  const types = modifier === undefined ? ['Practitioner', 'Patient', 'PractitionerRole', 'RelatedPerson'] : [modifier];
  return `a.fhir_user = any(${bound.add(types.map((one) => `${one}/${id}`))}::text[])`;
}

/** Which kind an event is, as one expression made of the table that AuditEvents are written by. */
const kindNumber = `(case ${eventKinds
  .map(
    ({ starts, has }, n) =>
      `when ${has === undefined ? `starts_with(a.event, '${starts}')` : `strpos(a.event, '${has}') > 0`} then ${n}`,
  )
  .join(' ')} end)`;

function kindSql(
  value: string,
  { bound }: AuditSearch,
  modifier: string | undefined,
  part: 'type' | 'subtype',
): string {
  const { system, code } = tokenOf(value, part, modifier);
  const fits = eventKinds.flatMap((kind, n) => {
    const one = kind[part];
    return one && (code === undefined || one.code === code) && (system === undefined || one.system === system)
      ? [n]
      : [];
  });
  const byKind = fits.length === 0 ? 'false' : `${kindNumber} = any(${bound.add(fits)}::int[])`;
  const ownName = part === 'subtype' && (system === undefined || system === auditEventSystem);
  if (!ownName) return byKind;
  return code === undefined ? 'true' : `(a.event = ${bound.add(code)} or ${byKind})`;
}

/** `code`, `system|code`, `system|`, and `|code`, whose system is empty: none of a Coding (FHIR search.html#token). */
function tokenOf(value: string, name: string, modifier: string | undefined): { system?: string; code?: string } {
  if (modifier !== undefined) throw unknownModifier(name);
  const [first = '', second, ...more] = splitUnescaped(value, '|').map(textOf);
  if (more.length > 0)
    throw new Problem('value', 'A token is code, system|code, system| or |code; a "|" in it is written "\\|".');
  if (second === undefined) return { code: first };
  return { system: first, ...(second !== '' && { code: second }) };
}
