/**
 * A query string as a SearchQuery (FHIR search.html). What the server does not understand is never
 * dropped in silence: lenient handling names it in `warnings` and leaves it out of `applied`, which
 * makes the self link; strict handling refuses it.
 */
import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { parseCondition } from './parse-condition.ts';
import { resourceTypes } from '../r4/structure.ts';
import { mustBeAffordable, searchLimits } from './search-limits.ts';
import { searchParameter } from './search-parameters.ts';
import type { IncludeInstruction, SearchCondition, SearchQuery } from './search-query.ts';
import { recordParameters, splitUnescaped } from './search-values.ts';
import { own } from '../table.ts';

export type Parameters = readonly (readonly [name: string, value: string])[];
export type Summary = 'true' | 'text' | 'data' | 'count' | 'false';

export interface ParsedSearch {
  query: SearchQuery;
  /** The parameters that took effect, for the self link. */
  applied: [name: string, value: string][];
  /** Sentences for an OperationOutcome: what was left out. */
  warnings: string[];
  summary: Summary;
  /** Element names of `_elements`. */
  elements: string[] | undefined;
  /** `_count=0` or `_summary=count`: only the total is wanted. */
  countOnly: boolean;
}

export interface ParseOptions {
  /** `Prefer: handling=strict`: refuse what is unknown. Conditional interactions are always strict. */
  strict?: boolean;
  /** Entries of a page when the client names no `_count`. */
  defaultCount?: number;
  /** More are never given in one page; a larger `_count` means this. */
  maxCount?: number;
}

/** Parameters of the response's form, which negotiation reads. */
const ofTheForm = new Set(['_format', '_pretty']);
const once = new Set(['_count', '_sort', '_total', '_summary', '_elements']);

/**
 * @throws Problem `not-supported` (unknown modifier; with `strict` also unknown parameter), `value`, `too-costly`.
 */
export function parseSearch(type: ResourceType, parameters: Parameters, options: ParseOptions = {}): ParsedSearch {
  if (parameters.length > searchLimits.parameters)
    throw new Problem('too-costly', `A search may have ${searchLimits.parameters} parameters at most`);
  const { defaultCount = 50, maxCount = 1000 } = options;
  const parsed: ParsedSearch = {
    query: { type, conditions: [], include: [], revinclude: [], sort: [], count: defaultCount, total: 'none' },
    applied: [],
    warnings: [],
    summary: 'false',
    elements: undefined,
    countOnly: false,
  };
  const met = new Set<string>();
  for (const [name, value] of parameters) {
    if (ofTheForm.has(name)) continue;
    if (once.has(name) && met.has(name)) throw new Problem('value', `${name} may be given once`);
    met.add(name);
    const fault = value === '' ? 'has no value' : take(parsed, name, value);
    if (fault === undefined) parsed.applied.push([name, value]);
    else if (options.strict) throw new Problem('not-supported', `${shown(name)} ${fault}`);
    else parsed.warnings.push(`${shown(name)} ${fault}; it was ignored`);
  }
  mustBeAffordable(parsed.query);
  parsed.query.count = Math.min(parsed.query.count, maxCount);
  if (parsed.summary === 'count' || parsed.query.count === 0) {
    parsed.countOnly = true;
    parsed.query = { ...parsed.query, count: 0, total: 'accurate', include: [], revinclude: [], sort: [] };
  }
  return parsed;
}

/**
 * The conditions of a conditional interaction or a granular scope: nothing unknown, at least one.
 * @throws Problem `not-supported`, `value`.
 */
export function parseCriteria(type: ResourceType, parameters: Parameters): SearchCondition[] {
  const parsed = parseSearch(type, parameters, { strict: true });
  if (parsed.query.conditions.length === 0) throw new Problem('value', 'The criteria name no search parameter');
  return parsed.query.conditions;
}

/** Takes one parameter in. @returns why it cannot, or undefined. */
function take(parsed: ParsedSearch, name: string, value: string): string | undefined {
  const { query } = parsed;
  const [plain] = name.split(':');
  if (plain === '_include' || plain === '_revinclude') return takeInclude(query, name, value);
  const control = own(controls, name);
  if (control) return control(parsed, value);
  const condition = parseCondition(query.type, name, value);
  if (!condition) return 'is no search parameter of this type';
  if (condition.values.length === 0 && !condition.chain && !condition.has) return 'has no value';
  query.conditions.push(condition);
  return undefined;
}

const controls: Record<string, (parsed: ParsedSearch, value: string) => string | undefined> = {
  _count: (parsed, value) => {
    if (!/^\d{1,9}$/.test(value)) throw new Problem('value', '_count must be a whole number, zero or more');
    parsed.query.count = Number(value);
    return undefined;
  },
  _total: (parsed, value) => {
    if (value !== 'none' && value !== 'estimate' && value !== 'accurate')
      throw new Problem('value', '_total is none, estimate or accurate');
    parsed.query.total = value;
    return undefined;
  },
  _summary: (parsed, value) => {
    if (!/^(true|text|data|count|false)$/.test(value))
      throw new Problem('value', '_summary is true, text, data, count or false');
    parsed.summary = value as Summary;
    return undefined;
  },
  _elements: (parsed, value) => {
    const names = value.split(',').map((name) => name.trim().replace(/^[A-Z]\w*\./, ''));
    if (!names.every((name) => /^[a-z]\w*$/i.test(name)))
      throw new Problem('value', '_elements is a list of element names');
    parsed.elements = names;
    return undefined;
  },
  _sort: (parsed, value) => {
    const sort: SearchQuery['sort'] = [];
    for (const key of value.split(',')) {
      const descending = key.startsWith('-');
      const parameter = descending ? key.slice(1) : key;
      const kind = own(recordParameters, parameter) ?? searchParameter(parsed.query.type, parameter)?.type;
      if (!kind || kind === 'composite') return 'names a parameter that cannot be sorted by';
      sort.push({ parameter, descending });
    }
    parsed.query.sort = sort;
    return undefined;
  },
};

function takeInclude(query: SearchQuery, name: string, value: string): string | undefined {
  const [kind, modifier, ...more] = name.split(':');
  if (more.length > 0 || (modifier !== undefined && modifier !== 'iterate')) {
    throw new Problem('not-supported', `${kind} has no such modifier`);
  }
  const iterate = modifier === 'iterate';
  const reverse = kind === '_revinclude';
  for (const written of splitUnescaped(value, ',')) {
    const instruction = includeInstruction(query.type, written, iterate);
    if (typeof instruction === 'string') return instruction;
    if (reverse && instruction.parameter !== '*' && !iterate) {
      const target = searchParameter(instruction.type, instruction.parameter)?.target;
      if (target && !target.includes(query.type)) return 'names a reference that does not point at this type';
    }
    (reverse ? query.revinclude : query.include).push(instruction);
  }
  return undefined;
}

function includeInstruction(searched: ResourceType, written: string, iterate: boolean): IncludeInstruction | string {
  if (written === '*') return { type: searched, parameter: '*', iterate };
  const [type = '', parameter = '', target, ...more] = written.split(':');
  if (more.length > 0 || !resourceTypes.has(type)) return 'does not name a resource type and a reference parameter';
  if (parameter !== '*' && searchParameter(type as ResourceType, parameter)?.type !== 'reference') {
    return 'does not name a reference parameter';
  }
  if (target !== undefined && !resourceTypes.has(target)) return 'names a target that is no resource type';
  return {
    type: type as ResourceType,
    parameter,
    iterate,
    ...(target !== undefined && { target: target as ResourceType }),
  };
}

/** Parameter names come from the caller and go into messages and logs: only what looks like one is repeated. */
const shown = (name: string): string => (/^[\w:.-]{1,80}$/.test(name) ? name : 'A parameter');
