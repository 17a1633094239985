import type { Task } from '@medplum/fhirtypes';
import { tryNarrow } from '../access/policy.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { idIn } from '../r4/pointer.ts';
import { plainQuery } from '../search/search-query.ts';
import type { ReadsFrom } from '../world.ts';
import type { Notice, NoticeReader } from './notice-store.ts';

/** A notice as its reader may see it. */
export interface ShownNotice extends Notice {
  /** Accession number, for staff. */
  scan?: string;
  /** Id of the ImagingStudy. */
  study?: string;
  /** FHIR ids of the patient whom it is about, for the audit trail. */
  patient?: string;
}

type Reads = ReadsFrom<'notices' | 'records'>;

/** How many unseen ones are counted. */
export const mostUnseen = 99;
const page = 50;

/**
 * What somebody was told, newest first. Of reviews that the person may not read, or not any more, nothing is said: the one
 * predicate decides at the time of reading.
 */
export async function noticesOf(
  world: Reads,
  principal: Principal,
  { before, limit }: { before?: string; limit: number },
): Promise<ShownNotice[]> {
  const shown: ShownNotice[] = [];
  let last = before;
  for (let turns = 0; shown.length < limit && turns < 10; turns++) {
    const from = { limit: page, ...(last !== undefined && { before: last }) };
    const found = await world.read(({ notices }) => notices.of(readerOf(principal), from));
    shown.push(...(await visible(world, principal, found)));
    last = found.at(-1)?.id;
    if (found.length < page) break;
  }
  return shown.slice(0, limit);
}

export async function unseenOf(world: Reads, principal: Principal): Promise<number> {
  const from = { limit: mostUnseen, unseen: true };
  const found = await world.read(({ notices }) => notices.of(readerOf(principal), from));
  return (await visible(world, principal, found)).length;
}

/** @throws Problem `forbidden` for who is no person with a role. */
export function readerOf({ kind, subject, role }: Principal): NoticeReader {
  if (kind !== 'user' || role === undefined) throw new Problem('forbidden', 'Notices are for people.');
  return { accountId: subject, role };
}

async function visible(world: Reads, principal: Principal, found: readonly Notice[]): Promise<ShownNotice[]> {
  const ids = [...new Set(found.flatMap(({ review }) => review ?? []))];
  const tasks = ids.length === 0 ? new Map<string, Task>() : await reviewsOf(world, principal, ids);
  return found.flatMap((notice): ShownNotice[] => {
    if (notice.review === undefined) return [notice];
    const task = tasks.get(notice.review);
    if (!task) return [];
    const [scan, study, patient] = [
      principal.role === 'patient' ? undefined : task.groupIdentifier?.value,
      (task.input ?? [])
        .map(({ valueReference }) => idIn(valueReference, 'ImagingStudy'))
        .find((id) => id !== undefined),
      idIn(task.for, 'Patient'),
    ];
    return [{ ...notice, ...(scan && { scan }), ...(study && { study }), ...(patient && { patient }) }];
  });
}

async function reviewsOf(world: Reads, principal: Principal, ids: string[]): Promise<Map<string, Task>> {
  const query = plainQuery('Task', [{ parameter: '_id', values: ids }], ids.length);
  const { matches } = await world.read(({ records }) =>
    records.search(query, (type) => tryNarrow(principal, type, 'read')),
  );
  return new Map(matches.flatMap(({ resource }) => (resource ? [[resource.id!, resource as Task] as const] : [])));
}
