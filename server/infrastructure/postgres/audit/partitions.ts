import type { DataSource } from 'typeorm';
import { systemPrincipal } from '../../../core/principal.ts';
import { postgresAudit } from './audit.ts';
import { managerSql, poolSql, type Sql } from '../connection.ts';

/** Months that have their partition before they begin, so that a month of failed house-keeping does no harm. */
const monthsAhead = 2;
/** How long a change of partitions waits for the table: whoever reads or writes the trail waits behind it meanwhile. */
const lockTimeout = '2s';

/**
 * Makes the partitions of the audit trail that are needed, and drops those of which every row is older than its
 * retention. Each is a transaction of its own; one that does not get its lock in time is left to the next call.
 *
 * @param retentionMonths whole months that are kept besides the present one; 0 keeps all.
 * @returns how many partitions were made and dropped.
 * @throws Problem `transient` when the table is in use.
 */
export async function keepAuditPartitions(dataSource: DataSource, retentionMonths: number): Promise<number> {
  const months = await poolSql(dataSource).query<{ month: string }>(monthsNeeded, [monthsAhead]);
  let changed = 0;
  for (const { month } of months) if (await inShortTransaction(dataSource, (sql) => make(sql, month))) changed++;
  if (retentionMonths === 0) return changed;
  while (await inShortTransaction(dataSource, (sql) => dropOldest(sql, retentionMonths))) changed++;
  return changed;
}

/** Also those whose rows fell into the default partition, because nobody kept house then. */
const monthsNeeded = `
  select (date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead))::date::text as month
    from generate_series(0, $1) as ahead
   union
  select date_trunc('month', at at time zone 'UTC')::date::text from audit_default order by month`;

async function make(sql: Sql, month: string): Promise<boolean> {
  const [row] = await sql.query<{ made: boolean }>(`select make_audit_partition($1) as made`, [month]);
  return row!.made;
}

/** That it was dropped is a row of the trail, too. */
async function dropOldest(sql: Sql, retentionMonths: number): Promise<boolean> {
  const [oldest] = await sql.query<{ name: string }>(
    `select name from (
       select i.inhrelid::regclass::text as name,
              substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \\('([^']+)'\\)$re$)::timestamptz as until
         from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit'::regclass) partition
      where until <= (date_trunc('month', now() at time zone 'UTC') - make_interval(months => $1)) at time zone 'UTC'
      order by until limit 1`,
    [retentionMonths],
  );
  if (!oldest) return false;
  await sql.query(`drop table ${oldest.name}`); // a regclass quotes itself
  await postgresAudit(sql).append({
    action: 'D',
    event: 'audit:retention',
    outcome: 'success',
    principal: systemPrincipal('house-keeping'),
    entities: [oldest.name],
  });
  return true;
}

async function inShortTransaction<T>(dataSource: DataSource, work: (sql: Sql) => Promise<T>): Promise<T> {
  return dataSource.transaction(async (manager) => {
    const sql = await managerSql(manager);
    // Rows of the default partition may have to move; no limit but that for locks.
    await sql.query(`set local lock_timeout = '${lockTimeout}'; set local statement_timeout = 0`);
    return work(sql);
  });
}
