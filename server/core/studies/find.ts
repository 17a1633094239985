import { narrow } from '../access/policy.ts';
import { hasRow } from '../access/refusal-log.ts';
import type { DicomJson } from '../dicom/json.ts';
import type { StudyPart, StudyQuery } from './study-store.ts';
import type { ReadsFrom, World } from '../world.ts';
import { Problem } from '../problem.ts';
import { inTurns } from '../in-turns.ts';
import { absoluteBulk } from './bulk-address.ts';
import { entityOf, type Asking } from './locate.ts';
import { own } from '../table.ts';

export interface Found {
  matches: DicomJson[];
  /** Of all pages. */
  total: number;
  /** The page is shorter than its limit because of the length of its matches. */
  cut: boolean;
}

/** Studies that one audit row names; a list of more was not read by a person. */
const namedLimit = 100;

/**
 * Searches for studies, series or instances (PS3.18 10.6), as far as the caller may see them.
 * @param text the query as it was sent, for the audit trail
 * @throws Problem `forbidden` when the token has no scope for it, `value` for values that cannot be matched.
 */
export async function find(
  world: Pick<World, 'settings'> & ReadsFrom<'studies' | 'audit'>,
  asking: Asking,
  query: StudyQuery,
  text: string,
  event = 'dicomweb:search',
): Promise<Found> {
  return world.read(async ({ studies, audit }) => {
    const row = { action: 'E' as const, event, ...asking, query: text };
    try {
      const narrowing = narrow(asking.principal, 'ImagingStudy', 'search');
      const none = { matches: [], cut: false };
      const { matches: found, cut } = query.limit === 0 ? none : await studies.find(query, narrowing);
      const isLastPage = !cut && found.length < query.limit && (found.length > 0 || query.offset === 0);
      const total = isLastPage ? query.offset + found.length : await studies.countOfFind(query, narrowing);
      const address = world.settings.dicomwebBaseUrl;
      const matches = await inTurns(found, ({ attributes }) => withAddress(attributes, query, address));
      const entities = [...new Set(matches.map((match) => entityOf({ StudyInstanceUID: uidOf(match, '0020000D')! })))];
      const patients = [...new Set(found.map(({ patientId }) => patientId))];
      await audit.append({ ...row, outcome: 'success', patients, entities: entities.slice(0, namedLimit) });
      return { matches, total, cut };
    } catch (error) {
      if (error instanceof Problem && error.code === 'forbidden') {
        hasRow(error);
        await audit.append({ ...row, outcome: 'refused', reason: error.code });
      }
      throw error;
    }
  });
}

/** Adds Retrieve URL (0008,1190) and makes addresses of bulk data absolute. */
function withAddress(match: DicomJson, { level }: StudyQuery, baseUrl: string): DicomJson {
  const part: StudyPart = { StudyInstanceUID: uidOf(match, '0020000D')! };
  const series = uidOf(match, '0020000E');
  const instance = uidOf(match, '00080018');
  if (level !== 'study' && series !== undefined) part.SeriesInstanceUID = series;
  if (level === 'instance' && instance !== undefined) part.SOPInstanceUID = instance;
  const address = `${baseUrl}/${entityOf(part)}`;
  const complete: DicomJson = { ...absoluteBulk(match, address), '00081190': { vr: 'UR', Value: [address] } };
  return Object.fromEntries(Object.entries(complete).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function uidOf(match: DicomJson, tag: string): string | undefined {
  const value = own(match, tag)?.Value?.[0];
  return typeof value === 'string' ? value : undefined;
}
