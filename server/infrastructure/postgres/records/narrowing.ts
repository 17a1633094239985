import type { ResourceType } from '@medplum/fhirtypes';
import type { Grant, Narrowing } from '../../../core/access/narrowing.ts';
import { conditionSql, type Scope } from './search-conditions.ts';
import type { Bindings } from './search-values.ts';

/** What of each type somebody may see; undefined for nothing. */
export type NarrowingOf = (type: ResourceType) => Narrowing | undefined;

/**
 * A narrowing as an SQL condition on `record` under the alias `row`: the one authorisation predicate. Whatever gives
 * out records, or lets a caller learn something from them, puts it next to its own conditions.
 *
 * @returns `true`, `false` or a condition in parentheses.
 */
export function visible(
  type: ResourceType,
  narrowing: Narrowing | undefined,
  row: string,
  bound: Bindings,
  baseUrl: string,
): string {
  if (!narrowing) return 'false';
  if (narrowing.kind === 'all') return 'true';
  const grants = narrowing.grants.map((grant) => grantSql(type, grant, row, bound, baseUrl));
  return grants.length === 0 ? 'false' : `(${grants.join(' or ')})`;
}

function grantSql(type: ResourceType, grant: Grant, row: string, bound: Bindings, baseUrl: string): string {
  const parts: string[] = [];
  if (grant.patient !== undefined) parts.push(`${row}.patients @> array[${bound.add(grant.patient)}]`);
  if (grant.released) parts.push(`not ${row}.withheld`);
  if (grant.hidden) parts.push(notHidden(type, grant.hidden, row, bound));
  if (grant.sharedBy) parts.push(sharedSql(type, grant.sharedBy, row, bound, baseUrl));
  // A grant's own conditions look at all records: they say what the server's rules mean, not what the caller may see.
  const scope: Scope = { bound, baseUrl, visible: () => 'true' };
  for (const condition of grant.conditions ?? []) parts.push(conditionSql(type, condition, row, scope));
  return parts.length === 0 ? 'true' : `(${parts.join(' and ')})`;
}

/** What lies in no compartment of what it is about (R4), and tells of it: by which reference. */
const about: Partial<Record<ResourceType, readonly string[]>> = {
  Provenance: ['Provenance.target'],
  VerificationResult: ['VerificationResult.target'],
  Device: ['Device.patient'],
  Contract: ['Contract.subject'],
  GuidanceResponse: ['GuidanceResponse.subject'],
};

/** Hidden with the patients in whose compartments it lies, or what it is about. */
function notHidden(type: ResourceType, hidden: readonly string[], row: string, bound: Bindings): string {
  const patients = bound.add(hidden);
  const own = `not ${row}.patients && ${patients}::text[]`;
  const references = about[type];
  if (!references) return own;
  const [link, target] = [bound.alias(), bound.alias()];
  return `(${own} and not exists (
    select from search_reference ${link} join record ${target} on ${target}.type = ${link}.target_type and ${target}.id = ${link}.target_id
     where ${link}.rid = ${row}.rid and ${link}.param = any(${bound.add(references)}::text[]) and ${target}.patients && ${patients}::text[]))`;
}

/** Some record of the patient, shown to the patient, refers to this one. */
function sharedSql(
  type: ResourceType,
  shared: NonNullable<Grant['sharedBy']>,
  row: string,
  bound: Bindings,
  baseUrl: string,
): string {
  const [link, owner] = [bound.alias(), bound.alias()];
  const withheld = Object.entries(shared.withheld) as [ResourceType, Narrowing][];
  const shown = withheld.map(
    ([held, narrowing]) =>
      `(${owner}.type = ${bound.add(held)} and ${visible(held, narrowing, owner, bound, baseUrl)})`,
  );
  shown.unshift(`${owner}.type <> all(${bound.add(withheld.map(([held]) => held))}::text[])`);
  return `exists (
    select from search_reference ${link} join record ${owner} on ${owner}.rid = ${link}.rid
     where ${link}.target_type = ${bound.add(type)} and ${link}.target_id = ${row}.id and not ${owner}.deleted and not ${owner}.withheld
       and ${owner}.patients @> array[${bound.add(shared.patient)}] and (${shown.join(' or ')}))`;
}
