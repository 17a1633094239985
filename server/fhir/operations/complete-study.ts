import { canonical } from '../../core/vocabulary/systems.ts';
import { completeStudy } from '../../core/workflow/complete-study.ts';
import { traceOf } from '../../core/trace.ts';
import type { Operation } from './operation.ts';

/** POST ImagingStudy/[id]/$complete: its sender, a doctor or an administrator says that no more images come. */
export const completeStudyOperation: Operation = {
  type: 'ImagingStudy',
  name: 'complete',
  definition: `${canonical}/OperationDefinition/ImagingStudy-complete`,
  level: 'instance',
  async run(exchange, _asked, id) {
    const record = await completeStudy(exchange.world, exchange.principal, id, traceOf(exchange));
    return { status: 200, record, json: record.json };
  },
};
