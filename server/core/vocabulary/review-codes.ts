/** The words of the review as FHIR concepts: statuses, steps, data of Tasks, reasons. */
import type { CodeableConcept } from '@medplum/fhirtypes';
import { displays } from './displays.ts';
import { systems } from './systems.ts';

export type ReviewStatus = keyof typeof displays.status;
export type ReviewStep = keyof typeof displays.step;
export type ReviewData = keyof typeof displays.data;
export type ReviewReason = keyof typeof displays.reason;

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

/** The code of a concept as one of ours; undefined for any other. */
export function statusOf(concept: CodeableConcept | undefined): ReviewStatus | undefined {
  return known(displays.status, concept, systems.reviewStatus);
}

export function stepOf(concept: CodeableConcept | undefined): ReviewStep | undefined {
  return known(displays.step, concept, systems.reviewStep);
}

/** Whichever coding says it: a search finds a concept by any of them, so a code behind an unknown one counts as well. */
function known<Code extends string>(
  table: Readonly<Record<Code, string>>,
  concept: CodeableConcept | undefined,
  system: string,
): Code | undefined {
  const codes = (concept?.coding ?? []).filter((coding) => coding.system === system).map(({ code }) => code);
  return codes.find((code): code is Code => code !== undefined && Object.hasOwn(table, code));
}
