/** Patient/[source]/$unmerge: a merge taken back, by what was written down of it. */
import { canonical } from '../../core/vocabulary/systems.ts';
import { requireMergeRight } from '../../core/workflow/patients/merge-rights.ts';
import { type Unmerged, unmergePatients } from '../../core/workflow/patients/unmerge-patients.ts';
import type { Answer } from '../exchange.ts';
import { information, outcomeOf, warning } from '../outcome.ts';
import { inOneAct } from './in-one-act.ts';
import type { Operation } from './operation.ts';
import { listed } from './listed.ts';

export const unmergePatient: Operation = {
  type: 'Patient',
  name: 'unmerge',
  level: 'instance',
  definition: `${canonical}/OperationDefinition/Patient-unmerge`,
  run: (exchange, asked, id) =>
    inOneAct(exchange, { event: 'fhir:unmerge', entities: [`Patient/${id}`] }, async (context) => {
      requireMergeRight(context.principal);
      return answer(await unmergePatients(context, id, { reason: asked.reason }));
    }),
};

function answer({ source, target, records, studies, stayed }: Unmerged): Answer {
  const said = `Patient/${source.id} is a Patient again: ${records} ${records === 1 ? 'record' : 'records'} and ${studies} ${studies === 1 ? 'study' : 'studies'} came back from Patient/${target.id}.`; // prettier-ignore
  const left = `Since the merge these came to Patient/${target.id} and stay there; look whose they are: `;
  const issues = [information(said), ...(stayed.length > 0 ? [warning(left + listed(stayed), 'informational')] : [])];
  return {
    status: 200,
    resource: {
      resourceType: 'Parameters',
      parameter: [
        { name: 'outcome', resource: outcomeOf(issues) },
        { name: 'result', resource: source },
      ],
    },
  };
}
