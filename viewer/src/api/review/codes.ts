/** The codes of the review workflow (docs/workflow.md), as they stand in Task and Observation. */
import { reviewStatuses, type reviewSteps as stepCodes, scanClasses, systems } from './vocabulary.ts';

export const reviewStatusSystem = systems.reviewStatus;
export const reviewStepSystem = systems.reviewStep;
export const reviewDataSystem = systems.reviewData;
export const reviewReasonSystem = systems.reviewReason;
export const findingSystem = systems.scanFinding;
export const reportNumberSystem = systems.reportNumber;
export const medicationWarningSystem = systems.medicationWarning;
export const dicomUidSystem = systems.studyUid;

export { reviewStatuses };
export type ReviewStatus = (typeof reviewStatuses)[number];
export type ReviewStep = (typeof stepCodes)[number];

export const reviewSteps = {
  inference: 'ai-inference',
  verification: 'physician-verification',
  prescription: 'pharmacist-review',
  approval: 'release-approval',
  delivery: 'report-delivery',
  amendment: 'report-amendment',
  identity: 'identity-check',
} as const satisfies Record<string, ReviewStep>;

/** The model's classes, in the order of its outputs. */
export const findingLabels = scanClasses;
export type FindingLabel = (typeof findingLabels)[number];

export function isReviewStatus(code: string | undefined): code is ReviewStatus {
  return reviewStatuses.some((status) => status === code);
}

/** A FHIR token search value: `system|a,system|b`. */
export function tokens(system: string, codes: readonly string[]): string {
  return codes.map((code) => `${system}|${code}`).join(',');
}
