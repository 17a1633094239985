-- Two roles for one database: csss_owner has the tables and changes them from release to release, csss_app is what the server runs with. It
-- can add rows to the audit trail and read them; it can change or remove none, nor the tables. Run it as a superuser, connected to the
-- database of CSSS, before the first start or at any later time; again is safe:
--
--   psql -v ON_ERROR_STOP=1 -d csss -f server/infrastructure/postgres/roles.sql
--
-- Then give both a password (\password csss_owner), migrate with DATABASE_OWNER_URL, and start with DATABASE_URL of csss_app.

do $$
begin
  if not exists (select from pg_roles where rolname = 'csss_owner') then create role csss_owner login; end if;
  if not exists (select from pg_roles where rolname = 'csss_app') then create role csss_app login; end if;
  alter role csss_owner nosuperuser nobypassrls noreplication nocreatedb nocreaterole;
  alter role csss_app nosuperuser nobypassrls noreplication nocreatedb nocreaterole;
  if pg_has_role('csss_app', 'csss_owner', 'member') then revoke csss_owner from csss_app; end if;
  execute format('grant connect, create, temporary on database %I to csss_owner', current_database());
  execute format('grant connect on database %I to csss_app', current_database());
end $$;

create schema if not exists job authorization csss_owner;
alter schema job owner to csss_owner;
alter schema public owner to csss_owner;
revoke create on schema public from public;
revoke create on schema public, job from csss_app;
grant usage on schema public, job to csss_app;

-- What is there already becomes the owner's; extensions stay as they are. What the owner has is left alone: a change of owner locks a
-- table, and the server that runs may hold another.
do $$
declare
  thing record;
begin
  for thing in
    select c.oid::regclass as name, c.relkind as kind from pg_class c
     where c.relnamespace in ('public'::regnamespace, 'job'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm')
       and c.relowner <> 'csss_owner'::regrole
       and not exists (select from pg_depend where objid = c.oid and deptype = 'e')
  loop
    execute format('alter %s %s owner to csss_owner', case thing.kind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, thing.name);
  end loop;
  for thing in
    select c.oid::regclass as name from pg_class c
     where c.relnamespace in ('public'::regnamespace, 'job'::regnamespace) and c.relkind = 'S'
       and c.relowner <> 'csss_owner'::regrole
       and not exists (select from pg_depend where objid = c.oid and deptype in ('a', 'i', 'e'))
  loop
    execute format('alter sequence %s owner to csss_owner', thing.name);
  end loop;
  for thing in
    select p.oid::regprocedure as name from pg_proc p
     where p.pronamespace in ('public'::regnamespace, 'job'::regnamespace)
       and p.proowner <> 'csss_owner'::regrole
       and not exists (select from pg_depend where objid = p.oid and deptype = 'e')
  loop
    execute format('alter routine %s owner to csss_owner', thing.name);
  end loop;
  for thing in
    select t.oid::regtype as name from pg_type t
     where t.typnamespace in ('public'::regnamespace, 'job'::regnamespace)
       and t.typowner <> 'csss_owner'::regrole
       and (t.typtype in ('e', 'd') or t.typtype = 'c' and (select relkind from pg_class where oid = t.typrelid) = 'c')
       and not exists (select from pg_depend where objid = t.oid and deptype = 'e')
  loop
    execute format('alter type %s owner to csss_owner', thing.name);
  end loop;
end $$;

-- Every day's work, in tables that are there and in those of later releases.
grant select, insert, update, delete on all tables in schema public, job to csss_app;
grant usage, select, update on all sequences in schema public, job to csss_app;
grant execute on all routines in schema public, job to csss_app;
alter default privileges for role csss_owner in schema public, job grant select, insert, update, delete on tables to csss_app;
alter default privileges for role csss_owner in schema public, job grant usage, select, update on sequences to csss_app;
alter default privileges for role csss_owner in schema public, job grant execute on routines to csss_app;

-- The audit trail and its seals: to be added to and read, its months through the whole only.
do $$
declare
  part regclass;
begin
  if to_regclass('audit') is null then
    return; -- the migration that makes it takes away what default privileges give too much
  end if;
  revoke all on audit from csss_app, public;
  grant select, insert on audit to csss_app;
  for part in select inhrelid::regclass from pg_inherits where inhparent = 'audit'::regclass loop
    execute format('revoke all on %s from csss_app, public', part);
  end loop;
  grant select on audit_default to csss_app;
  if to_regclass('audit_block') is not null then
    revoke all on audit_block from csss_app, public;
    grant select, insert on audit_block to csss_app;
  end if;
end $$;
