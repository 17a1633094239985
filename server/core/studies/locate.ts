import type { AuditRow } from '../access/audit-trail.ts';
import { everything, type Narrowing } from '../access/narrowing.ts';
import { narrow } from '../access/policy.ts';
import { hasRow } from '../access/refusal-log.ts';
import { decodedSyntaxes } from '../dicom/encapsulated-syntaxes.ts';
import { isUid } from '../dicom/uid.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import type { Reading, ReadsFrom } from '../world.ts';
import type { InstanceAddress, LocatedInstance, StudyPart, StudyTie } from './study-store.ts';

/** Who asks, for the audit trail. */
export interface Asking {
  principal: Principal;
  requestId?: string;
  sourceAddress?: string;
  /**
   * Takes the writing of the row of what is found, and awaits it before anything of that leaves: what is read meanwhile need
   * not wait. Without it the row is durable when the function resolves.
   */
  meanwhile?: (recorded: Promise<void>) => void;
}

/** What is done with what is found. */
export interface Purpose {
  /** `dicomweb:retrieve`, `dicomweb:metadata` ... */
  event: string;
  /** Further path of the entity (`frames/1`). */
  detail?: string;
}

type Store = ReadsFrom<'studies' | 'audit'>;

/**
 * Where the instances of a study, series, or one instance lie. As the other two: writes down that they were given
 * out, once for a request, before its first byte.
 *
 * @returns at least one
 * @throws Problem `forbidden` when the token has no scope for it; `not-found` when it does not exist or the
 * caller may not see it, which look the same from outside; `value` for what is no UID.
 */
export async function locate(
  world: Store,
  asking: Asking,
  part: StudyPart,
  purpose: Purpose,
): Promise<InstanceAddress[]> {
  return located(world, asking, part, purpose, (studies, narrowing) => studies.addresses(part, narrowing));
}

/**
 * One instance with its attributes, bulk values and frames.
 * @param frames that are drawn, from 0: of long headers only what that asks for
 */
export async function locateInstance(
  world: Store,
  asking: Asking,
  part: StudyPart,
  purpose: Purpose,
  frames?: readonly number[],
): Promise<LocatedInstance> {
  const [instance] = await located(world, asking, part, purpose, async (studies, narrowing) => {
    if (!isOne(part)) throw new Problem('value', 'The path names no instance');
    return existing(await studies.instance(part, narrowing, frames));
  });
  return instance!;
}

/** @returns the image that stands for a part, and all of it. @throws also `not-acceptable` without an image that can be drawn. */
export async function locateMiddleImage(
  world: Store,
  asking: Asking,
  part: StudyPart,
  purpose: Purpose,
): Promise<LocatedInstance> {
  const [image] = await located(world, asking, part, purpose, async (studies, narrowing) => {
    const middle = await studies.middleImage(part, narrowing, decodedSyntaxes);
    if (middle) return existing(await studies.instance(middle, everything, [0]));
    if ((await studies.addresses(part, narrowing)).length === 0) return [];
    throw new Problem('not-acceptable', 'There is no image in it that could be rendered');
  });
  return image!;
}

function isOne(part: StudyPart): part is Required<StudyPart> {
  return part.SeriesInstanceUID !== undefined && part.SOPInstanceUID !== undefined;
}

const existing = <Row>(row: Row | undefined): Row[] => (row === undefined ? [] : [row]);

async function located<Row extends StudyTie>(
  world: Store,
  asking: Asking,
  part: StudyPart,
  { event, detail }: Purpose,
  find: (studies: Reading['studies'], narrowing: Narrowing) => Promise<Row[]>,
): Promise<Row[]> {
  const { meanwhile, ...who } = asking;
  const { principal } = who;
  for (const uid of [part.StudyInstanceUID, part.SeriesInstanceUID, part.SOPInstanceUID])
    if (uid !== undefined && !isUid(uid)) throw new Problem('value', 'The path holds something that is not a UID');
  const entity = entityOf(part) + (detail === undefined ? '' : `/${detail}`);
  const row: Omit<AuditRow, 'outcome'> = { action: 'R', event, ...who, entities: [entity] };
  return world.read(async ({ studies, audit }) => {
    try {
      const found = await find(studies, narrow(principal, 'ImagingStudy', 'read'));
      const [first] = found;
      if (!first) throw new Problem('not-found', 'There is nothing stored under these UIDs');
      const entities = [entity, `ImagingStudy/${first.imagingStudyId}`];
      const recorded = audit.append(
        { ...row, outcome: 'success', patients: [first.patientId], entities },
        principal.tokenId && `${principal.tokenId} ${event} ${first.imagingStudyId} ${first.patientId}`,
      );
      if (meanwhile) meanwhile(recorded);
      else await recorded;
      return found;
    } catch (error) {
      if (error instanceof Problem && (error.code === 'forbidden' || error.code === 'not-found')) {
        hasRow(error);
        await audit.append({ ...row, outcome: 'refused', reason: error.code });
      }
      throw error;
    }
  });
}

/** The path of a study, series or instance below the service's address. */
export function entityOf({ StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID }: StudyPart): string {
  const series = SeriesInstanceUID === undefined ? '' : `/series/${SeriesInstanceUID}`;
  return `studies/${StudyInstanceUID}${series}${SOPInstanceUID === undefined ? '' : `/instances/${SOPInstanceUID}`}`;
}
