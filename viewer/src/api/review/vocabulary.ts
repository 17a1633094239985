/** Made by scripts/build-vocabulary.ts from the words of the server: not written by hand. */

export const systems = {
  reviewStatus: 'https://csss.example/fhir/CodeSystem/review-status',
  reviewStep: 'https://csss.example/fhir/CodeSystem/review-step',
  reviewData: 'https://csss.example/fhir/CodeSystem/review-data',
  reviewReason: 'https://csss.example/fhir/CodeSystem/review-reason',
  scanFinding: 'https://csss.example/fhir/CodeSystem/scan-finding',
  reportNumber: 'https://csss.example/fhir/sid/report-number',
  studyUid: 'urn:dicom:uid',
} as const;

export const reviewStatuses = [
  'PENDING_AI',
  'AI_ANALYZED',
  'AI_SKIPPED',
  'RETURNED',
  'DOCTOR_VERIFIED',
  'PHARMACIST_COMPLETED',
  'REPORT_READY',
  'REJECTED',
  'CANCELLED',
  'RETRACTED',
] as const;

export const reviewSteps = [
  'ai-inference',
  'physician-verification',
  'pharmacist-review',
  'release-approval',
  'report-delivery',
  'report-amendment',
  'identity-check',
] as const;

export const scanClasses = ['COVID', 'Lung_Opacity', 'NIH_MERGED', 'Normal', 'Sick', 'Viral_Pneumonia'] as const;
