/**
 * A row of the audit trail as an AuditEvent, in the profiles of IHE BALP 1.1 (Basic Audit Log Patterns): Create, Read,
 * Update, Delete, Query, those with a Patient, and OAUTHaccessTokenUse.Minimal. What is no REST of FHIR is told in the
 * codes of DICOM (PS3.15 A.5).
 */
import type { AuditEvent, AuditEventAgent, AuditEventEntity, Coding } from '@medplum/fhirtypes';
import { canonical } from '../vocabulary/systems.ts';
import { dicom, eventKind } from './audit-event-kinds.ts';
import type { KeptAuditRecord } from './audit-mark.ts';

/** Code system of our own names of events. */
export const auditEventSystem = `${canonical}/CodeSystem/audit-event`;
/** Of client ids; the address of the service makes them unique. */
export const clientSystem = (publicUrl: string): string => `${publicUrl}/clients`;

export interface AuditSite {
  publicUrl: string;
  fhirBaseUrl: string;
}

/** FHIR's outcome: success, minor failure (the caller's), serious failure (perhaps ours). */
export const outcomeCodes = { success: '0', refused: '4', failed: '8' } as const;

const balp = 'https://profiles.ihe.net/ITI/BALP';
const profile = (name: string) => `${balp}/StructureDefinition/IHE.BasicAudit.${name}`;
const terminology = 'http://terminology.hl7.org/CodeSystem';
const participation = `${terminology}/v3-ParticipationType`;
const person: Coding = { system: `${terminology}/audit-entity-type`, code: '1', display: 'Person' };
const systemObject: Coding = { system: `${terminology}/audit-entity-type`, code: '2', display: 'System Object' };
const other: Coding = { system: `${terminology}/audit-entity-type`, code: '4', display: 'Other' };
const role = (code: string, display: string): Coding => ({ system: `${terminology}/object-role`, code, display });
const reference = /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}(\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
const dicomPath = /^studies\/([\d.]+)(?:\/series\/([\d.]+))?(?:\/instances\/([\d.]+))?/;

/** Whom data flows to, by interaction, as BALP has it. */
const directions = {
  R: { client: '110152', server: '110153' },
  other: { client: '110153', server: '110152' },
} as const;
const roleIds = { '110152': 'Destination Role ID', '110153': 'Source Role ID' } as const;
const dcm = (code: keyof typeof roleIds): Coding => ({ system: dicom, code, display: roleIds[code] });

export function auditEventOf(row: KeptAuditRecord, site: AuditSite): AuditEvent {
  const { type, subtype } = eventKind(row.event);
  const recorded = `${row.at.slice(0, 23)}Z`;
  const agent = agentsOf(row, site);
  const entity = entitiesOf(row);
  const profiles = profilesOf(row, agent, entity);
  return {
    resourceType: 'AuditEvent',
    id: String(row.seq),
    meta: { versionId: '1', lastUpdated: recorded, ...(profiles.length > 0 && { profile: profiles }) },
    type,
    subtype: [...(subtype ? [subtype] : []), { system: auditEventSystem, code: row.event }],
    action: row.action,
    recorded,
    outcome: outcomeCodes[row.outcome],
    ...outcomeWords(row),
    ...(row.purpose !== null && {
      purposeOfEvent: [{ coding: [{ system: `${terminology}/v3-ActReason`, code: row.purpose }] }],
    }),
    agent,
    source: {
      site: site.publicUrl,
      observer: serverOf(site),
      type: [{ system: `${terminology}/security-source-type`, code: '4', display: 'Application Server' }],
    },
    ...(entity.length > 0 && { entity }),
  };
}

function outcomeWords({ reason, times }: KeptAuditRecord): Pick<AuditEvent, 'outcomeDesc'> {
  const words = [reason, times === null ? null : `${times} times`].filter((word) => word !== null);
  return words.length === 0 ? {} : { outcomeDesc: words.join(', ') };
}

const serverOf = ({ publicUrl }: AuditSite) => ({ identifier: { system: 'urn:ietf:rfc:3986', value: publicUrl } });

function agentsOf(row: KeptAuditRecord, site: AuditSite): AuditEventAgent[] {
  const isUser = row.kind === 'user';
  const known = row.kind !== null;
  const client = row.clientId !== null && { identifier: { system: clientSystem(site.publicUrl), value: row.clientId } };
  const account = { identifier: { system: `${site.publicUrl}/accounts`, value: row.subject ?? '' } };
  const user = row.fhirUser !== null ? { reference: row.fhirUser } : account;
  const writes = row.action === 'C' || row.action === 'U' || row.action === 'D';
  const part = writes
    ? { code: 'AUT', display: 'author (originator)' }
    : { code: 'IRCP', display: 'information recipient' };
  const agents: AuditEventAgent[] = [];
  if (isUser)
    agents.push({
      type: { coding: [{ system: participation, ...part }] },
      who: user,
      ...(row.subject !== null && { altId: row.subject }),
      ...(row.role !== null && { role: [{ text: row.role }] }),
      requestor: true,
    });
  if (row.tokenId !== null)
    agents.push({
      type: { coding: [{ system: `${balp}/CodeSystem/UserAgentTypes`, code: 'UserOauthAgent', display: 'User OAuth Agent participant' }] },
      who: isUser ? user : client || account,
      requestor: true,
      policy: [`urn:ietf:params:oauth:jti:${row.tokenId}`],
    }); // prettier-ignore
  const [clientType, serverType] = placesOf(row);
  if (row.kind !== 'system')
    agents.push({
      type: { coding: [clientType] },
      who: client || { display: known ? 'not told' : 'not known' },
      requestor: !isUser && row.tokenId === null,
      network: row.sourceAddress ? { address: row.sourceAddress, type: '2' } : { address: 'unknown', type: '1' },
    });
  agents.push({
    type: { coding: [serverType] },
    who: serverOf(site),
    ...(row.kind === 'system' && row.subject !== null && { name: row.subject }),
    requestor: row.kind === 'system',
    network: { address: site.fhirBaseUrl, type: '5' },
  });
  return agents;
}

function placesOf(row: KeptAuditRecord): [client: Coding, server: Coding] {
  if (row.action === 'D' && row.event === 'fhir:delete')
    return [
      { system: dicom, code: '110150', display: 'Application' },
      { system: `${terminology}/provenance-participant-type`, code: 'custodian', display: 'Custodian' },
    ];
  const { client, server } = row.action === 'R' ? directions.R : directions.other;
  return [dcm(client), dcm(server)];
}

function entitiesOf(row: KeptAuditRecord): AuditEventEntity[] {
  const isQuery = row.query !== null || row.event === 'fhir:search' || row.event === 'dicomweb:search';
  const entities: AuditEventEntity[] = row.patients.map((id) => ({
    what: { reference: `Patient/${id}` },
    type: person,
    role: role('1', 'Patient'),
  }));
  if (isQuery) entities.push({ type: systemObject, role: role('24', 'Query'), query: row.query ?? '' });
  // Of a query, what was found is beside the point of BALP's profile, which has one system object: the query.
  for (const name of row.entities) entities.push({ ...namedEntity(name), type: isQuery ? other : systemObject });
  if (row.requestId !== null)
    entities.push({
      what: { identifier: { value: row.requestId } },
      type: { system: `${balp}/CodeSystem/BasicAuditEntityType`, code: 'XrequestId' },
    });
  return entities;
}

function namedEntity(name: string): AuditEventEntity {
  if (reference.test(name)) return { what: { reference: name }, role: role('4', 'Domain Resource') };
  const [, study, series, instance] = dicomPath.exec(name) ?? [];
  const uid = instance ?? series ?? study;
  if (uid !== undefined)
    return {
      what: { identifier: { system: 'urn:dicom:uid', value: `urn:oid:${uid}` } },
      role: role('3', 'Report'),
      name,
    };
  return { what: { identifier: { value: name } }, role: role('4', 'Domain Resource') };
}

const profileNames: Readonly<Record<string, string>> = {
  'fhir:create': 'Create',
  'fhir:read': 'Read',
  'fhir:vread': 'Read',
  'fhir:update': 'Update',
  'fhir:delete': 'Delete',
  'fhir:search': 'Query',
};

/** Only what the event fits: those profiles are of successful accesses by an app, with one thing that was accessed. */
function profilesOf(row: KeptAuditRecord, agent: AuditEventAgent[], entity: AuditEventEntity[]): string[] {
  const profiles: string[] = [];
  const name = new Map(Object.entries(profileNames)).get(row.event);
  const things = entity.filter(({ type }) => type === systemObject);
  const clientKnown = agent.some(({ network, who }) => network?.type === '2' && who?.identifier !== undefined);
  const asked = name !== 'Query' || (things[0]?.query ?? '') !== '';
  if (name !== undefined && row.outcome === 'success' && clientKnown && things.length === 1 && asked)
    profiles.push(profile(row.patients.length === 1 ? `Patient${name}` : name));
  if (row.tokenId !== null) profiles.push(profile('OAUTHaccessTokenUse.Minimal'));
  return profiles;
}

/** All that are made here, for the CapabilityStatement. */
export const balpProfiles: readonly string[] = [
  ...['Create', 'Read', 'Update', 'Delete', 'Query'].flatMap((name) => [profile(name), profile(`Patient${name}`)]),
  profile('OAUTHaccessTokenUse.Minimal'),
];
