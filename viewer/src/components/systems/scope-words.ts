/** The permissions that are offered in plain words, each with its text in SMART App Launch 2.2. Any other text can be typed. */
import type { ClientKind } from '../../api/clients.ts';

export interface Permission {
  /** Key under `clients.permission`. */
  key: string;
  /** One or more words of the scope. */
  scope: string;
}

export interface PermissionGroup {
  /** Key under `clients.permissionGroup`. */
  key: string;
  permissions: Permission[];
}

const signIn: PermissionGroup = {
  key: 'signIn',
  permissions: [
    { key: 'who', scope: 'openid fhirUser' },
    { key: 'launch', scope: 'launch' },
    { key: 'launchStudy', scope: 'launch/imagingstudy' },
    { key: 'launchPatient', scope: 'launch/patient' },
    { key: 'offline', scope: 'offline_access' },
  ],
};

const onePatient: PermissionGroup = {
  key: 'onePatient',
  permissions: [
    { key: 'everything', scope: 'patient/*.rs' },
    { key: 'patient', scope: 'patient/Patient.rs' },
    { key: 'images', scope: 'patient/ImagingStudy.rs' },
    { key: 'reports', scope: 'patient/DiagnosticReport.rs' },
    { key: 'observations', scope: 'patient/Observation.rs' },
    { key: 'medication', scope: 'patient/MedicationRequest.rs' },
  ],
};

const everybody: PermissionGroup = {
  key: 'everybody',
  permissions: [
    { key: 'everything', scope: 'user/*.rs' },
    { key: 'change', scope: 'user/*.cruds' },
  ],
};

const service: PermissionGroup = {
  key: 'service',
  permissions: [
    { key: 'sendImages', scope: 'system/ImagingStudy.c' },
    { key: 'readImages', scope: 'system/ImagingStudy.rs' },
    { key: 'patients', scope: 'system/Patient.rs' },
    { key: 'writePatients', scope: 'system/Patient.cu' },
    { key: 'orders', scope: 'system/ServiceRequest.crus' },
    { key: 'reports', scope: 'system/DiagnosticReport.rs' },
    { key: 'everything', scope: 'system/*.rs' },
    { key: 'change', scope: 'system/*.cruds' },
  ],
};

export function permissionsFor(kind: ClientKind): PermissionGroup[] {
  return kind === 'backend' || kind === 'sender' ? [service] : [signIn, onePatient, everybody];
}

/** Where a new registration begins: what its kind does most, and no more. */
export const usualScope: Record<ClientKind, string> = {
  'public-app': 'openid fhirUser launch launch/patient offline_access patient/*.rs',
  'confidential-app': 'openid fhirUser launch launch/patient offline_access patient/*.rs',
  backend: 'system/*.rs',
  sender: 'system/ImagingStudy.crs system/Patient.rs',
};

export const wordsOf = (scope: string): string[] => [...new Set(scope.split(/\s+/).filter((word) => word !== ''))];

export function has(scope: string, permission: Permission): boolean {
  const words = new Set(wordsOf(scope));
  return wordsOf(permission.scope).every((word) => words.has(word));
}

/** The scope with a permission put in or taken out; everything else of it stays as it was typed. */
export function withPermission(scope: string, permission: Permission, wanted: boolean): string {
  const own = wordsOf(permission.scope);
  const others = wordsOf(scope).filter((word) => !own.includes(word));
  return (wanted ? [...others, ...own] : others).join(' ');
}

/** Words of the scope that none of the offered permissions stands for. */
export function wordsBeside(scope: string, groups: readonly PermissionGroup[]): string[] {
  const offered = new Set(groups.flatMap(({ permissions }) => permissions.flatMap((each) => wordsOf(each.scope))));
  return wordsOf(scope).filter((word) => !offered.has(word));
}
