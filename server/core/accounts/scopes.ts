import type { Role, Scope } from '../principal.ts';
import { resourceTypes } from '../r4/structure.ts';
import { own } from '../table.ts';

/** Scopes about the sign-in itself and its launch context; everything else names resources. */
const plainScopes = new Set([
  'openid',
  'profile',
  'fhirUser',
  'offline_access',
  'online_access',
  'launch',
  'launch/patient',
  'launch/imagingstudy',
]);

const version1: Record<string, string> = { read: 'rs', write: 'cud', '*': 'cruds' };
const shape = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{1,63})\.(read|write|\*|c?r?u?d?s?)(?:\?(.+))?$/;
/** `category=x&status=y`: plain search parameters only. Chains, `_has`, `_filter` and modifiers are experimental in SMART: refused. */
const granular = /^[a-z][a-z-]{0,63}=[^&=\s]+(?:&[a-z][a-z-]{0,63}=[^&=\s]+)*$/;
const commonParameters = /(^|&)_(id|tag|security|profile)=/g;

/**
 * Reads one resource scope of SMART App Launch 2.2, v1 (`.read`) or v2 (`.rs`, letters in the order c r u d s).
 *
 * @returns undefined for everything that the grammar does not know and for types that R4 does not have, so that unknown scopes are dropped, never guessed.
 */
export function parseScope(text: string): Scope | undefined {
  if (text.length > 500) return undefined;
  const found = shape.exec(text);
  if (!found) return undefined;
  const [, context, type, letters, query] = found as unknown as [string, Scope['context'], string, string, string?];
  if (type !== '*' && !resourceTypes.has(type)) return undefined;
  const permissions = own(version1, letters) ?? letters;
  if (permissions === '') return undefined;
  if (query === undefined) return { context, type, permissions };
  if (!granular.test(query.replace(commonParameters, '$1$2='))) return undefined;
  return { context, type, permissions, query };
}

/** The resource scopes in a space-separated list, parsed; the others are left out. */
export function parseScopes(list: string | undefined): Scope[] {
  return splitScopes(list).flatMap((text) => parseScope(text) ?? []);
}

/** Words of a scope list, each once. */
export function splitScopes(list: string | undefined): string[] {
  return [...new Set((list ?? '').split(' ').filter((word) => word !== ''))];
}

/** Whether this server knows what the word means. */
export function isKnownScope(text: string): boolean {
  return plainScopes.has(text) || parseScope(text) !== undefined;
}

/** Whether `wide` allows all that `narrow` asks: how pre-authorised scopes limit a backend service. */
export function covers(wide: Scope, narrow: Scope): boolean {
  return (
    wide.context === narrow.context &&
    (wide.type === '*' || wide.type === narrow.type) &&
    [...narrow.permissions].every((letter) => wide.permissions.includes(letter)) &&
    (wide.query === undefined || (narrow.query !== undefined && isNarrower(narrow.query, wide.query)))
  );
}

/** Whether every condition of the wide one is kept by one of the narrow: the same parameter with the same values or some of them. */
function isNarrower(narrow: string, wide: string): boolean {
  const asked = conditionsOf(narrow);
  return conditionsOf(wide).every(({ name, values }) =>
    asked.some((one) => one.name === name && one.values.every((value) => values.includes(value))),
  );
}

/** An escaped comma stands for itself: such a list is one value, and compared as such. */
function conditionsOf(query: string): { name: string; values: string[] }[] {
  return query.split('&').map((part) => {
    const at = part.indexOf('=');
    const value = part.slice(at + 1);
    return { name: part.slice(0, at), values: value.includes('\\') ? [value] : value.split(',') };
  });
}

/**
 * Whether scopes together allow all that this one asks (SMART 2.2: a token has the union of its scopes): each of its letters
 * by one of them. Words that name no resource only themselves.
 */
export function coveredBy(scopes: readonly string[], text: string): boolean {
  if (scopes.includes(text)) return true;
  const asked = parseScope(text);
  if (!asked) return false;
  const wide = parseScopes(scopes.join(' '));
  return [...asked.permissions].every((permissions) => wide.some((one) => covers(one, { ...asked, permissions })));
}

/**
 * Whether a person of this role may ever use the scope. A patient reads what concerns the patient and sends
 * images (`c`); staff act as users, or for one patient whom they chose. `system/` is never a person's. What
 * remains is still narrowed by the access policy: a scope never widens it.
 */
export function roleMayUse(role: Role, scope: Scope): boolean {
  if (scope.context === 'system') return false;
  if (role === 'patient') return scope.context === 'patient' && /[crs]/.test(scope.permissions);
  return true;
}
