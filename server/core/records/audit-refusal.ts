import { hasRow } from '../access/refusal-log.ts';
import type { AuditRow, AuditTrail } from '../access/audit-trail.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { traceOf, type Trace } from '../trace.ts';
import { keyText } from '../search/index-extraction.ts';

/**
 * Records a refused access. It stays when the transaction in which it happened is rolled back (`World.transaction`).
 * Errors other than `forbidden` and `not-found` are no refusals and leave no row here.
 */
export async function auditRefusal(
  caller: { stores: { audit: AuditTrail }; principal: Principal } & Trace,
  error: unknown,
  row: Pick<AuditRow, 'action' | 'event' | 'entities' | 'query'>,
): Promise<void> {
  if (!(error instanceof Problem) || (error.code !== 'forbidden' && error.code !== 'not-found')) return;
  hasRow(error);
  const entities = (row.entities ?? []).map(keyText); // as the caller wrote it, so perhaps not even text
  await caller.stores.audit.append({
    ...row,
    entities,
    // Who tried to see a patient is asked by the patient, too.
    patients: entities.flatMap((entity) => /^Patient\/([A-Za-z0-9\-.]{1,64})(?:\/|$)/.exec(entity)?.[1] ?? []),
    outcome: 'refused',
    reason: error.code,
    principal: caller.principal,
    ...traceOf(caller),
  });
}
