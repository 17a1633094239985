-- Spreads the instance index over the workers of a Citus cluster: study, series, instance and removed instance by the study,
-- side by side. Everything else (records, jobs, accounts, audit, names of instances) stays on the coordinator.
--
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f server/infrastructure/postgres/studies/distribute-on-citus.sql
--
-- Once, on the coordinator, in the database of CSSS, after its migrations, while no CSSS process runs; rows that are there
-- move to the workers. The cluster has Citus in shared_preload_libraries and its workers added (citus_add_node), and on
-- each node pg_trgm and unaccent can be created. docs/operations.md says what was tried and what was not.
\set ON_ERROR_STOP on

begin;

create extension if not exists citus;

-- A foreign key from a table that is not spread yet would be in the way; it comes back when both are.
alter table series drop constraint series_study_uid_fkey;

select create_distributed_table('study', 'study_uid');
select create_distributed_table('series', 'study_uid', colocate_with => 'study');
select create_distributed_table('instance', 'study_uid', colocate_with => 'study');
select create_distributed_table('removed_instance', 'study_uid', colocate_with => 'study');

alter table series add constraint series_study_uid_fkey
  foreign key (study_uid) references study (study_uid) on delete cascade;

commit;

select table_name, distribution_column, colocation_id, shard_count from citus_tables order by 1;
