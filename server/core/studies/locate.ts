import type { Narrowing } from '../access/narrowing.ts';
import { narrow } from '../access/policy.ts';
import { isUid } from '../dicom/uid.ts';
import type { AuditRow } from '../access/audit-trail.ts';
import type { InstanceHeader, InstanceRow } from '../dicom/instance.ts';
import type { Reading, ReadsFrom } from '../world.ts';
import { Problem } from '../problem.ts';
import type { Principal } from '../principal.ts';

/** What of a study is wanted, by the UIDs of a WADO-RS path. */
export interface StudyPart {
  StudyInstanceUID: string;
  SeriesInstanceUID?: string;
  SOPInstanceUID?: string;
}

/** Who asks, for the audit trail. */
export interface Asking {
  principal: Principal;
  requestId?: string;
  sourceAddress?: string;
}

export interface Located<Row = InstanceRow> {
  /** At least one. */
  instances: Row[];
}

/**
 * Finds the instances of a study, series, or one instance, and writes down that they were given out: once for a
 * request, before its first byte.
 *
 * @param event what is done with them: `dicomweb:retrieve`, `dicomweb:metadata` ...
 * @param detail further path of the entity (`frames/1`)
 * @throws Problem `forbidden` when the token has no scope for it; `not-found` when it does not exist or the
 * caller may not see it, which look the same from outside; `value` for what is no UID.
 */
export async function locate(
  world: ReadsFrom<'studies' | 'audit'>,
  asking: Asking,
  part: StudyPart,
  event: string,
  detail?: string,
): Promise<Located> {
  return located(world, asking, part, event, detail, (studies, narrowing) => studies.locate(part, narrowing));
}

/**
 * As `locate`, of long headers only what drawing asks for.
 * @param frames that are drawn, from 0
 */
export async function locatePictures(
  world: ReadsFrom<'studies' | 'audit'>,
  asking: Asking,
  part: StudyPart,
  event: string,
  detail: string,
  frames: readonly number[],
): Promise<Located> {
  return located(world, asking, part, event, detail, (studies, narrowing) => studies.locate(part, narrowing, frames));
}

/** As `locate`, without what can be long. */
export async function locateHeaders(
  world: ReadsFrom<'studies' | 'audit'>,
  asking: Asking,
  part: StudyPart,
  event: string,
  detail?: string,
): Promise<Located<InstanceHeader>> {
  return located(world, asking, part, event, detail, (studies, narrowing) => studies.locateHeaders(part, narrowing));
}

async function located<Row>(
  world: ReadsFrom<'studies' | 'audit'>,
  asking: Asking,
  part: StudyPart,
  event: string,
  detail: string | undefined,
  find: (studies: Reading['studies'], narrowing: Narrowing) => Promise<Row[]>,
): Promise<Located<Row>> {
  for (const uid of [part.StudyInstanceUID, part.SeriesInstanceUID, part.SOPInstanceUID])
    if (uid !== undefined && !isUid(uid)) throw new Problem('value', 'The path holds something that is not a UID');
  const entity = entityOf(part) + (detail === undefined ? '' : `/${detail}`);
  const row: Omit<AuditRow, 'outcome'> = { action: 'R', event, ...asking, entities: [entity] };
  return world.read(async ({ studies, audit }) => {
    try {
      const instances = await find(studies, narrow(asking.principal, 'ImagingStudy', 'read'));
      const study = instances.length > 0 ? await studies.study(part.StudyInstanceUID) : undefined;
      if (!study) throw new Problem('not-found', 'There is nothing stored under these UIDs');
      const imagingStudy = `ImagingStudy/${study.imagingStudyId}`;
      await audit.append({
        ...row,
        outcome: 'success',
        patients: [study.patientId],
        entities: [entity, imagingStudy],
      });
      return { instances };
    } catch (error) {
      if (error instanceof Problem && (error.code === 'forbidden' || error.code === 'not-found'))
        await audit.append({ ...row, outcome: 'refused' });
      throw error;
    }
  });
}

/** The path of a study, series or instance below the service's address. */
export function entityOf({ StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID }: StudyPart): string {
  const series = SeriesInstanceUID === undefined ? '' : `/series/${SeriesInstanceUID}`;
  return `studies/${StudyInstanceUID}${series}${SOPInstanceUID === undefined ? '' : `/instances/${SOPInstanceUID}`}`;
}
