import { narrow, scopesReachAll } from '../../access/policy.ts';
import { Problem } from '../../problem.ts';
import type { Principal } from '../../principal.ts';

/**
 * Who may make two records of a person one, or two again: administrators, and services that may change every Patient.
 * Doctors may change a Patient and not merge: it decides for everybody whose records are whose.
 *
 * @throws Problem `forbidden`.
 */
export function requireMergeRight(principal: Principal): void {
  if (principal.kind === 'user' && principal.role !== 'admin')
    throw new Problem('forbidden', 'Only an administrator, or a service of the admission system, merges Patients.');
  if (narrow(principal, 'Patient', 'update').kind !== 'all')
    throw new Problem('forbidden', 'Merging takes a token that may change every Patient, not those of one or some.');
}

/**
 * Who may say that images are another patient's: a doctor who sees it, an administrator, a service that may change
 * every ImagingStudy. The act writes ImagingStudy, so the token must reach all of them, whatever its role writes by hand.
 *
 * @throws Problem `forbidden`.
 */
export function requireMoveRight(principal: Principal): void {
  if (principal.kind === 'user' && principal.role !== 'doctor' && principal.role !== 'admin')
    throw new Problem('forbidden', 'Only a doctor or an administrator gives images to another patient.');
  if (!scopesReachAll(principal, 'ImagingStudy', 'update') || !scopesReachAll(principal, 'Patient', 'read'))
    throw new Problem('forbidden', 'Giving images to another patient takes a token with ImagingStudy.u and Patient.r beyond one patient: people sign out and in again for one, services ask for these scopes.'); // prettier-ignore
}
