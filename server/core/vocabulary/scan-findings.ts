/** What is found in a scan, by the model or a doctor. */
import type { CodeableConcept } from '@medplum/fhirtypes';
import { displays } from './displays.ts';
import { systems } from './systems.ts';

export type ScanFinding = keyof typeof displays.finding;

/** The classes of the model and of the doctor's coded conclusion. */
export const scanClasses = ['COVID', 'Lung_Opacity', 'NIH_MERGED', 'Normal', 'Sick', 'Viral_Pneumonia'] as const;
export type ScanClass = (typeof scanClasses)[number];

export function findingConcept(code: ScanFinding): CodeableConcept {
  return { coding: [{ system: systems.scanFinding, code, display: displays.finding[code] }] };
}
