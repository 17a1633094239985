/**
 * What each role may do, whatever its token says: one table for writes, one function for reads.
 * fhir-profiles and the Task rule add who may make which step; here it is about types.
 */
import type { ResourceType } from '@medplum/fhirtypes';
import type { Role } from '../principal.ts';
import { compartmentParameters } from '../search/search-parameters.ts';
import type { SearchCondition } from '../search/search-query.ts';
import { everything, type Grant, type Narrowing } from './narrowing.ts';
import { releasedOnly, sharingOnly } from './released-only.ts';

export type Interaction = 'read' | 'search' | 'create' | 'update' | 'delete';

const clinical: ResourceType[] = [
  'Task', 'Observation', 'DiagnosticReport', 'ServiceRequest', 'Patient', 'RelatedPerson', 'Encounter', 'Condition', 'Procedure',
  'AllergyIntolerance', 'Immunization', 'MedicationRequest', 'MedicationStatement', 'CarePlan', 'CareTeam', 'Goal', 'Consent',
  'ImagingStudy', 'Media', 'DocumentReference', 'Composition', 'Binary', 'Communication', 'CommunicationRequest', 'Appointment',
  'Questionnaire', 'QuestionnaireResponse', 'Specimen', 'Flag', 'List', 'FamilyMemberHistory', 'ClinicalImpression', 'RiskAssessment',
  'Coverage', 'Group', 'Subscription', 'Basic',
]; // prettier-ignore
const administrative: ResourceType[] = [
  'Task', 'Communication', 'Patient', 'RelatedPerson', 'Practitioner', 'PractitionerRole', 'Organization', 'Location', 'Endpoint',
  'Device', 'HealthcareService', 'Schedule', 'Slot', 'Appointment', 'Encounter', 'ServiceRequest', 'Coverage', 'Consent', 'Group',
  'Subscription', 'Basic',
]; // prettier-ignore
const medication: ResourceType[] = [
  'Task',
  'MedicationRequest',
  'MedicationDispense',
  'Communication',
  'Subscription',
  'Basic',
];

/** Types that each role may create and update, and delete. A Provenance is only ever added. */
const writable: Record<
  Role,
  { write: readonly ResourceType[]; create: readonly ResourceType[]; delete: readonly ResourceType[] }
> = {
  // A patient brings images by STOW-RS only; the ImagingStudy that comes of them is the server's (see rules.ts).
  patient: { write: [], create: ['ImagingStudy'], delete: [] },
  doctor: { write: clinical, create: ['Provenance'], delete: ['Subscription', 'Basic', 'List'] },
  pharmacist: { write: medication, create: ['Provenance'], delete: ['Subscription', 'Basic'] },
  admin: { write: administrative, create: ['Provenance'], delete: administrative.filter((type) => type !== 'Task') },
};

/** Definitions and code lists: knowledge, about nobody. */
const definitional = new Set<ResourceType>([
  'ActivityDefinition', 'CapabilityStatement', 'CodeSystem', 'CompartmentDefinition', 'ConceptMap', 'ImplementationGuide', 'Library',
  'Medication', 'MedicationKnowledge', 'NamingSystem', 'OperationDefinition', 'PlanDefinition', 'Questionnaire', 'SearchParameter',
  'StructureDefinition', 'StructureMap', 'Substance', 'ValueSet',
]); // prettier-ignore

/** In no compartment, and about nobody by themselves: a patient sees those that the own record refers to. */
const shared = new Set<ResourceType>([
  'Endpoint', 'Device', 'Practitioner', 'PractitionerRole', 'Organization', 'Location', 'HealthcareService',
]); // prettier-ignore

const ownCompartmentRule = new Set<ResourceType>(['Patient', 'Task', 'Binary']);

/**
 * @param role undefined for a backend service: its registration and scopes decide, the audit trail stays closed to writes.
 * @param patient the compartment that the token is limited to, if it is.
 * @returns undefined when the role may not do it at all.
 */
export function allowedByRole(
  role: Role | undefined,
  type: ResourceType,
  interaction: Interaction,
  patient: string | undefined,
): Narrowing | undefined {
  if (interaction === 'read' || interaction === 'search') {
    if (type === 'AuditEvent' && !seesTrail(role, patient)) return undefined;
    const visible = patient === undefined ? everything : compartment(type, patient, role);
    return role === 'pharmacist' && visible ? both(visible, verifiedOnly(type)) : visible;
  }
  if (!mayWrite(role, type, interaction)) return undefined;
  if (patient === undefined) return everything;
  return compartmentParameters(type).length > 0 || ownCompartmentRule.has(type)
    ? { kind: 'some', grants: [{ patient }] }
    : undefined;
}

/** Administrators, and services that are trusted with all patients. */
function seesTrail(role: Role | undefined, patient: string | undefined): boolean {
  return role === undefined ? patient === undefined : role === 'admin';
}

function mayWrite(role: Role | undefined, type: ResourceType, interaction: 'create' | 'update' | 'delete'): boolean {
  if (type === 'AuditEvent') return false;
  if (role === undefined) return type !== 'Provenance' || interaction === 'create';
  const may = writable[role];
  if (interaction === 'delete') return may.delete.includes(type);
  return may.write.includes(type) || (interaction === 'create' && may.create.includes(type));
}

/**
 * One patient's record. Staff who work in a patient's context (an EHR launch) see all of it; the patient, and a
 * service that acts for one, what is released (released-only.ts).
 */
function compartment(type: ResourceType, patient: string, role: Role | undefined): Narrowing | undefined {
  if (definitional.has(type)) return everything;
  const staff = role !== undefined && role !== 'patient';
  if (shared.has(type)) {
    if (staff) return everything;
    return { kind: 'some', grants: [{ sharedBy: { patient, withheld: withheldOf() } }] };
  }
  if (type === 'Group' || (compartmentParameters(type).length === 0 && !ownCompartmentRule.has(type))) return undefined;
  if (staff) return { kind: 'some', grants: [{ patient }] };
  const alternatives = releasedOnly[type] ?? [[]];
  return {
    kind: 'some',
    grants: alternatives.map((conditions) => ({
      patient,
      released: true,
      ...(conditions.length > 0 && { conditions }),
    })),
  };
}

/** Conditions on the records that refer to a shared one; the patient and the label are checked beside them. */
function withheldOf(): Partial<Record<ResourceType, Narrowing>> {
  const types = Object.entries(sharingOnly);
  return Object.fromEntries(
    types.map(([type, alternatives]) => [
      type,
      { kind: 'some', grants: alternatives.map((conditions) => ({ conditions })) },
    ]),
  );
}

const verifiedReport: SearchCondition = {
  parameter: 'status',
  values: ['preliminary', 'final', 'amended', 'corrected', 'appended', 'cancelled'],
};

/** A pharmacist works on scans that a doctor has verified: those with a report that is at least preliminary. */
function verifiedOnly(type: ResourceType): SearchCondition[][] {
  const has = (reference: string): SearchCondition => ({
    parameter: '_has',
    values: [],
    has: { type: 'DiagnosticReport', reference, condition: verifiedReport },
  });
  const hasNone = (reference: string): SearchCondition => ({
    parameter: '_has',
    modifier: 'not',
    values: [],
    has: {
      type: 'DiagnosticReport',
      reference,
      condition: { parameter: '_id', modifier: 'missing', values: ['false'] },
    },
  });
  if (type === 'DiagnosticReport') return [[verifiedReport]];
  if (type === 'ImagingStudy') return [[has('imaging-study')]];
  if (type === 'Observation') return [[has('result')], [notByAi, hasNone('result')]];
  if (type === 'Media') return [[has('media')], [notByAi, hasNone('media')]];
  return [[]];
}

const notByAi: SearchCondition = { parameter: '_security', modifier: 'not', values: ['AIAST'] };

function both(narrowing: Narrowing, alternatives: SearchCondition[][]): Narrowing {
  if (alternatives.length === 1 && alternatives[0]!.length === 0) return narrowing;
  const grants: readonly Grant[] = narrowing.kind === 'all' ? [{}] : narrowing.grants;
  return {
    kind: 'some',
    grants: grants.flatMap((grant) =>
      alternatives.map((conditions) => ({ ...grant, conditions: [...(grant.conditions ?? []), ...conditions] })),
    ),
  };
}
