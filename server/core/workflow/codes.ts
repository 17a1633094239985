/**
 * The words of the review: our code systems and the standard ones that its resources use. One place, so
 * that a code is spelled the same in a Task, an Observation, a report and a search.
 */
import type { CodeableConcept, Coding, Meta } from '@medplum/fhirtypes';

const base = 'https://csss.example/fhir';

export const systems = {
  reviewStatus: `${base}/CodeSystem/review-status`,
  reviewStep: `${base}/CodeSystem/review-step`,
  /** Types of Task.input and Task.output. */
  reviewData: `${base}/CodeSystem/review-data`,
  /** Task.statusReason and Communication.statusReason. */
  reviewReason: `${base}/CodeSystem/review-reason`,
  scanFinding: `${base}/CodeSystem/scan-finding`,
  /** Types of Device.version. */
  modelVersion: `${base}/CodeSystem/model-version`,
  /** Identifiers of reports: CSS-YYYY-NNNNN. */
  reportNumber: `${base}/sid/report-number`,
  accessionNumber: `${base}/sid/accession-number`,
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
  ucum: 'http://unitsofmeasure.org',
  studyUid: 'urn:dicom:uid',
} as const;

/** What each code of our own systems says to a person. */
export const displays = {
  status: {
    PENDING_AI: 'Waiting for AI analysis',
    AI_ANALYZED: 'AI result present',
    AI_SKIPPED: 'Going on without an AI result',
    RETURNED: 'Sent back to the doctor',
    DOCTOR_VERIFIED: 'Verified by a doctor',
    PHARMACIST_COMPLETED: 'Pharmacist part complete',
    REPORT_READY: 'Report released',
    REJECTED: 'New image needed',
  },
  step: {
    'ai-inference': 'Run the image classifier',
    'physician-verification': 'Verify the result and write the conclusion',
    'pharmacist-review': 'Review and propose medication',
    'release-approval': 'Approve the release of the report',
    'report-delivery': 'Make the report and deliver it',
  },
  data: {
    study: 'Imaging study',
    report: 'Diagnostic report',
    'ai-finding': 'AI classification',
    'clinical-finding': "Doctor's finding",
    conclusion: "Doctor's conclusion",
    concordance: "Doctor's agreement with the AI",
    medication: 'Medication',
    document: 'Report document',
    message: 'Message to the patient',
    'retry-of': 'Earlier try of this step',
    'returned-from': 'Step that sent the review back',
    'none-needed': 'No medication needed',
  },
  reason: {
    'no-pixel-data': 'The study has no image that can be analysed',
    'unsupported-transfer-syntax': 'The image encoding is not supported',
    'broken-pixel-data': 'The image data is damaged',
    'model-error': 'The model failed',
    timeout: 'The time limit was reached',
    'image-quality': 'Image quality insufficient',
    'wrong-patient': 'The image belongs to another patient',
    withdrawn: 'Withdrawn by the patient',
    'print-failed': 'The report could not be printed',
    'no-address': 'The patient has no e-mail address',
    'bad-address': 'The e-mail address is not valid',
    'delivery-failed': 'The message could not be delivered',
  },
  finding: {
    'ai-classification': 'AI image classification',
    concordance: "Doctor's agreement with the AI result",
    'clinical-finding': "Doctor's reading of the image",
    COVID: 'COVID-19 pattern',
    Lung_Opacity: 'Lung opacity',
    NIH_MERGED: 'Other abnormality (class named after its data source)',
    Normal: 'Normal',
    Sick: 'Abnormal cardiac MR',
    Viral_Pneumonia: 'Viral pneumonia',
    Uncertain: 'Uncertain: no class reaches the threshold',
    Unsupported: 'Unsupported image',
    threshold: 'Decision threshold',
    refusal: 'Why no class is given',
    'class-index': 'Index of the class with the highest probability',
    'model-digest': 'SHA-256 of the model file',
    runtime: 'Execution provider',
    duration: 'Time of the analysis',
    'unsupported-modality': 'Modality outside the intended use of the model',
    'unsupported-view': 'Projection outside the intended use of the model',
    'unsupported-body-part': 'Body part outside the intended use of the model',
    'not-like-training-images': 'The image is unlike those that the model was made for',
    agree: 'Agrees',
    partly: 'Agrees in part',
    disagree: 'Disagrees',
  },
  version: {
    'weights-sha256': 'SHA-256 of the model file',
    'model-version': 'Version of the model',
    runtime: 'Execution provider',
  },
} as const;

export type ReviewStatus = keyof typeof displays.status;
export type ReviewStep = keyof typeof displays.step;
export type ReviewData = keyof typeof displays.data;
export type ReviewReason = keyof typeof displays.reason;
export type ScanFinding = keyof typeof displays.finding;

/** The classes of the model and of the doctor's coded conclusion. */
export const scanClasses = ['COVID', 'Lung_Opacity', 'NIH_MERGED', 'Normal', 'Sick', 'Viral_Pneumonia'] as const;
export type ScanClass = (typeof scanClasses)[number];

export function statusConcept(code: ReviewStatus): CodeableConcept {
  return { coding: [{ system: systems.reviewStatus, code, display: displays.status[code] }] };
}

export function stepConcept(code: ReviewStep): CodeableConcept {
  return { coding: [{ system: systems.reviewStep, code, display: displays.step[code] }] };
}

export function dataConcept(code: ReviewData): CodeableConcept {
  return { coding: [{ system: systems.reviewData, code, display: displays.data[code] }] };
}

export function reasonConcept(code: ReviewReason): CodeableConcept {
  return { coding: [{ system: systems.reviewReason, code, display: displays.reason[code] }] };
}

export function findingConcept(code: ScanFinding): CodeableConcept {
  return { coding: [{ system: systems.scanFinding, code, display: displays.finding[code] }] };
}

/** The code of `system` in a concept, if it has one. */
export function codeOf(concept: CodeableConcept | undefined, system: string): string | undefined {
  return concept?.coding?.find((coding) => coding.system === system)?.code;
}

/** The code of a concept as one of ours; undefined for any other. */
export function statusOf(concept: CodeableConcept | undefined): ReviewStatus | undefined {
  return known(displays.status, codeOf(concept, systems.reviewStatus));
}

export function stepOf(concept: CodeableConcept | undefined): ReviewStep | undefined {
  return known(displays.step, codeOf(concept, systems.reviewStep));
}

function known<Code extends string>(table: Readonly<Record<Code, string>>, code: string | undefined): Code | undefined {
  return code !== undefined && Object.hasOwn(table, code) ? (code as Code) : undefined;
}

/** "Artificial Intelligence asserted" (v3-ObservationValue): on everything that a model wrote, for ever. */
export const aiAsserted: Coding = {
  system: systems.observationValue,
  code: 'AIAST',
  display: 'Artificial Intelligence asserted',
};

/** "No disclosure to patient without provider's authorization" (v3-ActCode): on results until they are released. */
export const withheld: Coding = { system: systems.actCode, code: 'NOPAT' };

/** The same security labels without the one that withholds from the patient. */
export function released(meta: Meta | undefined): Meta | undefined {
  if (!meta?.security?.some(isWithheld)) return meta;
  const security = meta.security.filter((label) => !isWithheld(label));
  const { security: _withheld, ...rest } = meta;
  return security.length > 0 ? { ...rest, security } : rest;
}

function isWithheld(label: Coding): boolean {
  return label.system === withheld.system && label.code === withheld.code;
}
