import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit trail by month (UTC), so that what is past its retention goes in a moment and with its disk space.
 *
 * Rows that stand stay where they are, as the first partition: nothing is copied, read or indexed anew. A default partition takes what no month is made for, so
 * that an insert never fails. `seq` is unique by its sequence and within each partition: a key over all of them would
 * have to contain the time, and be built anew over the rows that stand.
 */
export class AuditPartitions1764000012000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...setAside, ...partitioned, makePartition, putBack]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of plainAgain) await runner.query(statement);
  }
}

const appendOnly = (table: string) => `
  create trigger audit_append_only before update or delete or truncate on ${table}
  for each statement execute function refuse_change()`;

const setAside = [
  `alter table audit rename to audit_until`,
  `alter index audit_pkey rename to audit_until_pkey`,
  `alter index audit_at rename to audit_until_at`,
  `alter index audit_patients rename to audit_until_patients`,
  // Partitions may have no identity of their own, and before PostgreSQL 17 none together.
  `alter table audit_until alter column seq drop identity`,
  `create sequence audit_seq as bigint`,
  `select setval('audit_seq', max(seq)) from audit_until having max(seq) is not null`,
  `alter table audit_until alter column seq set default nextval('audit_seq')`,
];

const partitioned = [
  `create table audit (like audit_until including defaults including constraints) partition by range (at)`,
  `alter table audit drop constraint audit_bound`,
  `alter sequence audit_seq owned by audit.seq`,
  `create index audit_at on audit (at)`,
  `create index audit_patients on audit using gin (patients) with (fastupdate = off)`,
  // Statement triggers are of the table that a statement names: each partition has its own.
  appendOnly('audit'),
  `create table audit_default (like audit including defaults including constraints, primary key (seq))`,
  appendOnly('audit_default'),
  `alter table audit attach partition audit_default default`,
];

/**
 * Makes the partition of the month that begins on that day; false if it is there. Attaching one blocks nobody who
 * writes, creating it in place would. Rows of the month that fell into the default partition move.
 */
const makePartition = `
  create function make_audit_partition(month date) returns boolean language plpgsql as $$
  declare
    partition text := 'audit_' || to_char(month, 'YYYY_MM');
    first timestamptz := month::timestamp at time zone 'UTC';
    following timestamptz := (month + interval '1 month') at time zone 'UTC';
    covered timestamptz := (select max(substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \\('([^']+)'\\)$re$)::timestamptz)
                              from pg_inherits i join pg_class c on c.oid = i.inhrelid
                             where i.inhparent = 'audit'::regclass and c.relname = 'audit_until');
  begin
    if to_regclass(partition) is not null or first < covered then
      return false;
    end if;
    execute format('create table %I (like audit including defaults including constraints, primary key (seq))', partition);
    execute format('create trigger audit_append_only before update or delete or truncate on %I
                    for each statement execute function refuse_change()', partition);
    lock table audit_default in access exclusive mode;
    if exists (select from audit_default where at >= first and at < following) then
      alter table audit_default disable trigger audit_append_only;
      execute format('with moved as (delete from audit_default where at >= %L and at < %L returning *)
                      insert into %I select * from moved', first, following, partition);
      alter table audit_default enable trigger audit_append_only;
    end if;
    execute format('alter table audit attach partition %I for values from (%L) to (%L)', partition, first, following);
    return true;
  end $$`;

/** The rows that stand, if there are any, with who may read them; and the months ahead. */
const putBack = `
  do $$
  declare
    bound text := (select substring(pg_get_constraintdef(oid) from '''([^'']+)''') from pg_constraint
                    where conrelid = 'audit_until'::regclass and conname = 'audit_bound');
    grantee text;
    privilege text;
  begin
    for grantee, privilege in
      select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end, a.privilege_type
        from pg_class c, aclexplode(c.relacl) a where c.oid = 'audit_until'::regclass and a.grantee <> c.relowner
    loop
      execute format('grant %s on audit to %s', privilege, grantee);
    end loop;
    if exists (select from audit_until) then
      execute format('alter table audit attach partition audit_until for values from (minvalue) to (%L)', bound);
      alter table audit_until drop constraint audit_bound;
    else
      drop table audit_until;
    end if;
    perform make_audit_partition((date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead))::date)
       from generate_series(0, 2) as ahead;
  end $$`;

const plainAgain = [
  `alter table audit rename to audit_parts`,
  `alter index audit_at rename to audit_parts_at`,
  `alter index audit_patients rename to audit_parts_patients`,
  `create table audit (like audit_parts including constraints)`,
  `insert into audit select * from audit_parts`,
  `drop function make_audit_partition`,
  `drop table audit_parts`,
  `alter table audit add primary key (seq)`,
  `alter table audit alter column seq add generated always as identity, alter column at set default clock_timestamp(),
     alter column patients set default '{}', alter column entities set default '{}'`,
  `select setval(pg_get_serial_sequence('audit', 'seq'), max(seq)) from audit having max(seq) is not null`,
  `create index audit_at on audit (at)`,
  `create index audit_patients on audit using gin (patients) with (fastupdate = off)`,
  appendOnly('audit'),
  `alter table audit add constraint audit_bound check (at < 'infinity')`,
];
