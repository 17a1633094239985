import type { ResourceType } from '@medplum/fhirtypes';
import type { Site } from '../../../core/search/index-extraction.ts';
import { searchParameter, searchParametersOf } from '../../../core/search/search-parameters.ts';
import type { IncludeInstruction, SearchQuery } from '../../../core/search/search-query.ts';
import type { Sql } from '../connection.ts';
import { visible, type NarrowingOf } from './narrowing.ts';
import { bindings, type Bindings } from './search-values.ts';
import { longestPage, place } from './page.ts';
import { recordColumns, type RecordRow } from './row.ts';

export type Row = RecordRow & { rid: number; available: number };

/** More included records than this are cut, and the page says so. */
const mostIncluded = 1000;
/** Rounds of `:iterate`; a chain of references in clinical data is not longer. */
const mostRounds = 6;

/**
 * `_include` and `_revinclude` (FHIR search.html#include): records that the matches refer to, or that refer to them.
 * `:iterate` goes on from what was included. The caller's narrowing of each type holds here as everywhere.
 */
export async function includeRecords(
  sql: Sql,
  query: SearchQuery,
  matches: Row[],
  narrowing: NarrowingOf,
  { baseUrl, timeZone }: Site,
): Promise<{ included: Row[]; truncated: boolean }> {
  const met = new Set(matches.map(({ rid }) => rid));
  const included: Row[] = [];
  let from = matches;
  for (let round = 0; round < mostRounds && from.length > 0; round++) {
    const applies = (instruction: IncludeInstruction) => round === 0 || instruction.iterate;
    const bound = bindings(timeZone);
    const links = [
      ...query.include.filter(applies).flatMap((one) => forward(one, from, bound)),
      ...query.revinclude.filter(applies).flatMap((one) => backward(one, from, bound)),
    ];
    if (links.length === 0) break;
    const known = query.include.every(namesTypes) && query.revinclude.every(({ parameter }) => parameter !== '*');
    const types = known
      ? [...new Set([...query.include.flatMap(targetsOf), ...query.revinclude.map(({ type }) => type)])]
      : undefined;
    const linked = { links, types, met: [...met], limit: mostIncluded - included.length + 1 };
    const rows = await fetch(sql, linked, narrowing, bound, baseUrl);
    from = rows.slice(0, mostIncluded - included.length);
    included.push(...from);
    for (const { rid } of from) met.add(rid);
    if ((rows[0]?.available ?? 0) > from.length) return { included, truncated: true };
  }
  return { included, truncated: false };
}

/** Types that an include can lead to; none where its parameter may refer to anything. */
function targetsOf({ type, parameter, target }: IncludeInstruction): ResourceType[] {
  return target ? [target] : ((searchParameter(type, parameter)?.target ?? []) as ResourceType[]);
}

const namesTypes = (instruction: IncludeInstruction) => targetsOf(instruction).length > 0;

/** A select of (type, id) or rid pairs that an instruction leads to from the given records. */
function forward(instruction: IncludeInstruction, from: Row[], bound: Bindings): string[] {
  const rids = from.filter(({ type }) => type === instruction.type).map(({ rid }) => rid);
  const parameters = referenceKeys(instruction);
  if (rids.length === 0 || parameters.length === 0) return [];
  const target = instruction.target ? ` and l.target_type = ${bound.add(instruction.target)}` : '';
  return [
    `select t.rid from search_reference l join record t on t.type = l.target_type and t.id = l.target_id
      where l.rid = any(${bound.add(rids)}::bigint[]) and l.param = any(${bound.add(parameters)}::text[])${target}`,
  ];
}

function backward(instruction: IncludeInstruction, from: Row[], bound: Bindings): string[] {
  const targets = instruction.target ? from.filter(({ type }) => type === instruction.target) : from;
  if (targets.length === 0) return [];
  // `_revinclude=*` names no source type: whatever refers to the matches.
  const anySource = instruction.parameter === '*';
  const parameters = anySource ? [] : referenceKeys(instruction);
  if (!anySource && parameters.length === 0) return [];
  const byParameter = anySource ? '' : ` and l.param = any(${bound.add(parameters)}::text[])`;
  return [
    `select l.rid from search_reference l
       join unnest(${bound.add(targets.map(({ type }) => type))}::text[], ${bound.add(targets.map(({ id }) => id))}::text[]) as m(type, id)
         on l.target_type = m.type and l.target_id = m.id
      where true${byParameter}`,
  ];
}

function referenceKeys({ type, parameter }: IncludeInstruction): string[] {
  if (parameter !== '*') {
    const found = searchParameter(type, parameter);
    return found?.type === 'reference' ? [found.key] : [];
  }
  return [...searchParametersOf(type).values()].filter((one) => one.type === 'reference').map((one) => one.key);
}

async function fetch(
  sql: Sql,
  {
    links,
    types: known,
    met,
    limit,
  }: { links: string[]; types: ResourceType[] | undefined; met: number[]; limit: number },
  narrowing: NarrowingOf,
  bound: Bindings,
  baseUrl: string,
): Promise<Row[]> {
  const found = `(select distinct rid from (${links.join(' union all ')}) linked) found`;
  const unmet = `found.rid <> all(${bound.add(met)}::bigint[])`;
  const types = known ?? (await typesAmong(sql, found, unmet, bound));
  const allowed = types
    .map((type) => ({ type, allowed: visible(type, narrowing(type), 'r', bound, baseUrl) }))
    .filter(({ allowed }) => allowed !== 'false')
    .map(({ type, allowed }) => `(r.type = ${bound.add(type)} and ${allowed})`);
  if (allowed.length === 0) return [];
  return sql.query<Row>(
    `select * from (
       select r.rid, ${recordColumns}, ${place('order by r.rid')} from (
         select r.rid, r.type, r.id, r.version from ${found} join record r on r.rid = found.rid
          where not r.deleted and ${unmet} and (${allowed.join(' or ')}) order by r.rid limit ${bound.add(limit)}) r
         join record_version v on v.rid = r.rid and v.version = r.version) placed
      where before is null or before < ${longestPage} order by place`,
    bound.values,
  );
}

/** Which types the links lead to, where the instructions do not tell: so that each is narrowed by its own rule. */
async function typesAmong(sql: Sql, found: string, unmet: string, { values }: Bindings): Promise<ResourceType[]> {
  const rows = await sql.query<{ type: ResourceType }>(
    `select distinct r.type from ${found} join record r on r.rid = found.rid where not r.deleted and ${unmet}`,
    values,
  );
  return rows.map(({ type }) => type);
}
