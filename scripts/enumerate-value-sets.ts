/** Enumerates the codes of a value set, where its definition allows that without a terminology service. */
import type { ValueSetRow } from '../server/core/r4/structure.ts';

interface Concept {
  code: string;
  concept?: Concept[];
}
interface Include {
  system?: string;
  concept?: Concept[];
  filter?: { property: string; op: string; value: string }[];
  valueSet?: string[];
}
interface Definition {
  resourceType: string;
  url: string;
  content?: string;
  concept?: Concept[];
  compose?: { include: Include[]; exclude?: Include[] };
}
export interface Terminology {
  valueSets: Definition[];
}

/** @returns codes by system, or null when the set is open, filtered or not defined here: then nothing can be checked. */
export function enumerateRequired(url: string, terminology: Terminology): ValueSetRow | null {
  const valueSet = terminology.valueSets.find((one) => one.resourceType === 'ValueSet' && one.url === url);
  if (!valueSet?.compose) return null;
  const row: ValueSetRow = {};
  for (const include of valueSet.compose.include) {
    const part = enumerateInclude(include, terminology);
    if (!part) return null;
    for (const [system, codes] of Object.entries(part)) row[system] = [...new Set([...(row[system] ?? []), ...codes])];
  }
  for (const exclude of valueSet.compose.exclude ?? []) {
    const part = enumerateInclude(exclude, terminology);
    if (!part) return null;
    for (const [system, codes] of Object.entries(part))
      row[system] = (row[system] ?? []).filter((code) => !codes.includes(code));
  }
  return row;
}

function enumerateInclude(include: Include, terminology: Terminology): ValueSetRow | null {
  const codeSystem = terminology.valueSets.find(
    (one) => one.resourceType === 'CodeSystem' && one.url === include.system,
  );
  if (include.concept)
    return include.system ? { [include.system]: include.concept.map((concept) => concept.code) } : null;
  if (include.filter) return include.system ? filtered(include.system, include.filter, codeSystem) : null;
  if (include.valueSet && !include.system) {
    const rows = include.valueSet.map((url) => enumerateRequired(url.split('|')[0]!, terminology));
    return rows.length === 1 ? rows[0]! : null;
  }
  if (include.valueSet || codeSystem?.content !== 'complete') return null;
  return { [include.system!]: flatten(codeSystem.concept ?? []) };
}

function filtered(
  system: string,
  filters: Include['filter'] & {},
  codeSystem: Definition | undefined,
): ValueSetRow | null {
  const [filter] = filters;
  if (filters.length !== 1 || codeSystem?.content !== 'complete' || filter!.property !== 'concept') return null;
  if (filter!.op !== 'is-a' && filter!.op !== 'descendent-of') return null;
  const root = find(codeSystem.concept ?? [], filter!.value);
  if (!root) return null;
  return { [system]: flatten(filter!.op === 'is-a' ? [root] : (root.concept ?? [])) };
}

function find(concepts: Concept[], code: string): Concept | undefined {
  for (const concept of concepts) {
    const hit = concept.code === code ? concept : find(concept.concept ?? [], code);
    if (hit) return hit;
  }
  return undefined;
}

const flatten = (concepts: Concept[]): string[] => concepts.flatMap((one) => [one.code, ...flatten(one.concept ?? [])]);
