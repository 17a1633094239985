import type { AuditRow, World } from '../ports.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { traceOf, type Trace } from '../trace.ts';
import { keyText } from './index-extraction.ts';

/**
 * Records a refused access, outside any transaction: the refusal must stay when everything else is rolled back.
 * Errors other than `forbidden` and `not-found` are no refusals and leave no row here.
 */
export async function auditRefusal(
  caller: { world: World; principal: Principal } & Trace,
  error: unknown,
  row: Pick<AuditRow, 'action' | 'event' | 'entities' | 'query'>,
): Promise<void> {
  if (!(error instanceof Problem) || (error.code !== 'forbidden' && error.code !== 'not-found')) return;
  const entities = (row.entities ?? []).map(keyText); // as the caller wrote it, so perhaps not even text
  await caller.world.audit.append({
    ...row,
    entities,
    outcome: 'refused',
    principal: caller.principal,
    ...traceOf(caller),
  });
}
