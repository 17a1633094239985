import type { DataSource } from 'typeorm';
import { noteInChain } from '../../../core/access/audit-seal.ts';
import { systemPrincipal } from '../../../core/principal.ts';
import type { Surroundings } from '../../../core/world.ts';
import { transactionAudit } from './audit.ts';
import { postgresAuditLog } from './audit-log.ts';
import { managerSql, poolSql, type Sql } from '../connection.ts';

/** Months that have their partition before they begin, so that a month of failed house-keeping does no harm. */
const monthsAhead = 2;
/** How long a change of partitions waits for the table: whoever reads or writes the trail waits behind it meanwhile. */
const lockTimeout = '2s';

/** With what the gap that dropped rows leave is explained in the chain. */
export type AuditSealing = Pick<Surroundings, 'secrets' | 'signer' | 'now'>;

/**
 * Makes the partitions of the audit trail that are needed, and drops those of which every row is older than its
 * retention. Each is a transaction of its own; one that does not get its lock in time is left to the next call.
 *
 * @param retentionMonths whole months that are kept besides the present one; 0 keeps all.
 * @param onNotOwner called instead of dropping where the database's role may not: the tables' owner must do it.
 * @returns how many partitions were made and dropped.
 * @throws Problem `transient` when the table is in use.
 */
export async function keepAuditPartitions(
  dataSource: DataSource,
  retentionMonths: number,
  sealing: AuditSealing,
  onNotOwner: (partition: string) => void = () => undefined,
): Promise<number> {
  const sql = poolSql(dataSource);
  const months = await sql.query<{ month: string }>(monthsNeeded, [monthsAhead]);
  let changed = 0;
  for (const { month } of months) if (await inShortTransaction(dataSource, (sql) => make(sql, month))) changed++;
  const oldest = await pastRetention(sql, retentionMonths);
  if (!oldest) return changed;
  if (!oldest.ours) {
    onNotOwner(oldest.name);
    return changed;
  }
  return changed + (await expireAudit(dataSource, retentionMonths, sealing)).length;
}

/**
 * Drops the months that are past their retention: for a connection of the tables' owner.
 *
 * @returns the names of the partitions that went, each of which is a row of the trail and a note in its chain.
 * @throws Problem `transient` when the table is in use.
 */
export async function expireAudit(
  dataSource: DataSource,
  retentionMonths: number,
  sealing: AuditSealing,
): Promise<string[]> {
  const dropped: string[] = [];
  for (;;) {
    const name = await inShortTransaction(dataSource, (sql) => dropOldest(sql, retentionMonths, sealing));
    if (name === undefined) return dropped;
    dropped.push(name);
  }
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

interface OldPartition {
  name: string;
  /** May be dropped by the role that asks. */
  ours: boolean;
}

async function pastRetention(sql: Sql, retentionMonths: number): Promise<OldPartition | undefined> {
  if (retentionMonths === 0) return undefined;
  const [oldest] = await sql.query<OldPartition>(
    `select name, ours from (
       select i.inhrelid::regclass::text as name, pg_has_role(c.relowner, 'usage') as ours,
              substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \\('([^']+)'\\)$re$)::timestamptz as until
         from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit'::regclass) partition
      where until <= (date_trunc('month', now() at time zone 'UTC') - make_interval(months => $1)) at time zone 'UTC'
      order by until limit 1`,
    [retentionMonths],
  );
  return oldest;
}

/** That it was dropped is a row of the trail, and a note in its chain says which numbers are gone. */
async function dropOldest(sql: Sql, retentionMonths: number, sealing: AuditSealing): Promise<string | undefined> {
  const oldest = await pastRetention(sql, retentionMonths);
  if (!oldest) return undefined;
  const { name } = oldest; // a regclass quotes itself
  const runs = await sql.query<{ first: number; last: number }>(
    `select min(seq) as first, max(seq) as last
       from (select seq, seq - row_number() over (order by seq) as run from ${name}) numbered group by run order by 1`,
  );
  await sql.query(`drop table ${name}`);
  const rows = runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const gone = runs.map(({ first, last }): [number, number] => [first, last]);
  await noteInChain(sealing, { auditLog: postgresAuditLog(sql) }, { retention: name, rows }, gone);
  const trail = transactionAudit(sql, { keys: sealing.secrets, now: sealing.now });
  await trail.append({
    action: 'D',
    event: 'audit:retention',
    outcome: 'success',
    principal: systemPrincipal('house-keeping'),
    entities: [name],
  });
  await trail.flush();
  return name;
}

async function inShortTransaction<T>(dataSource: DataSource, work: (sql: Sql) => Promise<T>): Promise<T> {
  return dataSource.transaction(async (manager) => {
    const sql = await managerSql(manager);
    // Rows of the default partition may have to move; no limit but that for locks.
    await sql.query(`set local lock_timeout = '${lockTimeout}'; set local statement_timeout = 0`);
    return work(sql);
  });
}
