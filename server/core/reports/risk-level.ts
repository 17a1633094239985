import { type ReadingConclusion, classMeantBy } from '../vocabulary/conclusions.ts';
import type { ScanClass } from '../vocabulary/scan-findings.ts';
import type { CodeableConcept } from '@medplum/fhirtypes';
import { own } from '../table.ts';

export type RiskLevel = 'low' | 'moderate' | 'high';

/** How serious each conclusion is: set by clinicians, not by how sure a network is. What is not here has no level. */
export const severity: Record<ScanClass, RiskLevel> & Partial<Record<ReadingConclusion, RiskLevel>> = {
  Normal: 'low',
  Lung_Opacity: 'moderate',
  NIH_MERGED: 'moderate',
  Sick: 'moderate',
  Viral_Pneumonia: 'high',
  COVID: 'high',
  'no-fracture': 'low',
  'degenerative-changes': 'low',
  'incidental-finding': 'moderate',
  'pleural-effusion': 'moderate',
  'pulmonary-nodule': 'moderate',
  cardiomegaly: 'moderate',
  'ventricular-dysfunction': 'moderate',
  'myocardial-scar': 'moderate',
  fracture: 'moderate',
  dislocation: 'moderate',
  calculus: 'moderate',
  pneumonia: 'high',
  pneumothorax: 'high',
  'pulmonary-embolism': 'high',
  'intracranial-haemorrhage': 'high',
  ischaemia: 'high',
  'mass-lesion': 'high',
  'bowel-obstruction': 'high',
  'free-fluid-or-air': 'high',
};

/**
 * The risk level of a report: the severity of what the reader concluded, and of nothing else. Words without a code
 * have none; what the AI said never counts.
 */
export function riskLevel(conclusion: CodeableConcept | undefined): RiskLevel | undefined {
  return own(severity, classMeantBy(conclusion) ?? '');
}
