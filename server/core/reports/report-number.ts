import type { DiagnosticReport } from '@medplum/fhirtypes';
import { systems } from '../vocabulary/systems.ts';

/** The number under which everybody knows a report (`CSS-2026-00001`). */
export function numberOf(report: DiagnosticReport): string | undefined {
  return report.identifier?.find(({ system }) => system === systems.reportNumber)?.value;
}
