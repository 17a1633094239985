import type { Role } from './principal.ts';

/** Values from configuration that clinical rules depend on. All URLs absolute, without a trailing slash. */
export interface Settings {
  publicUrl: string; // https://pacs.example.org
  fhirBaseUrl: string; // publicUrl + /fhir
  dicomwebBaseUrl: string; // publicUrl + /dicomweb
  /** Below this probability (0..1) a result is "Uncertain". */
  confidenceThreshold: number;
  /** Start the analysis when a study is complete, without waiting for a doctor. */
  analyzeOnArrival: boolean;
  /** A study is complete when no image came for so long. */
  studyQuietSeconds: number;
  /** The same for what a sender (client id) brings. */
  studyQuietSecondsOf: ReadonlyMap<string, number>;
  /** Images of a study that one analysis reads. */
  aiMostImages: number;
  /** What the AI says raises the priority of the doctor's step. */
  aiOrdersWorkList: boolean;
  /** IANA zone of the site: of dates and times that name none, and of what is printed. */
  timeZone: string;
  /** As an administrator says it now: read it when it is needed, and keep no copy. */
  readonly organizationName: string;
  /** FHIR id of the site's own Organization, once the site was set up. */
  readonly organizationId?: string | undefined;
  /** BCP 47 tags of the site, the usual one first; as the name, they change while the server runs. */
  readonly languages?: readonly string[] | undefined;
  /** Invented patients only: an untrained model may be shipped and active. */
  demo: boolean;
  /** The same person may not verify and release (four-eyes). */
  fourEyes: boolean;
  /** What becomes of images that come again with other attributes of patient or order: a human decides, or they correct. */
  correctedResends: 'hold' | 'accept';
  /** Client ids of senders whose corrections may be accepted. */
  trustedSenders: readonly string[];
  /** Identifier system (URI) of DICOM Patient IDs that come without an issuer; a namespace of this server by default. */
  patientIdSystem?: string;
  removal: RemovalSettings;
  /** Reports go by mail to addresses that their patients have confirmed, or to whatever their records say. */
  reportMail: 'verified' | 'always';
  /** Browsers can be told that there is news. */
  webPush: boolean;
  /** How long a message that ended stays on the page of deliveries. */
  deliveryRetentionDays: number;
  /** Whether patients make accounts themselves, or by invitation only. */
  registration: 'open' | 'closed';
  /** Who cannot sign in with the password alone. */
  secondFactorRoles: readonly Role[];
  /** Six-digit codes by mail are a second factor. */
  mailCodes: boolean;
  /** How long a second factor is fresh enough for what matters most. */
  freshFactorSeconds: number;
  /** How long a browser can be remembered, so that it is not asked for a second factor at sign-in; 0: not at all. */
  rememberDeviceDays: number;
}

/** How long what is removed can be brought back, and whose rejection notes act. */
export interface RemovalSettings {
  retentionDays: number;
  /** Of images whose own time was over (113039). */
  expiredRetentionDays: number;
  /** Client ids; without a list, all that may store. */
  notesFrom?: readonly string[];
}
