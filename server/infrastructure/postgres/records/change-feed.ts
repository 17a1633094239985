import { Problem } from '../../../core/problem.ts';
import type { Sql } from '../connection.ts';

/** News about one FHIR record version, or a topic that is none (then the record's columns are null), in an order that loses nothing. */
export interface Change {
  /** Pass the last one back to go on behind it. */
  cursor: string;
  type: string;
  id: string;
  version: number;
  patients: string[];
  at: Date;
  topic: string | null;
  account: string | null;
  roles: string[] | null;
}

/**
 * Changes behind `cursor`, oldest first.
 *
 * A sequence alone loses rows: a transaction may take number 7 and commit after number 8 was read. Rows are
 * therefore ordered by transaction id first, and only those of transactions below the oldest one still
 * running (`pg_snapshot_xmin`) are given out: nothing can appear before them any more.
 *
 * @param cursor undefined: from the oldest that is kept.
 * @throws Problem `deleted` if news behind the cursor were trimmed: the reader missed some and must look at all anew.
 */
export async function changesAfter(sql: Sql, cursor: string | undefined, limit: number): Promise<Change[]> {
  const [transaction, sequence] = cursor?.split('.') ?? ['0', '0'];
  const changes = await sql.query<Change>(
    `select transaction::text || '.' || seq as cursor, type, id, version, patients, at, topic, account_id as account, roles
       from change
      where (transaction, seq) > ($1::text::xid8, $2::bigint)
        and transaction < pg_snapshot_xmin(pg_current_snapshot())
      order by transaction, seq
      limit $3`,
    [transaction, sequence, limit],
  );
  if (cursor === undefined) return changes;
  // Asked last: what is trimmed between the two statements is missed, too.
  const [missed] = await sql.query(
    `select from change_trimmed where (transaction, seq) > ($1::text::xid8, $2::bigint)`,
    [transaction, sequence],
  );
  if (missed) throw new Problem('deleted', 'News behind this cursor are not kept any more.');
  return changes;
}

/** Where the feed ends at this moment: whoever goes on from there hears everything that is committed later. */
export async function endOfChanges(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ cursor: string }>(
    `select transaction::text || '.' || seq as cursor from (
       (select transaction, seq from change where transaction < pg_snapshot_xmin(pg_current_snapshot())
         order by transaction desc, seq desc limit 1)
       union all select transaction, seq from change_trimmed) as ends
     order by transaction desc, seq desc limit 1`,
  );
  return row!.cursor;
}

/** Whether there are committed news that wait for an older transaction to end. */
export async function changesWait(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ waits: boolean }>(
    `select exists (select from change where transaction >= pg_snapshot_xmin(pg_current_snapshot())) as waits`,
  );
  return row!.waits;
}

const batch = 5_000;
/** A million rows a call: what is more waits for the next. */
const mostBatches = 200;

/**
 * Removes news older than their retention, in the order of the feed and in short transactions.
 *
 * Not by partitions: two weeks are a small table, whose rows are written within the writes of records, where finding a
 * partition would be paid for each; and whoever follows the feed reads one index, not one for each day.
 *
 * @returns how many were removed.
 */
export async function trimChanges(sql: Sql, retentionDays: number): Promise<number> {
  let removed = 0;
  for (let i = 0; i < mostBatches; i++) {
    const [row] = await sql.query<{ gone: number }>(trimStatement, [retentionDays, batch]);
    removed += row!.gone;
    if (row!.gone < batch) break;
  }
  return removed;
}

const trimStatement = `
  with oldest as (
    select transaction, seq, at from change order by transaction, seq limit $2
  ), gone as (
    delete from change using oldest
     where change.seq = oldest.seq and oldest.at < now() - make_interval(days => $1)
       and oldest.transaction < pg_snapshot_xmin(pg_current_snapshot())
    returning change.transaction, change.seq
  ), moved as (
    update change_trimmed set transaction = last.transaction, seq = last.seq
      from (select transaction, seq from gone order by transaction desc, seq desc limit 1) last
     where (change_trimmed.transaction, change_trimmed.seq) < (last.transaction, last.seq)
  )
  select count(*) as gone from gone`;
