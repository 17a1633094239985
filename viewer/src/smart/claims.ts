/** What the tokens say about the person. Pages follow it; what is allowed, the server decides alone. */

export const roles = ['patient', 'doctor', 'pharmacist', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface Person {
  /** The account's id at the authorization server. */
  subject: string;
  name: string;
  role: Role;
  /** `Practitioner/id` or `Patient/id`. */
  fhirUser: string | undefined;
}

/**
 * @param identity claims of the id_token.
 * @param access claims of the access token, which states the roles.
 * @returns undefined when the claims name no role of this application: then every page stays closed.
 */
export function personFrom(
  identity: Record<string, unknown>,
  access: Record<string, unknown> = {},
): Person | undefined {
  const named = [identity.role, ...listOf(access.roles)];
  const role = roles.find((known) => named.includes(known));
  if (role === undefined || typeof identity.sub !== 'string') return undefined;
  const name = [identity.name, identity.email].find((text): text is string => typeof text === 'string' && text !== '');
  return {
    subject: identity.sub,
    name: name ?? role,
    role,
    fhirUser: fhirUserOf(identity.fhirUser ?? access.fhirUser),
  };
}

/** The claim is an absolute URL in the id_token (SMART App Launch, "id_token"); pages use `Type/id`. */
export function fhirUserOf(claim: unknown): string | undefined {
  if (typeof claim !== 'string') return undefined;
  return claim.match(
    /(?:^|\/)((?:Practitioner|Patient|Person|RelatedPerson|PractitionerRole)\/[A-Za-z0-9\-.]{1,64})$/,
  )?.[1];
}

/** The payload of a JWT, not verified: it came straight from the token endpoint over this origin. */
export function jwtClaims(token: string): Record<string, unknown> {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
