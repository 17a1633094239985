import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * FHIR records. `record` is narrow (one row a resource, what searches filter by), `record_version` holds the text of
 * every version once, `search_*` what the search parameters find in the current version, `change` the news.
 *
 * Only `put_record` writes these tables; so the index tables carry no foreign keys, whose checks would double the
 * price of a write.
 */
export class Records1764000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...tables, ...indexes, compression, putRecord]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop function put_record`);
    await runner.query(
      `drop table search_token, search_string, search_date, search_reference, search_quantity, change,
                  search_cursor_key, record_version, record`,
    );
  }
}

const tables = [
  `create table record (
    rid       bigint generated always as identity primary key,  -- order of creation: the default order of searches
    type      text collate "C" not null,
    id        text collate "C" not null,
    version   integer not null,
    updated   timestamptz(3) not null,
    deleted   boolean not null,
    patients  text[] not null,          -- FHIR ids: in whose compartments it lies; those of the last version when deleted
    withheld  boolean not null,         -- labelled as not to be shown to the patient
    constraint record_identity unique (type, id)
  )`,
  `create table record_version (
    rid       bigint not null references record,
    version   integer not null,
    type      text collate "C" not null,
    updated   timestamptz(3) not null,
    method    text not null,
    patients  text[] not null,          -- of this version: a record that moved shows its past only to its past patient
    withheld  boolean not null,
    content   text,                     -- JSON as it is served; null for a deletion
    seq       bigint generated always as identity,
    primary key (rid, version)
  )`,
  `create table change (
    seq         bigint generated always as identity primary key,
    transaction xid8 not null default pg_current_xact_id(),
    type        text not null,
    id          text not null,
    version     integer not null,
    patients    text[] not null,
    at          timestamptz not null default clock_timestamp()
  )`,
  // Sealed the cursors of pages until faces sealed whole page addresses. Processes of that release may still run beside
  // those of this one, so a later release drops it.
  `create table search_cursor_key (one boolean primary key default true check (one), key bytea not null)`,
  `insert into search_cursor_key (key) values (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))`,
  `create table search_token (
    rid bigint not null, part smallint not null, param text collate "C" not null,
    system text collate "C" not null, code text collate "C" not null)`,
  `create table search_string (
    rid bigint not null, part smallint not null, param text collate "C" not null,
    folded text collate "C" not null, value text collate "C" not null)`,
  `create table search_date (
    rid bigint not null, part smallint not null, param text collate "C" not null,
    low timestamptz not null, high timestamptz not null)`,
  `create table search_reference (
    rid bigint not null, part smallint not null, param text collate "C" not null,
    target_type text collate "C" not null, target_id text collate "C" not null)`,
  `create table search_quantity (
    rid bigint not null, part smallint not null, param text collate "C" not null,
    low numeric not null, high numeric not null,
    system text collate "C" not null, code text collate "C" not null, unit text collate "C" not null)`,
];

/** LZ4 where the server was built with it: several times faster than PostgreSQL's own, on every write of a large study. */
const compression = `
  do $$ begin
    alter table record_version alter column content set compression lz4;
  exception when feature_not_supported then null;
  end $$`;

const indexes = [
  `create index record_of_type on record (type, rid) where not deleted`,
  `create index record_updated on record (type, updated, rid) where not deleted`,
  `create index record_patients on record using gin (patients) with (fastupdate = off)`,
  `create unique index record_version_seq on record_version (seq)`,
  `create index record_version_of_type on record_version (type, seq)`,
  `create index change_order on change (transaction, seq)`,
  `create index search_token_value on search_token (param, code, system, rid)`,
  `create index search_token_record on search_token (rid, param)`,
  `create index search_string_value on search_string (param, folded, rid)`,
  `create index search_string_within on search_string using gin (folded gin_trgm_ops) with (fastupdate = off)`,
  `create index search_string_record on search_string (rid, param)`,
  `create index search_date_low on search_date (param, low, high, rid)`,
  `create index search_date_high on search_date (param, high)`,
  `create index search_date_record on search_date (rid, param)`,
  `create index search_reference_target on search_reference (target_id, target_type, param, rid)`,
  `create index search_reference_record on search_reference (rid, param)`,
  `create index search_quantity_value on search_quantity (param, low, high, rid)`,
  `create index search_quantity_record on search_quantity (rid, param)`,
];

/** Columns of each index table beside rid, part and param. */
const columns: Record<string, string[]> = {
  token: ['system text', 'code text'],
  string: ['value text'],
  date: ['low timestamptz', 'high timestamptz'],
  reference: ['target_type text', 'target_id text'],
  quantity: ['low numeric', 'high numeric', 'system text', 'code text', 'unit text'],
};

/**
 * Appends a version. An update removes and adds only index rows that differ, because the parameters of a large study
 * hardly change from one batch of images to the next.
 *
 * Two writers of one version cannot both win: the second finds another version than it built on and fails as a
 * serialization failure (40001), which its transaction answers by starting again.
 */
const putRecord = `
  create function put_record(
    new_type text, new_id text, new_version integer, new_updated timestamptz, new_method text, new_content text,
    new_patients text[], new_withheld boolean, rows jsonb) returns void language plpgsql as $$
  declare
    new_rid bigint;
    standing text[] := new_patients;
    standing_withheld boolean := new_withheld;
  begin
    if new_version = 1 then
      insert into record (type, id, version, updated, deleted, patients, withheld)
      values (new_type, new_id, 1, new_updated, new_content is null, new_patients, new_withheld)
      on conflict on constraint record_identity do nothing
      returning rid into new_rid;
    else
      update record
         set version = new_version, updated = new_updated, deleted = new_content is null,
             patients = case when new_content is null then patients else new_patients end,
             withheld = case when new_content is null then withheld else new_withheld end
       where type = new_type and id = new_id and version = new_version - 1
      returning rid, patients, withheld into new_rid, standing, standing_withheld;
    end if;
    if new_rid is null then
      raise exception 'another version of the record was written at the same time' using errcode = '40001';
    end if;
    insert into record_version (rid, version, type, updated, method, patients, withheld, content)
    values (new_rid, new_version, new_type, new_updated, new_method, standing, standing_withheld, new_content);
    insert into change (type, id, version, patients) values (new_type, new_id, new_version, standing);
    ${Object.entries(columns)
      .map(([table, its]) => replaceRows(table, its))
      .join('\n')}
    -- A Binary lies where its security context lies: it follows one that is written after it, or moves.
    with moved as (
      update record b set patients = standing from search_reference l
       where l.target_id = new_id and l.target_type = new_type and l.param = 'Binary.security-context'
         and b.rid = l.rid and b.patients is distinct from standing and new_type <> 'Patient'
      returning b.rid, b.version)
    update record_version v set patients = standing from moved where v.rid = moved.rid and v.version = moved.version;
  end $$`;

function replaceRows(table: string, its: string[]): string {
  const names = its.map((column) => column.split(' ')[0]!);
  const given = `jsonb_to_recordset(rows -> '${table}') as new(param text, part smallint, ${its.join(', ')})`;
  const same = ['param', 'part', ...names].map((name) => `new.${name} = old.${name}`).join(' and ');
  const folded = table === 'string' ? { name: 'folded, ', value: 'fold(new.value), ' } : { name: '', value: '' };
  const insert = `
    insert into search_${table} (rid, part, param, ${folded.name}${names.join(', ')})
    select new_rid, new.part, new.param, ${folded.value}${names.map((name) => `new.${name}`).join(', ')} from ${given}`;
  return `
    if new_version = 1 then
      if jsonb_array_length(rows -> '${table}') > 0 then ${insert}; end if;
    else
      delete from search_${table} old
       where old.rid = new_rid and not exists (select from ${given} where ${same});
      ${insert}
       where not exists (select from search_${table} old where old.rid = new_rid and ${same});
    end if;`;
}
