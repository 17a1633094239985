import pg from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { poolSql, type Sql } from '../../../server/infrastructure/postgres/connection.ts';
import { migrations } from '../../../server/infrastructure/postgres/migrations/index.ts';
import { migrate } from '../../../server/infrastructure/postgres/migrate.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';

// A hospital that comes from an earlier release has the tables of a new one, and its rows.
const lastOfEarlier = 9;
let wanted: TestDatabase;
let old: DataSource;
let sql: Sql;
let admin: pg.Client;
const name = `earlier_${process.pid}`;

beforeAll(async () => {
  wanted = await freshDatabase();
  const url = new URL(inject('templateUrl'));
  admin = new pg.Client({ connectionString: url.href.replace(url.pathname, '/postgres') });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.query(`drop role if exists csss_test_auditor`);
  await admin.query(`create role csss_test_auditor`);
  url.pathname = `/${name}`;
  old = await new DataSource({
    type: 'postgres',
    url: url.href,
    migrations: migrations.slice(0, lastOfEarlier),
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
  }).initialize();
  await old.runMigrations();
  sql = poolSql(old);
  await sql.query(rowsOfOld);
  await sql.query(`grant select on audit to csss_test_auditor`);
  await migrate(url.href, () => undefined);
});
afterAll(async () => {
  await wanted.close();
  await old.destroy();
  await admin.query(`drop database ${name} with (force)`);
  await admin.query(`drop role csss_test_auditor`);
  await admin.end();
});

/** Three years of trail, an hour between rows. */
const rowsOfOld = `
  insert into audit (at, action, event, outcome, patients)
  select at, 'R', 'fhir:read', 'success', array['p' || n % 50]
    from generate_series(now() - interval '3 years', now(), interval '1 hour') with ordinality as hour(at, n)`;

/** Tables, columns, constraints, indexes, triggers and functions, as text; partitions of the trail under one name. */
async function schemaOf(database: Sql): Promise<string[]> {
  const rows = await database.query<{ line: string }>(`
    with mine as (select c.* from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'S'))
    select 'table ' || relname || ' ' || relkind::text as line from mine
    union all
    select 'column ' || relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull::text || attidentity::text || attgenerated::text
           || ' ' || coalesce(pg_get_expr(adbin, adrelid), '') || ' ' || coalesce(collname, '')
      from mine join pg_attribute a on attrelid = mine.oid and attnum > 0 and not attisdropped and relkind <> 'S'
      left join pg_attrdef on adrelid = attrelid and adnum = attnum left join pg_collation on pg_collation.oid = attcollation
    union all
    select 'constraint ' || relname || ' ' || pg_get_constraintdef(k.oid) from mine join pg_constraint k on conrelid = mine.oid where contype <> 'n'
    union all
    select 'index ' || regexp_replace(pg_get_indexdef(indexrelid), 'INDEX \\S+ ON', 'INDEX ON') from mine join pg_index on indrelid = mine.oid
    union all
    select 'trigger ' || pg_get_triggerdef(t.oid) from mine join pg_trigger t on tgrelid = mine.oid and not tgisinternal
    union all
    select 'function ' || pg_get_functiondef(p.oid) from pg_proc p where pronamespace = 'public'::regnamespace and prokind = 'f'
       and not exists (select from pg_depend where objid = p.oid and deptype = 'e')`);
  const one = (line: string) => line.replace(/\baudit_(\d{4}_\d{2}|until)\b/g, 'audit_MONTH');
  return [...new Set(rows.map(({ line }) => one(line)))].sort();
}

test('the tables after an upgrade are those of a new hospital', async () => {
  expect(await schemaOf(sql)).toEqual(await schemaOf(wanted.sql));
});

test('the rows of the trail are there, in the order of their numbers, and new ones go on counting', async () => {
  const [before] = await sql.query<{ count: number; last: number }>(`select count(*), max(seq) as last from audit`);
  expect(before!.count).toBeGreaterThan(26_000);
  await sql.query(`insert into audit (action, event, outcome) values ('R', 'fhir:read', 'success')`);
  const [row] = await sql.query<{ seq: number; place: string }>(
    `select seq, tableoid::regclass::text as place from audit order by seq desc limit 1`,
  );
  expect(row).toEqual({ seq: before!.last + 1, place: 'audit_until' });
});

test('who could read the trail can read it, and nobody can change it in any partition', async () => {
  const [may] = await sql.query<{ read: boolean; write: boolean }>(
    `select has_table_privilege('csss_test_auditor', 'audit', 'select') as read,
            has_table_privilege('csss_test_auditor', 'audit', 'insert') as write`,
  );
  expect(may).toEqual({ read: true, write: false });
  const parts = await sql.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit'::regclass`,
  );
  expect(parts.length).toBe(3);
  for (const table of ['audit', ...parts.map((part) => part.name)])
    for (const act of [`update ${table} set event = 'x'`, `delete from ${table}`, `truncate ${table}`])
      await expect(old.query(act), act).rejects.toThrow('can only be appended to');
});

test('each step of the upgrade can be taken back, and taken again', async () => {
  const rows = async () => (await sql.query<{ count: number }>(`select count(*) from audit`))[0]!.count;
  const before = { rows: await rows(), schema: await schemaOf(sql) };
  const all = await new DataSource({ ...old.options, migrations } as typeof old.options).initialize();
  try {
    for (let step = migrations.length; step > lastOfEarlier; step--) await all.undoLastMigration();
    expect(await rows()).toBe(before.rows);
    await all.runMigrations();
    expect({ rows: await rows(), schema: await schemaOf(sql) }).toEqual(before);
  } finally {
    await all.destroy();
  }
});
