/** $validate (FHIR resource-operation-validate.html): says what a write would say, and stores nothing. */
import type { OperationOutcome, OperationOutcomeIssue, ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../core/problem.ts';
import { profileOf } from '../core/validation/profiles.ts';
import type { Answer, ReadExchange } from './exchange.ts';
import { information, outcomeOf, warning } from './outcome.ts';

type Node = Record<string, unknown>;
const modes = new Set(['create', 'update', 'delete', 'profile']);

/**
 * The profile that is asked for is checked, and those that the resource says to fit (`meta.profile`).
 *
 * @param body the resource itself, or Parameters with `resource`, `mode` and `profile`
 */
export async function validateOperation(
  { world }: Pick<ReadExchange, 'world'>,
  type: ResourceType | undefined,
  id: string | undefined,
  body: Node,
  parameters: readonly (readonly [string, string])[],
): Promise<Answer> {
  const given = type !== 'Parameters' && body['resourceType'] === 'Parameters' ? partsOf(body) : { resource: body };
  const mode = given.mode ?? parameters.find(([name]) => name === 'mode')?.[1];
  const profile = given.profile ?? parameters.find(([name]) => name === 'profile')?.[1];
  if (mode !== undefined && !modes.has(mode)) throw new Problem('value', 'mode is create, update, delete or profile');
  if (mode === 'delete')
    return answered([information('The server does not refuse to delete this before it is asked to.')]);
  if (given.resource === undefined)
    throw new Problem('required', 'There is no resource to validate', { expression: 'Parameters.parameter' });
  const claimed = claimedBy(given.resource);
  const faults = await world.checker.issues(given.resource, [...claimed, ...(profile === undefined ? [] : [profile])]);
  const issues: OperationOutcomeIssue[] = faults.map(({ code, message, expression }) => ({
    severity: 'error',
    code,
    diagnostics: `${expression}: ${message}`,
    expression: [expression],
  }));
  issues.push(...identityIssues(type, id, given.resource, mode));
  // Who asks for a profile must not take "valid" for an answer about it.
  if (profile !== undefined && !isKnown(profile, given.resource))
    issues.push({ ...warning(unknownProfile), severity: 'error' });
  else if (!claimed.every((one) => isKnown(one, given.resource!))) issues.push(warning(unknownProfile));
  return answered(issues.length > 0 ? issues : [information('The resource is valid')]);
}

const unknownProfile =
  'A profile is named that this server does not know, or not of this type: the resource was not checked against it. ' +
  'The CapabilityStatement lists the profiles that are known (rest.resource.supportedProfile)';

function claimedBy(resource: Node): string[] {
  const meta = resource['meta'] as Node | null | undefined;
  const profiles: unknown = meta?.['profile'];
  return Array.isArray(profiles) ? profiles.filter((one) => typeof one === 'string') : [];
}

/** One of ours, or R4's own definition of the type, which everything is checked against. */
function isKnown(profile: string, { resourceType }: Node): boolean {
  const [, type] = /^http:\/\/hl7\.org\/fhir\/StructureDefinition\/(\w+)(?:\|4\.0\.1)?$/.exec(profile) ?? [];
  return profileOf(profile) !== undefined || (type !== undefined && type === resourceType);
}

function identityIssues(
  type: ResourceType | undefined,
  id: string | undefined,
  resource: Node,
  mode: string | undefined,
): OperationOutcomeIssue[] {
  const issue = (diagnostics: string, expression: string): OperationOutcomeIssue => ({
    severity: 'error',
    code: 'value',
    diagnostics,
    expression: [expression],
  });
  if (type !== undefined && resource['resourceType'] !== type)
    return [issue(`The resource must be a ${type}, as in the address`, 'resourceType')];
  if (id !== undefined && resource['id'] !== id) return [issue('The id must be that of the address', `${type}.id`)];
  return mode === 'update' && resource['id'] === undefined
    ? [issue('An update needs an id', `${type ?? 'Resource'}.id`)]
    : [];
}

function partsOf(body: Node): { resource?: Node; mode?: string; profile?: string } {
  const parameters = Array.isArray(body['parameter']) ? (body['parameter'] as (Node | null)[]) : [];
  const named = (name: string): Node | undefined => parameters.find((one) => one?.['name'] === name) ?? undefined;
  const resource = named('resource')?.['resource'];
  const mode = named('mode')?.['valueCode'];
  const profile = named('profile')?.['valueUri'] ?? named('profile')?.['valueCanonical'];
  return {
    ...(typeof resource === 'object' && resource !== null && { resource: resource as Node }),
    ...(typeof mode === 'string' && { mode }),
    ...(typeof profile === 'string' && { profile }),
  };
}

const answered = (issue: OperationOutcomeIssue[]): Answer => ({
  status: 200,
  resource: outcomeOf(issue) satisfies OperationOutcome,
});
