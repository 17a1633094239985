/** ImagingStudy/[id]/$move: images that lie with the wrong patient go to the right one, and their review begins anew. */
import { Problem } from '../../core/problem.ts';
import { idIn } from '../../core/r4/pointer.ts';
import { canonical } from '../../core/vocabulary/systems.ts';
import { type MovedStudy, moveStudy } from '../../core/workflow/move-study.ts';
import type { Answer } from '../exchange.ts';
import { information, outcomeOf, warning } from '../outcome.ts';
import { inOneAct } from './in-one-act.ts';
import { listed } from './listed.ts';
import type { Operation } from './operation.ts';

export const moveImagingStudy: Operation = {
  type: 'ImagingStudy',
  name: 'move',
  level: 'instance',
  definition: `${canonical}/OperationDefinition/ImagingStudy-move`,
  run: (exchange, asked, id) =>
    inOneAct(exchange, { event: 'fhir:move', entities: [`ImagingStudy/${id}`] }, async (context) => {
      const patientId = idIn({ reference: asked.reference('patient') }, 'Patient');
      if (patientId === undefined) throw new Problem('value', 'patient must be a Reference to Patient/[id]');
      return answer(await moveStudy(context, id, { patientId, reason: asked.reason }));
    }),
};

function answer({ imagingStudy, review, left }: MovedStudy): Answer {
  const said = `The study is of ${imagingStudy.subject.reference} now, and its review begins anew.`;
  const others = `These refer to the study and stay with the patient that it was with; look at each: ${listed(left)}`;
  const issues = [information(said), ...(left.length > 0 ? [warning(others, 'informational')] : [])];
  return {
    status: 200,
    resource: {
      resourceType: 'Parameters',
      parameter: [
        { name: 'return', resource: imagingStudy },
        ...(review ? [{ name: 'review', valueReference: { reference: `Task/${review.id}` } }] : []),
        { name: 'outcome', resource: outcomeOf(issues) },
      ],
    },
  };
}
