/** The codes of the review workflow (docs/workflow.md), as they stand in Task and Observation. */

const base = 'https://csss.example/fhir/CodeSystem';
export const reviewStatusSystem = `${base}/review-status`;
export const reviewStepSystem = `${base}/review-step`;
export const reviewDataSystem = `${base}/review-data`;
export const reviewReasonSystem = `${base}/review-reason`;
export const findingSystem = `${base}/scan-finding`;
export const dicomUidSystem = 'urn:dicom:uid';

export const reviewStatuses = [
  'PENDING_AI',
  'AI_ANALYZED',
  'AI_SKIPPED',
  'RETURNED',
  'DOCTOR_VERIFIED',
  'PHARMACIST_COMPLETED',
  'REPORT_READY',
  'REJECTED',
] as const;
export type ReviewStatus = (typeof reviewStatuses)[number];

export const reviewSteps = {
  inference: 'ai-inference',
  verification: 'physician-verification',
  prescription: 'pharmacist-review',
  approval: 'release-approval',
  delivery: 'report-delivery',
} as const;
export type ReviewStep = (typeof reviewSteps)[keyof typeof reviewSteps];

/** The model's classes, in the order of its outputs. */
export const findingLabels = ['COVID', 'Lung_Opacity', 'NIH_MERGED', 'Normal', 'Sick', 'Viral_Pneumonia'] as const;
export type FindingLabel = (typeof findingLabels)[number];

/** What a reader may conclude: NIH_MERGED names a data source and is no diagnosis. */
export const conclusionLabels = ['Normal', 'Lung_Opacity', 'Viral_Pneumonia', 'COVID', 'Sick'] as const;

export function isReviewStatus(code: string | undefined): code is ReviewStatus {
  return reviewStatuses.some((status) => status === code);
}

/** A FHIR token search value: `system|a,system|b`. */
export function tokens(system: string, codes: readonly string[]): string {
  return codes.map((code) => `${system}|${code}`).join(',');
}
