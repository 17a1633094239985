import { isUid } from '../../core/dicom/uid.ts';
import { Problem } from '../../core/problem.ts';
import { inOneTransaction } from '../../core/records/write.ts';
import { restoreStudy } from '../../core/studies/restore-study.ts';
import { canonical } from '../../core/vocabulary/systems.ts';
import type { Asked, Operation } from './operation.ts';

/**
 * `ImagingStudy/[id]/$restore`: brings back removed images that are still kept. `reason` is mandatory; `series` or
 * `instance` (a UID, with or without urn:oid:) name a part; `rejected` = true takes back what rejection notes said too.
 */
export const restore: Operation = {
  type: 'ImagingStudy',
  name: 'restore',
  definition: `${canonical}/OperationDefinition/ImagingStudy-restore`,
  level: 'instance',
  async run(exchange, asked, id) {
    const [series, instance] = [uidOf(asked, 'series'), uidOf(asked, 'instance')];
    const record = await inOneTransaction(exchange.world, exchange, (context) =>
      restoreStudy(context, id, {
        reason: asked.reason,
        ...(series !== undefined && { SeriesInstanceUID: series }),
        ...(instance !== undefined && { SOPInstanceUID: instance }),
        rejected: asked.one('rejected')?.valueBoolean ?? false,
      }),
    );
    return { status: 200, resource: record.resource!, record };
  },
};

/** @throws Problem `value` for what is no UID. */
function uidOf(asked: Asked, name: string): string | undefined {
  const parameter = asked.one(name);
  if (!parameter) return undefined;
  const { valueOid, valueUri, valueString, valueId } = parameter;
  const uid = (valueOid ?? valueUri ?? valueString ?? valueId)?.replace(/^urn:oid:/, '');
  if (uid !== undefined && isUid(uid)) return uid;
  throw new Problem('value', `The parameter ${name} must be a UID`, {
    expression: `Parameters.parameter.where(name='${name}')`,
  });
}
