/** What each event of ours is in the standards' words: one table, for writing AuditEvents and for finding them. */

interface Code {
  system: string;
  code: string;
  display: string;
}

export interface EventKind {
  /** How names of events begin, or what they hold. The first that fits counts. */
  starts?: string;
  has?: string;
  type: Code;
  /** Beside our own name of the event. */
  subtype?: Code;
}

const dcm = (code: string, display: string): Code => ({ system: dicom, code, display });
const interaction = (code: string): Code => ({
  system: 'http://hl7.org/fhir/restful-interaction',
  code,
  display: code,
});

export const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const rest: Code = { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest', display: 'Restful Operation' }; // prettier-ignore
const authentication = dcm('110114', 'User Authentication');
const alert = dcm('110113', 'Security Alert');
const transferred = dcm('110104', 'DICOM Instances Transferred');
const accessed = dcm('110103', 'DICOM Instances Accessed');
const exported = dcm('110106', 'Export');

/** PS3.15 A.5.3 for what is not REST of FHIR. */
export const eventKinds: readonly EventKind[] = [
  { has: 'export', type: exported },
  { starts: 'fhir:read', type: rest, subtype: interaction('read') },
  { starts: 'fhir:vread', type: rest, subtype: interaction('vread') },
  { starts: 'fhir:search', type: rest, subtype: interaction('search-type') },
  { starts: 'fhir:history', type: rest, subtype: interaction('history') },
  { starts: 'fhir:create', type: rest, subtype: interaction('create') },
  { starts: 'fhir:update', type: rest, subtype: interaction('update') },
  { starts: 'fhir:delete', type: rest, subtype: interaction('delete') },
  { starts: 'fhir:', type: rest, subtype: interaction('operation') },
  { starts: 'work:search', type: dcm('110112', 'Query') },
  { starts: 'work:count', type: dcm('110112', 'Query') },
  { starts: 'dicomweb:search', type: dcm('110112', 'Query') },
  { starts: 'dicomweb:store', type: transferred },
  { starts: 'dicomweb:retrieve', type: transferred },
  { starts: 'dicomweb:delete', type: dcm('110105', 'DICOM Study Deleted') },
  { starts: 'dicomweb:purge', type: dcm('110105', 'DICOM Study Deleted') },
  { starts: 'dicomweb:', type: accessed },
  { starts: 'dimse:find', type: dcm('110112', 'Query') },
  { starts: 'dimse:store', type: transferred },
  { starts: 'dimse:move', type: transferred },
  { starts: 'dimse:get', type: transferred },
  { starts: 'dimse:association', type: authentication, subtype: dcm('110126', 'Node Authentication') },
  { starts: 'study:', type: accessed },
  { starts: 'smart:sign-in', type: authentication, subtype: dcm('110122', 'Login') },
  { starts: 'smart:second-factor', type: authentication, subtype: dcm('110122', 'Login') },
  { starts: 'smart:sign-out', type: authentication, subtype: dcm('110123', 'Logout') },
  { starts: 'smart:', type: authentication, subtype: dcm('110126', 'Node Authentication') },
  { starts: 'audit:', type: dcm('110101', 'Audit Log Used') },
  { starts: 'access:emergency', type: alert, subtype: dcm('110127', 'Emergency Override Started') },
  { starts: 'account:role', type: alert, subtype: dcm('110136', 'Security Roles Changed') },
  { starts: 'account:', type: alert, subtype: dcm('110137', 'User security Attributes Changed') },
  { starts: 'client:', type: alert, subtype: dcm('110129', 'Security Configuration') },
  { starts: 'settings:', type: alert, subtype: dcm('110131', 'Software Configuration') },
  { starts: 'mail:', type: exported },
  { starts: '', type: dcm('110100', 'Application Activity') },
];

export function eventKind(event: string): EventKind {
  return eventKinds.find(({ starts, has }) => (has === undefined ? event.startsWith(starts!) : event.includes(has)))!;
}
