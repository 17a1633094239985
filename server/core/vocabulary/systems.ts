/**
 * The addresses of our code systems and of the standard ones that our resources use. One place, so that a system is
 * spelled the same in a Task, an Observation, a report and a search; the web application gets the same list
 * (scripts/build-vocabulary.ts).
 */
import type { CodeableConcept } from '@medplum/fhirtypes';

/** Under which everything lies that we define: code systems, identifier systems, extensions. */
export const canonical = 'https://csss.example/fhir';

export const systems = {
  reviewStatus: `${canonical}/CodeSystem/review-status`,
  reviewStep: `${canonical}/CodeSystem/review-step`,
  /** Types of Task.input and Task.output. */
  reviewData: `${canonical}/CodeSystem/review-data`,
  /** Task.statusReason and Communication.statusReason. */
  reviewReason: `${canonical}/CodeSystem/review-reason`,
  scanFinding: `${canonical}/CodeSystem/scan-finding`,
  /** A reader's conclusions that are no class of the model. */
  readingConclusion: `${canonical}/CodeSystem/reading-conclusion`,
  /** Types of Device.version. */
  modelVersion: `${canonical}/CodeSystem/model-version`,
  /** What a patient decides (Consent.category). */
  consentKind: `${canonical}/CodeSystem/consent-kind`,
  /** Identifiers of reports: CSS-YYYY-NNNNN. */
  reportNumber: `${canonical}/sid/report-number`,
  accessionNumber: `${canonical}/sid/accession-number`,
  /** Identifiers of accounts of people. */
  account: `${canonical}/sid/account`,
  /** What happens to records as a whole: merge, unmerge (ISO 21089). */
  recordLifecycle: 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle',
  /** Identifiers of DetectedIssue: which warning of the site's medication table was answered. */
  medicationWarning: `${canonical}/sid/medication-warning`,
  messageId: 'urn:ietf:rfc:5322',
  taskCode: 'http://hl7.org/fhir/CodeSystem/task-code',
  observationCategory: 'http://terminology.hl7.org/CodeSystem/observation-category',
  interpretation: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation',
  observationValue: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  actCode: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  dataOperation: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation',
  provenanceAgent: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type',
  identifierType: 'http://terminology.hl7.org/CodeSystem/v2-0203',
  diagnosticService: 'http://terminology.hl7.org/CodeSystem/v2-0074',
  participationMode: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationMode',
  loinc: 'http://loinc.org',
  snomed: 'http://snomed.info/sct',
  ucum: 'http://unitsofmeasure.org',
  /** Why somebody signed (ASTM E1762-95, FHIR valueset-signature-type). */
  signatureType: 'urn:iso-astm:E1762-95:2013',
  studyUid: 'urn:dicom:uid',
} as const;

/** The code of `system` in a concept, if it has one. */
export function codeOf(concept: CodeableConcept | undefined, system: string): string | undefined {
  return concept?.coding?.find((coding) => coding.system === system)?.code;
}

/** Whether any coding of a concept is this one: what a search by it would find. */
export function hasCode(concept: CodeableConcept | undefined, system: string, ...codes: string[]): boolean {
  return (concept?.coding ?? []).some((one) => one.system === system && codes.includes(one.code ?? ''));
}
