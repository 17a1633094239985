import type { ResourceType } from '@medplum/fhirtypes';
import type { Role } from '../../../core/principal.ts';
import type { News, RecordNews, TopicNews } from '../../../core/news/news-feed.ts';
import type { Topic } from '../../../core/news/news-store.ts';
import type { Sql } from '../connection.ts';
import type { Change } from '../records/change-feed.ts';

interface Detail {
  type: ResourceType;
  id: string;
  deleted: boolean;
  review: string | null;
}

/** Rows of the feed as news: each record once, with what has become of it and the review that it belongs to. */
export async function newsFrom(sql: Sql, changes: readonly Change[], cursor: string): Promise<News> {
  const told = new Map<string, RecordNews>();
  const topics = new Map<string, TopicNews>();
  for (const change of changes) {
    if (change.topic === null) {
      const key = `${change.type}/${change.id}`;
      const before = told.get(key);
      const created = change.version === 1 || before?.act === 'create';
      const patients = [...new Set([...(before?.patients ?? []), ...change.patients])];
      const type = change.type as ResourceType;
      told.set(key, { type, id: change.id, act: created ? 'create' : 'update', patients });
    } else topics.set(JSON.stringify([change.topic, change.account, change.roles]), topicOf(change));
  }
  const since = changes[0]?.at.getTime() ?? Date.now();
  return { cursor, records: await detailed(sql, told), topics: [...topics.values()], since };
}

function topicOf({ topic, account, roles }: Change): TopicNews {
  return {
    topic: topic as Topic,
    ...(account !== null && { account }),
    ...(roles !== null && { roles: roles as Role[] }),
  };
}

async function detailed(sql: Sql, told: ReadonlyMap<string, RecordNews>): Promise<RecordNews[]> {
  const records = [...told.values()];
  if (records.length === 0) return records;
  const found = await sql.query<Detail>(detailStatement, [
    records.map(({ type }) => type),
    records.map(({ id }) => id),
  ]);
  const details = new Map(found.map((one) => [`${one.type}/${one.id}`, one]));
  return records.map((record) => {
    const { deleted = false, review = null } = details.get(`${record.type}/${record.id}`) ?? {};
    return { ...record, ...(deleted && { act: 'delete' as const }), ...(review !== null && { review }) };
  });
}

/**
 * Of a step the review is what it is part of; of a result the Task that names it as output, input or focus, or what
 * that is part of. The newest counts: a study that went to another patient has another review.
 */
const detailStatement = `
  select r.type, r.id, r.deleted, review.id as review
    from unnest($1::text[], $2::text[]) as asked (type, id)
    join record r on r.type = asked.type and r.id = asked.id
    left join lateral (
      select coalesce(whole.target_id, task.id) as id
        from (
          select r.rid where r.type = 'Task'
          union all
          (select link.rid from search_reference link
            where link.target_type = r.type and link.target_id = r.id
              and link.param in ('Task.output', 'Task.focus') and r.type <> 'Task'
            order by link.rid desc limit 1)) as found (rid)
        join record task on task.rid = found.rid
        left join search_reference whole
          on whole.rid = task.rid and whole.param = 'Task.part-of' and whole.target_type = 'Task'
       where whole.rid is not null
          or exists (select from search_token status where status.rid = task.rid and status.param = 'Task.business-status')
       order by task.rid desc limit 1) as review on true`;
