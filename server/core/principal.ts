/** The four roles of the review workflow. */
export type Role = 'patient' | 'doctor' | 'pharmacist' | 'admin';

/** One granted SMART scope, parsed (SMART App Launch 2.2, "Scopes for requesting FHIR Resources"). */
export interface Scope {
  context: 'patient' | 'user' | 'system';
  /** FHIR resource type, or `*`. */
  type: string;
  /** Any of c r u d s, in that order; v1 `read` is `rs`, `write` is `cud`. */
  permissions: string;
  /** Granular part after `?`, verbatim (`category=laboratory`). */
  query?: string;
}

/** Who is asking: made once per request from a verified access token, then only read. */
export interface Principal {
  /** `user`: a person through an app; `client`: a backend service; `system`: this server's own work. */
  kind: 'user' | 'client' | 'system';
  /** Account id, client id, or the name of the worker. */
  subject: string;
  clientId: string;
  /** Set for persons only. */
  role?: Role;
  /** The person's own FHIR resource, for example `Practitioner/0190...`. */
  fhirUser?: string;
  /** FHIR id of the Patient in the launch context; `patient/` scopes without it grant nothing. */
  patient?: string;
  scopes: readonly Scope[];
  /** Patients whose records are restricted and not for this person, whatever the scopes. */
  hidden?: readonly string[];
  /** Patients whose restricted records this person has opened in an emergency. */
  emergency?: readonly string[];
  /** Through our own application: what only people themselves may do (accounts, apps, audit) is done through it alone. */
  firstParty?: boolean;
  /** The authorisation that the token hangs on; its session is the one that asks. */
  grantId?: string;
  /** When a second factor was given in the sign-in that the token comes from, in seconds since 1970. */
  secondFactorAt?: number;
  /** The person has a second factor, so that one can be asked for. */
  hasFactor?: boolean;
  /** `jti` of the access token, for the audit trail (IHE BALP agent.policy). */
  tokenId?: string;
}

/** Whose share of the server's places, threads and patience a request takes: one person or client, whatever its tokens. */
export function callerOf({ kind, subject }: Pick<Principal, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`;
}

/** The server acting for itself (derived ImagingStudy, worker results). It bypasses scopes, never the workflow table. */
export function systemPrincipal(name: string): Principal {
  return {
    kind: 'system',
    subject: name,
    clientId: 'csss',
    scopes: [{ context: 'system', type: '*', permissions: 'cruds' }],
  };
}
