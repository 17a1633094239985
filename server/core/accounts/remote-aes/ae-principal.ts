import type { Principal, Scope } from '../../principal.ts';

/** What another application entity may ask of us. */
export const aePermissions = ['echo', 'store', 'find', 'move', 'get'] as const;
export type AePermission = (typeof aePermissions)[number];

const letters: Record<AePermission, string> = { echo: '', store: 'cu', find: 's', move: 'r', get: 'r' };

/**
 * The caller behind an AE title: as a backend service whose scopes are what it may do, so that the one predicate of access
 * decides, whatever the protocol. Settings name it as `ae:` and its title.
 */
export function principalOfAe({ title, may }: { title: string; may: readonly AePermission[] }): Principal {
  const permissions = [...'cruds'].filter((letter) => may.some((one) => letters[one].includes(letter))).join('');
  const scopes: Scope[] = permissions === '' ? [] : [{ context: 'system', type: 'ImagingStudy', permissions }];
  return { kind: 'client', subject: `ae:${title}`, clientId: `ae:${title}`, scopes };
}
