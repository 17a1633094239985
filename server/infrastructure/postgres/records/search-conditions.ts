import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../../../core/problem.ts';
import { searchParameter, type SearchParameter } from '../../../core/search/search-parameters.ts';
import type { SearchCondition } from '../../../core/search/search-query.ts';
import { splitUnescaped } from '../../../core/search/search-values.ts';
import { intervalSql, tableOf, textOf, valueSql } from './search-types.ts';
import type { Bindings } from './search-values.ts';

export interface Scope {
  bound: Bindings;
  /** Own FHIR base, so that absolute references to it match. */
  baseUrl: string;
  /** What the caller may see of a type, as a condition on `record` under an alias: chains go through nothing else. */
  visible(type: ResourceType, row: string): string;
}

/**
 * One search parameter as an SQL condition on `record` under the alias `row`.
 *
 * @throws Problem `not-supported` for a parameter or modifier that the type does not have, `value` for a value that
 *   its type cannot have.
 */
export function conditionSql(type: ResourceType, condition: SearchCondition, row: string, scope: Scope): string {
  if (condition.has) return hasSql(type, condition, condition.has, row, scope);
  if (condition.parameter === '_id') return idSql(condition, row, scope);
  if (condition.parameter === '_lastUpdated') return updatedSql(condition, row, scope);
  const parameter = searchParameter(type, condition.parameter);
  if (!parameter) throw new Problem('not-supported', `${type} has no search parameter of that name.`);
  if (condition.chain) return chainSql(parameter, condition, condition.chain, row, scope);
  if (condition.modifier === 'missing') return missingSql(parameter, condition, row, scope);
  if (parameter.type === 'composite') return any(condition, (value) => compositeSql(parameter, value, row, scope));
  return plainSql(parameter, parameter.type, condition, row, scope);
}

function plainSql(
  parameter: SearchParameter,
  type: SearchParameter['type'],
  condition: SearchCondition,
  row: string,
  { bound, baseUrl }: Scope,
): string {
  const { modifier } = condition;
  // Texts, identifiers of references and typed identifiers are index rows of their own, see index-extraction.ts.
  const apart = modifier === 'text' || modifier === 'identifier' || modifier === 'of-type' ? modifier : undefined;
  const read = modifier === 'text' ? 'string' : modifier === 'identifier' ? 'token' : type;
  const form = modifier === 'text' ? 'contains' : apart ? (modifier === 'of-type' ? 'of-type' : undefined) : modifier;
  const found = bound.alias();
  const key = bound.add(apart ? `${parameter.key}:${apart}` : parameter.key);
  const values =
    condition.values.length === 0 && type === 'reference' && modifier !== undefined && !apart
      ? `${found}.target_type = ${bound.add(modifier)}`
      : any(condition, (value) =>
          valueSql(read, found, value, {
            modifier: form === 'not' ? undefined : form,
            target: parameter.target,
            calendar: parameter.calendar,
            bound,
            baseUrl,
          }),
        );
  const exists = `exists (select from ${tableOf(read)} ${found} where ${found}.rid = ${row}.rid and ${found}.param = ${key} and ${values})`;
  return modifier === 'not' ? `not ${exists}` : exists;
}

/** Values are ORed. */
function any({ values }: SearchCondition, sql: (value: string) => string): string {
  return values.length === 0 ? 'false' : `(${values.map(sql).join(' or ')})`;
}

function idSql(condition: SearchCondition, row: string, { bound }: Scope): string {
  if (condition.modifier === 'missing') return condition.values[0] === 'true' ? 'false' : 'true';
  const equal = `${row}.id = any(${bound.add(condition.values.map(textOf))}::text[])`;
  return condition.modifier === 'not' ? `not ${equal}` : equal;
}

/** `record.updated` counts milliseconds, so it covers one. */
function updatedSql(condition: SearchCondition, row: string, { bound }: Scope): string {
  if (condition.modifier === 'missing') return condition.values[0] === 'true' ? 'false' : 'true';
  const [low, high] = [`${row}.updated`, `(${row}.updated + interval '1 millisecond')`];
  return any(condition, (value) => intervalSql(value, low, high, bound));
}

/** Missing is the element, not the index row: a reference with nothing but an identifier is there. */
function missingSql(parameter: SearchParameter, condition: SearchCondition, row: string, { bound }: Scope): string {
  const present = (table: string, key: string) => {
    const found = bound.alias();
    return `exists (select from ${table} ${found} where ${found}.rid = ${row}.rid and ${found}.param = ${bound.add(key)})`;
  };
  const { type, key } = parameter;
  const anywhere =
    type === 'composite'
      ? parameter.parts.map((part) => present(tableOf(part.type), part.key)).join(' and ')
      : [
          present(tableOf(type), key),
          ...(type === 'token' || type === 'reference' ? [present('search_string', `${key}:text`)] : []),
          ...(type === 'reference' ? [present('search_token', `${key}:identifier`)] : []),
        ].join(' or ');
  return condition.values[0] === 'true' ? `not (${anywhere})` : `(${anywhere})`;
}

/** `code$value`: rows of one element (same `part`) for each component. */
function compositeSql(parameter: SearchParameter, value: string, row: string, { bound, baseUrl }: Scope): string {
  const values = splitUnescaped(value, '$');
  if (values.length !== parameter.parts.length) {
    throw new Problem('value', `${parameter.code} has ${parameter.parts.length} components, separated by "$".`);
  }
  const aliases = parameter.parts.map(() => bound.alias());
  const tables = parameter.parts.map((part, n) => {
    const [name, first] = [`${tableOf(part.type)} ${aliases[n]}`, aliases[0]];
    return n === 0 ? name : `join ${name} on ${aliases[n]}.rid = ${first}.rid and ${aliases[n]}.part = ${first}.part`;
  });
  const matches = parameter.parts.map((part, n) => {
    const matched = valueSql(part.type, aliases[n]!, values[n]!, {
      modifier: undefined,
      target: undefined,
      calendar: false,
      bound,
      baseUrl,
    });
    return `${aliases[n]}.param = ${bound.add(part.key)} and ${matched}`;
  });
  return `exists (select from ${tables.join(' ')} where ${aliases[0]}.rid = ${row}.rid and ${matches.join(' and ')})`;
}

/** `patient.name=x`: only through records that the caller may see, or a chain would answer what a read refuses. */
function chainSql(
  parameter: SearchParameter,
  { modifier }: SearchCondition,
  chain: NonNullable<SearchCondition['chain']>,
  row: string,
  scope: Scope,
): string {
  const { bound } = scope;
  if (parameter.type !== 'reference')
    throw new Problem('not-supported', `${parameter.code} is no reference and cannot be chained.`);
  const [link, target] = [bound.alias(), bound.alias()];
  const types = chain.type
    ? [chain.type]
    : modifier
      ? [modifier as ResourceType]
      : (parameter.target as ResourceType[] | undefined);
  if (!types)
    throw new Problem(
      'not-supported',
      `${parameter.code} may refer to anything: name the type (${parameter.code}:Patient.…).`,
    );
  const alternatives = types
    .filter((type) => understands(type, chain.condition))
    .map((type) => {
      const conditions = [`${link}.target_type = ${bound.add(type)}`, scope.visible(type, target)];
      return `(${[...conditions, conditionSql(type, chain.condition, target, scope)].join(' and ')})`;
    });
  if (alternatives.length === 0)
    throw new Problem('not-supported', `No type that ${parameter.code} refers to has the chained parameter.`);
  return `exists (
    select from search_reference ${link}
      join record ${target} on ${target}.type = ${link}.target_type and ${target}.id = ${link}.target_id and not ${target}.deleted
     where ${link}.rid = ${row}.rid and ${link}.param = ${bound.add(parameter.key)} and (${alternatives.join(' or ')}))`;
}

function understands(type: ResourceType, { parameter, has }: SearchCondition): boolean {
  return (
    has !== undefined ||
    parameter === '_id' ||
    parameter === '_lastUpdated' ||
    searchParameter(type, parameter) !== undefined
  );
}

function hasSql(
  type: ResourceType,
  { modifier }: SearchCondition,
  has: NonNullable<SearchCondition['has']>,
  row: string,
  scope: Scope,
): string {
  const { bound } = scope;
  const parameter = searchParameter(has.type, has.reference);
  if (parameter?.type !== 'reference')
    throw new Problem('not-supported', `${has.type} has no reference parameter of that name.`);
  const [link, source] = [bound.alias(), bound.alias()];
  const exists = `exists (
    select from search_reference ${link} join record ${source} on ${source}.rid = ${link}.rid and not ${source}.deleted
     where ${link}.param = ${bound.add(parameter.key)} and ${link}.target_type = ${bound.add(type)} and ${link}.target_id = ${row}.id
       and ${scope.visible(has.type, source)} and ${conditionSql(has.type, has.condition, source, scope)})`;
  return modifier === 'not' ? `not ${exists}` : exists;
}
