import { auditRefusal } from '../../core/records/audit-refusal.ts';
import { inOneTransaction } from '../../core/records/write.ts';
import type { WriteContext } from '../../core/world.ts';
import type { Exchange } from '../exchange.ts';

/** What an operation does, in one transaction in the caller's name; a refusal leaves its row in the audit trail. */
export function inOneAct<T>(
  { world, principal, requestId, sourceAddress }: Exchange,
  act: { event: string; entities: string[] },
  work: (context: WriteContext) => Promise<T>,
): Promise<T> {
  return inOneTransaction(world, { principal, requestId, sourceAddress }, async (context) => {
    try {
      return await work(context);
    } catch (error) {
      await auditRefusal(context, error, { action: 'E', ...act });
      throw error;
    }
  });
}
