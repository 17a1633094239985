import type { DataSource } from 'typeorm';
import type { RecordChecker } from '../../../core/records/record-checker.ts';
import { managerSql, type Sql } from '../connection.ts';

/** Records in one transaction: those who write to them wait for it. */
const batch = 100;

export interface Reindexed {
  /** Records that were looked at, in this run. */
  records: number;
  /** Records whose rows were not what they should be, in all runs since it was begun. */
  changed: number;
  /** An earlier run was cut short, and this one went on where it ended. */
  resumed: boolean;
}

/**
 * Extracts anew what every record is found by, and puts right what differs: after an upgrade whose search parameters
 * are others, or when an index is not to be trusted. The server may run meanwhile; a record is right once it was its
 * turn, and those that are written meanwhile are right anyway.
 *
 * How far it has come is kept with each batch, so a run that was cut short is gone on with by the next.
 *
 * @param checker extracts the rows, as for a write.
 * @param onProgress called now and then with the number of records so far.
 */
export async function reindexRecords(
  dataSource: DataSource,
  checker: Pick<RecordChecker, 'indexRows'>,
  onProgress: (records: number) => void = () => undefined,
): Promise<Reindexed> {
  const resumed = await begin(dataSource);
  for (let records = 0; ;) {
    const turn = await dataSource.transaction(async (manager) => oneBatch(await managerSql(manager), checker));
    records += turn.records;
    if (turn.end) return { records, changed: turn.changed, resumed };
    if (records % (batch * 20) === 0) onProgress(records);
  }
}

async function begin(dataSource: DataSource): Promise<boolean> {
  return dataSource.transaction(async (manager) => {
    const sql = await managerSql(manager);
    const begun = await sql.query(
      `insert into reindex_progress (after_rid) values (0) on conflict do nothing returning after_rid`,
    );
    return begun.length === 0;
  });
}

async function oneBatch(
  sql: Sql,
  checker: Pick<RecordChecker, 'indexRows'>,
): Promise<{ records: number; changed: number; end: boolean }> {
  const [progress] = await sql.query<{ after_rid: number; changed: number }>(
    `select after_rid, changed from reindex_progress for update`,
  );
  const records = await sql.query<{ rid: number; content: string }>(
    `select r.rid, v.content from record r join record_version v on v.rid = r.rid and v.version = r.version
      where r.rid > $1 and not r.deleted order by r.rid limit ${batch} for update of r`,
    [progress?.after_rid ?? 0],
  );
  const rids = records.map(({ rid }) => rid);
  const rows = new Map<string, object[]>();
  for (const { rid, content } of records)
    for (const [table, its] of Object.entries(JSON.parse(await checker.indexRows(content)) as Record<string, object[]>))
      rows.set(table, (rows.get(table) ?? []).concat(its.map((row) => ({ ...row, rid }))));
  const changed = new Set<number>();
  for (const [table, statement] of replacements)
    for (const { rid } of await sql.query<{ rid: number }>(statement, [rids, JSON.stringify(rows.get(table) ?? [])]))
      changed.add(rid);
  const all = (progress?.changed ?? 0) + changed.size;
  const end = records.length < batch;
  if (end) await sql.query(`delete from reindex_progress`);
  else await sql.query(`update reindex_progress set after_rid = $1, changed = $2`, [rids.at(-1), all]);
  return { records: records.length, changed: all, end };
}

/** Columns of each index table beside rid, part and param, as `put_record` fills them. */
const tables = {
  token: ['system text', 'code text'],
  string: ['value text'],
  date: ['low timestamptz', 'high timestamptz'],
  reference: ['target_type text', 'target_id text'],
  quantity: ['low numeric', 'high numeric', 'system text', 'code text', 'unit text'],
};

const replacements = Object.entries(tables).map(([table, columns]) => [table, replacing(table, columns)] as const);

/** Removes rows that should not be there, adds those that lack, and gives the records that it was true of. */
function replacing(table: string, columns: readonly string[]): string {
  const names = ['rid', 'param', 'part', ...columns.map((column) => column.split(' ')[0]!)];
  // How a text is folded may be what has changed.
  const stored = table === 'string' ? [...names, 'folded'] : names;
  const given = table === 'string' ? `${names.join(', ')}, fold(value) as folded` : names.join(', ');
  const listed = stored.join(', ');
  return `
    with given as (
      select ${given} from jsonb_to_recordset($2::jsonb)
        as given(rid bigint, param text, part smallint, ${columns.join(', ')})),
    gone as (
      delete from search_${table} old
       where old.rid = any($1::bigint[]) and (${stored.map((name) => `old.${name}`).join(', ')}) not in (select ${listed} from given)
      returning old.rid),
    added as (
      insert into search_${table} (${listed})
      select ${listed} from given except select ${listed} from search_${table} where rid = any($1::bigint[])
      returning rid)
    select distinct rid from (select rid from gone union all select rid from added) touched`;
}
