import type { ResourceType } from '@medplum/fhirtypes';
import { type Grant, type Narrowing } from '../access/narrowing.ts';
import { tryNarrow } from '../access/policy.ts';
import type { Principal } from '../principal.ts';
import type { News, RecordNews, TopicNews } from './news-feed.ts';

/** What one person hears of some news: ids only. */
export interface HeardNews {
  changes: Pick<RecordNews, 'type' | 'id' | 'act' | 'review'>[];
  /**
   * Types of records that changed and that the person may not read, or not any more: what a list shows may have to go.
   * Nothing is said of which they are.
   */
  gone: ResourceType[];
  topics: string[];
}

/** Which of these records a narrowing shows. Asked once for all whose narrowing is the same, as `sight` makes it. */
export type Sight = (type: ResourceType, ids: readonly string[], narrowing: Narrowing) => Promise<ReadonlySet<string>>;

/** Remembers the answers for the time of one piece of news: a hundred people with the same rights cost one question. */
export function sight(
  ask: (type: ResourceType, ids: readonly string[], narrowing: Narrowing) => Promise<readonly string[]>,
): Sight {
  const asked = new Map<string, Promise<ReadonlySet<string>>>();
  return (type, ids, narrowing) => {
    const key = JSON.stringify([type, ids, narrowing]);
    const answer = asked.get(key) ?? ask(type, ids, narrowing).then((seen) => new Set(seen));
    asked.set(key, answer);
    return answer;
  };
}

/** The part of the news that somebody may hear, by the predicate that decides what the same person may read. */
export async function newsOf(principal: Principal, news: News, see: Sight): Promise<HeardNews> {
  const byType = new Map<ResourceType, RecordNews[]>();
  for (const one of news.records) byType.set(one.type, [...(byType.get(one.type) ?? []), one]);
  const heard: HeardNews = { changes: [], gone: [], topics: topicsOf(principal, news.topics) };
  for (const [type, records] of byType) {
    const narrowing = tryNarrow(principal, type, 'read');
    if (!narrowing) continue;
    const seen = await shown(type, records, narrowing, see);
    heard.changes.push(...seen);
    if (seen.length < records.length && (await hasLeft(principal, type, records, { seen, narrowing }, see)))
      heard.gone.push(type);
  }
  heard.changes = await reviewsNarrowed(principal, heard.changes, see);
  return heard;
}

async function shown(
  type: ResourceType,
  records: readonly RecordNews[],
  narrowing: Narrowing,
  see: Sight,
): Promise<RecordNews[]> {
  if (narrowing.kind === 'all') return [...records];
  const possible = records.filter((record) => narrowing.grants.some((grant) => mayShow(grant, record)));
  if (possible.length === 0) return [];
  const ids = await see(type, [...new Set(possible.map(({ id }) => id))].sort(), narrowing);
  return possible.filter(({ id }) => ids.has(id));
}

/** Most news are about other patients than the one who listens: that can be said without the database. */
function mayShow({ patient, sharedBy }: Grant, { patients }: RecordNews): boolean {
  return patient === undefined || sharedBy !== undefined || patients.includes(patient);
}

/**
 * A doctor who takes a reading back takes the scan from the pharmacist's list, who may not read it from then on and
 * must not go on looking at it. So staff whose rights hang on conditions hear that records of a type were changed which
 * only these conditions keep from them. Nobody hears it of records that are hidden, nor patients of anything: what they
 * lose is told by the review itself.
 */
async function hasLeft(
  principal: Principal,
  type: ResourceType,
  records: readonly RecordNews[],
  { seen, narrowing }: { seen: readonly RecordNews[]; narrowing: Narrowing },
  see: Sight,
): Promise<boolean> {
  if (!principal.firstParty || principal.role === 'patient' || narrowing.kind === 'all') return false;
  if (!narrowing.grants.some(({ conditions }) => conditions?.length)) return false;
  const told = new Set(seen);
  const left = records.filter((one) => !told.has(one) && one.act !== 'create');
  const grants = narrowing.grants.map(({ conditions: _conditions, ...grant }) => grant);
  const distinct = [...new Map(grants.map((grant) => [JSON.stringify(grant), grant])).values()];
  return left.length > 0 && (await shown(type, left, { kind: 'some', grants: distinct }, see)).length > 0;
}

/** The review of a record is named to those only who may read the review. */
async function reviewsNarrowed(
  principal: Principal,
  changes: HeardNews['changes'],
  see: Sight,
): Promise<HeardNews['changes']> {
  const named = [...new Set(changes.flatMap(({ review }) => review ?? []))].sort();
  const narrowing = named.length === 0 ? undefined : tryNarrow(principal, 'Task', 'read');
  const seen: ReadonlySet<string> =
    narrowing?.kind === 'all' ? new Set(named) : narrowing ? await see('Task', named, narrowing) : new Set();
  return changes.map(({ type, id, act, review }) => ({
    type,
    id,
    act,
    ...(review !== undefined && seen.has(review) && { review }),
  }));
}

/** Through our own application only: what they are about is shown nowhere else. */
function topicsOf({ kind, subject, role, firstParty }: Principal, topics: readonly TopicNews[]): string[] {
  if (kind !== 'user' || !firstParty || role === undefined) return [];
  const mine = topics.filter(
    ({ account, roles }) =>
      (account === undefined || account === subject) && (roles === undefined || roles.includes(role)),
  );
  return [...new Set(mine.map(({ topic }) => topic))];
}
