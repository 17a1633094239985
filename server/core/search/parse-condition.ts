/** One parameter of a search: modifiers, chains and reverse chains (FHIR search.html#chaining, #has). */
import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { resourceTypes } from '../r4/structure.ts';
import { searchLimits } from './search-limits.ts';
import { searchParameter, type SearchParameter } from './search-parameters.ts';
import type { SearchCondition } from './search-query.ts';
import { modifiers, recordParameters, splitUnescaped } from './search-values.ts';
import { own } from '../table.ts';

/**
 * @param name as written before `=`: `name:exact`, `subject:Patient.name`, `_has:Observation:patient:code`
 * @returns undefined if the type has no such parameter: the caller decides whether that is an error.
 * @throws Problem `not-supported` for a modifier that is unknown or does not fit (always an error),
 *   `value` for a value that cannot be right, `too-costly` past the limits.
 */
export function parseCondition(
  type: ResourceType,
  name: string,
  value: string,
  depth = 0,
): SearchCondition | undefined {
  if (depth > searchLimits.depth)
    throw new Problem('too-costly', `A chain may have ${searchLimits.depth} steps at most`);
  if (name.startsWith('_has:')) return parseHas(type, name, value, depth);
  const dot = name.indexOf('.');
  const [code = '', modifier, ...more] = (dot < 0 ? name : name.slice(0, dot)).split(':');
  const kind = own(recordParameters, code) ?? searchParameter(type, code)?.type;
  if (!kind) return undefined;
  if (more.length > 0) throw unknownModifier(code);
  if (dot >= 0) return parseChain(searchParameter(type, code), code, modifier, name.slice(dot + 1), value, depth);
  if (modifier !== undefined && !modifiers[kind].includes(modifier)) {
    const namesType = kind === 'reference' && resourceTypes.has(modifier);
    if (!namesType) throw unknownModifier(code);
    const targets = searchParameter(type, code)?.target;
    if (targets && !targets.includes(modifier)) {
      throw new Problem('not-supported', `The parameter ${code} does not refer to ${modifier}`);
    }
  }
  const values = splitUnescaped(value, ',').filter((one) => one !== '');
  if (values.length > searchLimits.values)
    throw new Problem('too-costly', `${code} may have ${searchLimits.values} values at most`);
  if (modifier === 'missing' && (values.length !== 1 || !/^(true|false)$/.test(values[0]!))) {
    throw new Problem('value', `${code}:missing is true or false`);
  }
  return { parameter: code, values, ...(modifier !== undefined && { modifier }) };
}

const unknownModifier = (code: string): Problem =>
  new Problem('not-supported', `The parameter ${code} has no such modifier`);

function parseChain(
  parameter: SearchParameter | undefined,
  code: string,
  modifier: string | undefined,
  rest: string,
  value: string,
  depth: number,
): SearchCondition | undefined {
  if (parameter?.type !== 'reference')
    throw new Problem('not-supported', `The parameter ${code} is no reference and cannot be chained`);
  if (modifier !== undefined && !resourceTypes.has(modifier)) throw unknownModifier(code);
  if (modifier !== undefined && parameter.target && !parameter.target.includes(modifier)) {
    throw new Problem('not-supported', `The parameter ${code} does not refer to ${modifier}`);
  }
  const targets = modifier ? [modifier] : (parameter.target ?? [...resourceTypes]);
  for (const target of targets) {
    const condition = parseChained(target as ResourceType, rest, value, depth, targets.length > 1);
    if (!condition) continue;
    const single = targets.length === 1 ? (targets[0] as ResourceType) : undefined;
    return { parameter: code, values: [], chain: { ...(single && { type: single }), condition } };
  }
  return undefined;
}

/** Of several target types only some may know the modifier; one that does makes the chain valid. */
function parseChained(
  type: ResourceType,
  rest: string,
  value: string,
  depth: number,
  lenient: boolean,
): SearchCondition | undefined {
  try {
    return parseCondition(type, rest, value, depth + 1);
  } catch (error) {
    if (lenient && error instanceof Problem && error.code === 'not-supported') return undefined;
    throw error;
  }
}

function parseHas(type: ResourceType, name: string, value: string, depth: number): SearchCondition | undefined {
  const [, from = '', reference = '', ...rest] = name.split(':');
  if (!resourceTypes.has(from) || rest.length === 0) {
    throw new Problem('value', '_has is written _has:Type:reference:parameter');
  }
  const parameter = searchParameter(from as ResourceType, reference);
  if (!parameter) return undefined;
  if (parameter.type !== 'reference' || (parameter.target && !parameter.target.includes(type))) {
    throw new Problem('value', `${from} does not refer to ${type} by ${reference}`);
  }
  const condition = parseCondition(from as ResourceType, rest.join(':'), value, depth + 1);
  return condition && { parameter: '_has', values: [], has: { type: from as ResourceType, reference, condition } };
}
