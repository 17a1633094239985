import type { ScanClass } from '../vocabulary/scan-findings.ts';

export type RiskLevel = 'low' | 'moderate' | 'high';

/** How serious each class is: set by clinicians, not by how sure a network is. */
export const severity: Record<ScanClass, RiskLevel> = {
  Normal: 'low',
  Lung_Opacity: 'moderate',
  NIH_MERGED: 'moderate',
  Sick: 'moderate',
  Viral_Pneumonia: 'high',
  COVID: 'high',
};

/**
 * The risk level of a report: the severity of what the doctor concluded. The AI's class counts only where the
 * doctor agreed with it; without either there is no level.
 */
export function riskLevel(reading: {
  conclusion?: ScanClass | undefined;
  ai?: ScanClass | undefined;
  concordance?: string | undefined;
}): RiskLevel | undefined {
  if (reading.conclusion) return severity[reading.conclusion];
  return reading.ai && reading.concordance === 'agree' ? severity[reading.ai] : undefined;
}
