import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { Principal, Scope } from '../principal.ts';
import { everything, type Grant, type Narrowing, without } from './narrowing.ts';
import { allowedByRole, type Interaction } from './role-policy.ts';
import { scopeConditions } from './scope-conditions.ts';

export type { Interaction } from './role-policy.ts';

const letters: Record<Interaction, string> = { read: 'r', search: 's', create: 'c', update: 'u', delete: 'd' };

/**
 * What of a type's records the caller may touch: SMART scopes x role policy x compartment. A scope never widens
 * the role's policy, the policy never widens the scopes; each scope is narrowed by itself and the union counts. Restricted
 * records that are not for the person are taken off at the end, from all of it.
 *
 * `read` covers vread and instance history, `search` also type and system history, `update` also patch and
 * upsert (SMART App Launch 2.2, "Scopes for requesting FHIR Resources").
 *
 * @throws Problem `forbidden` when no scope covers type and interaction, or the role may not do it at all.
 */
export function narrow(principal: Principal, type: ResourceType, interaction: Interaction): Narrowing {
  const narrowing = tryNarrow(principal, type, interaction);
  if (!narrowing)
    throw new Problem(
      'forbidden',
      `The token does not allow to ${interaction} ${type}: it takes a token with a scope for that (people sign out and in again), and a role that has it.`,
    );
  return narrowing;
}

/** As `narrow`, undefined where that refuses: for types that a search only touches on its way (chains, includes). */
export function tryNarrow(principal: Principal, type: ResourceType, interaction: Interaction): Narrowing | undefined {
  if (principal.kind === 'system') return everything;
  const grants: Grant[] = [];
  for (const scope of principal.scopes) {
    if (!covers(scope, type, interaction)) continue;
    const narrowing = narrowedByScope(principal, scope, type, interaction);
    if (narrowing?.kind === 'all') return without(everything, principal.hidden);
    if (narrowing) grants.push(...narrowing.grants);
  }
  return grants.length === 0 ? undefined : without({ kind: 'some', grants }, principal.hidden);
}

/** Whether the caller may do it to all records of a type: role and scopes, not those of one patient or of a condition. */
export function mayAll(principal: Principal, type: ResourceType, interaction: Interaction): boolean {
  const narrowing = tryNarrow(principal, type, interaction);
  return (
    narrowing?.kind === 'all' ||
    (narrowing?.grants.some(({ patient, conditions }) => patient === undefined && !conditions?.length) ?? false)
  );
}

/**
 * Whether the token reaches all records of a type by some scope, whatever its role may write by itself: for acts that
 * have a rule of their own about roles.
 */
export function scopesReachAll(principal: Principal, type: ResourceType, interaction: Interaction): boolean {
  if (principal.kind === 'system') return true;
  return principal.scopes.some(
    (scope) =>
      covers(scope, type, interaction) && scope.query === undefined && compartmentOf(principal, scope) === undefined,
  );
}

/**
 * The Endpoints of a study are part of it (SMART Imaging Access: `_include=ImagingStudy:endpoint` under
 * `patient/ImagingStudy.rs` alone), so a scope on studies covers reading them.
 */
function covers(scope: Scope, type: ResourceType, interaction: Interaction): boolean {
  if (!scope.permissions.includes(letters[interaction])) return false;
  if (scope.type === '*' || scope.type === type) return true;
  return type === 'Endpoint' && scope.type === 'ImagingStudy' && (interaction === 'read' || interaction === 'search');
}

/** Fails closed: a `patient/` scope without a patient, a scope of another kind of caller, grants nothing. */
function narrowedByScope(
  principal: Principal,
  scope: Scope,
  type: ResourceType,
  interaction: Interaction,
): Narrowing | undefined {
  const patient = compartmentOf(principal, scope);
  if (patient === 'none') return undefined;
  const allowed = allowedByRole(principal.role, type, interaction, patient);
  if (!allowed || scope.query === undefined || scope.type !== type)
    return scope.query === undefined ? allowed : undefined;
  const conditions = scopeConditions(type, scope.query);
  if (!conditions) return undefined;
  const grants: readonly Grant[] = allowed.kind === 'all' ? [{}] : allowed.grants;
  return {
    kind: 'some',
    grants: grants.map((grant) => ({ ...grant, conditions: [...(grant.conditions ?? []), ...conditions] })),
  };
}

/** The patient that a scope is limited to, undefined for no limit, `none` when the scope grants nothing here. */
function compartmentOf(principal: Principal, scope: Scope): string | undefined | 'none' {
  const own =
    principal.role === 'patient' ? /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(principal.fhirUser ?? '')?.[1] : undefined;
  if (principal.role === 'patient' && own === undefined) return 'none';
  if (scope.context === 'system') return principal.kind === 'client' ? undefined : 'none';
  if (scope.context === 'user') return principal.kind === 'user' && principal.role !== undefined ? own : 'none';
  if (principal.patient === undefined || principal.patient === '') return 'none';
  return own !== undefined && own !== principal.patient ? 'none' : principal.patient;
}
