import type { Entry, EntryStore } from '../../core/medications/entry-store.ts';
import type { EntryContent } from '../../core/medications/entries.ts';
import type { Sql } from './connection.ts';

interface Row {
  id: string;
  content: EntryContent;
  version: number;
  changed_at: Date;
  changed_by: string | null;
}

/** Templates and rows of the medication table: one table of what stands, one of every version that ever did. */
export function postgresMedicationEntries(sql: Sql): EntryStore {
  return {
    async all(kinds) {
      const rows = await sql.query<Row>(
        `select id, content, version, changed_at, changed_by from medication_entry
          where content is not null and kind = any ($1) order by place, id`,
        [kinds],
      );
      return rows.map(toEntry) as Entry<never>[];
    },
    async byId(id) {
      const [row] = await sql.query<Row>(
        `select id, content, version, changed_at, changed_by from medication_entry where id = $1 and content is not null`,
        [id],
      );
      return row && toEntry(row);
    },
    async versions(id) {
      const rows = await sql.query<Omit<Row, 'content'> & { content: EntryContent | null }>(
        `select id, content, version, changed_at, changed_by from medication_entry_version
          where id = $1 order by version desc limit 200`,
        [id],
      );
      return rows.map(({ content, version, changed_at, changed_by }) => ({
        version,
        at: changed_at.toISOString(),
        ...(content && { content }),
        ...(changed_by !== null && { by: changed_by }),
      }));
    },
    async lock() {
      await sql.query(`select pg_advisory_xact_lock(hashtextextended('medication_entry', 0))`);
    },
    async change(changes, by) {
      for (let from = 0; from < changes.length; from += 500) {
        const part = changes.slice(from, from + 500);
        await sql.query(
          `with given as (
             select id, content, place from rows from (jsonb_to_recordset($1::jsonb) as (id text, content jsonb)) with ordinality as one (id, content, place)
           ), kept as (
             insert into medication_entry (id, kind, content, version, changed_at, changed_by)
             select id, content ->> 'kind', content, 1, now(), $2 from given where content is not null order by place
             on conflict (id) do update
                set content = excluded.content, version = medication_entry.version + 1, changed_at = now(), changed_by = $2
             returning id, content, version
           ), removed as (
             update medication_entry e set content = null, version = e.version + 1, changed_at = now(), changed_by = $2
               from given g where g.id = e.id and g.content is null and e.content is not null
             returning e.id, e.content, e.version
           )
           insert into medication_entry_version (id, version, content, changed_at, changed_by)
           select id, version, content, now(), $2 from kept union all select id, version, content, now(), $2 from removed`,
          [JSON.stringify(part.map(({ id, content }) => ({ id, content: content ?? null }))), by],
        );
      }
    },
  };
}

function toEntry({ id, content, version, changed_at, changed_by }: Row): Entry {
  return {
    id,
    content,
    version,
    changedAt: changed_at.toISOString(),
    ...(changed_by !== null && { changedBy: changed_by }),
  };
}
