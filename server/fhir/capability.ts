/** The CapabilityStatement (FHIR capabilitystatement.html): made of the tables that search and validation run on. */
import type {
  CapabilityStatement,
  CapabilityStatementRest,
  CapabilityStatementRestResource,
  ResourceType,
} from '@medplum/fhirtypes';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../core/settings.ts';
import { ownParameters } from '../core/search/own-search-parameters.ts';
import { balpProfiles } from '../core/access/audit-event.ts';
import { searchParametersOf, servedElsewhere } from '../core/search/search-parameters.ts';
import { recordParameters } from '../core/search/search-values.ts';
import { profilesOfType } from '../core/validation/profiles.ts';
import { own } from '../core/table.ts';
import { canonical } from '../core/vocabulary/systems.ts';
import { offeredTypes } from './exchange.ts';
import { operations } from './operations/operations.ts';

/** Of the package. */
const { version: release } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
) as { version: string };

/** Absolute addresses of the authorization server (SMART App Launch 2.2). */
export interface SmartAddresses {
  authorizeUrl: string;
  tokenUrl: string;
  introspectUrl?: string;
  revokeUrl?: string;
  manageUrl?: string;
}

const operation = (name: string, definition: string) => ({
  name,
  definition: `http://hl7.org/fhir/OperationDefinition/${definition}`,
});
const validate = operation('validate', 'Resource-validate');
const everything = operation('everything', 'Patient-everything');

export function capabilityStatement(settings: Settings, smart: SmartAddresses, date: Date): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: date.toISOString(),
    kind: 'instance',
    software: { name: 'Clinical Scan Support System', version: release },
    implementation: { description: settings.organizationName, url: settings.fhirBaseUrl },
    fhirVersion: '4.0.1',
    format: ['json', 'application/fhir+json'],
    patchFormat: ['application/json-patch+json', 'application/fhir+json'],
    rest: [rest(smart)],
  };
}

function rest(smart: SmartAddresses): CapabilityStatementRest {
  const reverse = reverseIncludes();
  return {
    mode: 'server',
    documentation:
      'JSON only. Searches give only what the token allows; unknown search parameters are ignored and named in an OperationOutcome, or refused with Prefer: handling=strict. Images are stored and deleted by DICOMweb; their ImagingStudy follows.',
    security: {
      cors: true,
      service: [
        {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }],
          text: 'OAuth2 using SMART on FHIR',
        },
      ],
      extension: [
        { url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris', extension: oauthUris(smart) },
      ],
    },
    resource: offeredTypes.map((type) => resourceEntry(type, reverse.get(type) ?? [])),
    interaction: [{ code: 'transaction' }, { code: 'batch' }, { code: 'search-system' }, { code: 'history-system' }],
    searchParam: [{ name: '_type', type: 'token', documentation: 'Needed to search several types at once' }],
    operation: [validate],
    compartment: ['http://hl7.org/fhir/CompartmentDefinition/patient'],
  };
}

function oauthUris(smart: SmartAddresses): { url: string; valueUri: string }[] {
  const named = {
    authorize: smart.authorizeUrl,
    token: smart.tokenUrl,
    introspect: smart.introspectUrl,
    revoke: smart.revokeUrl,
    manage: smart.manageUrl,
  };
  return Object.entries(named).flatMap(([url, valueUri]) => (valueUri === undefined ? [] : [{ url, valueUri }]));
}

/** A type that is made of another store: read and searched, never written. */
function readOnlyEntry(type: ResourceType): CapabilityStatementRestResource {
  const parameters = [...searchParametersOf(type).values()];
  return {
    type,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    supportedProfile: [...balpProfiles],
    documentation:
      'Made of the audit trail: never created, changed or deleted. For administrators (user/AuditEvent.rs) and services (system/AuditEvent.rs); reading it is audited, too. Sorted by date or -date (default); no chains, _has, _include. agent:identifier finds accounts and clients.',
    interaction: (['read', 'vread', 'search-type'] as const).map((code) => ({ code })),
    versioning: 'no-version',
    readHistory: false,
    conditionalCreate: false,
    conditionalRead: 'full-support',
    conditionalUpdate: false,
    conditionalDelete: 'not-supported',
    searchParam: [
      ...Object.entries(recordParameters).map(([name, kind]) => ({ name, type: kind })),
      ...parameters.map(({ code, type: kind }) => ({ name: code, type: kind })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function resourceEntry(type: ResourceType, searchRevInclude: string[]): CapabilityStatementRestResource {
  if (servedElsewhere.has(type)) return readOnlyEntry(type);
  const parameters = [...searchParametersOf(type).values()];
  const references = parameters.filter((one) => one.type === 'reference').map((one) => `${type}:${one.code}`);
  const common = Object.entries(recordParameters).map(([name, kind]) => ({ name, type: kind }));
  const supportedProfile = profilesOfType(type);
  return {
    type,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    ...(supportedProfile.length > 0 && { supportedProfile }),
    interaction: (
      [
        'read',
        'vread',
        'update',
        'patch',
        'delete',
        'history-instance',
        'history-type',
        'create',
        'search-type',
      ] as const
    ).map((code) => ({ code })),
    versioning: 'versioned-update',
    readHistory: true,
    conditionalCreate: true,
    conditionalRead: 'full-support',
    conditionalUpdate: true,
    conditionalDelete: 'single',
    referencePolicy: ['literal', 'logical', 'local'],
    searchInclude: ['*', ...references.sort()],
    ...(searchRevInclude.length > 0 && { searchRevInclude: searchRevInclude.sort() }),
    searchParam: [
      ...common,
      ...parameters.map(({ code, type: kind }) => ({ name: code, type: kind, ...definedBy(type, code) })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1)),
    operation: [
      validate,
      ...(type === 'Patient' ? [everything] : []),
      ...operations.filter((one) => one.type === type).map(({ name, definition }) => ({ name, definition })),
    ],
  };
}

/** The address of a SearchParameter of ours; R4's own are found by their name. */
function definedBy(type: ResourceType, code: string): { definition?: string } {
  if (own(own(ownParameters, type) ?? {}, code) === undefined) return {};
  const id = code === 'instance-uid' ? code : `${type}-${code}`;
  return { definition: `${canonical}/SearchParameter/${id}` };
}

function reverseIncludes(): Map<ResourceType, string[]> {
  const found = new Map<ResourceType, string[]>();
  for (const source of offeredTypes.filter((type) => !servedElsewhere.has(type))) {
    for (const parameter of searchParametersOf(source).values()) {
      if (parameter.type !== 'reference') continue;
      for (const target of (parameter.target ?? []) as ResourceType[]) {
        if (!found.has(target)) found.set(target, []);
        found.get(target)!.push(`${source}:${parameter.code}`);
      }
    }
  }
  return found;
}
