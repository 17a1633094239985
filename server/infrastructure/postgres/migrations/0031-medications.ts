import type { MigrationInterface, QueryRunner } from 'typeorm';
import { startingTable } from '../../../core/medications/starting-table.ts';
import { startingTemplates } from '../../../core/medications/starting-templates.ts';
import { readTable } from '../../../core/medications/table-csv.ts';

/** Templates of prescriptions and the table that they are checked by, with what a site begins with. */
export class Medications1764000031000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table medication_entry (
        id         text primary key,
        place      bigint generated always as identity,
        kind       text not null check (kind in ('template', 'medication', 'group', 'interaction', 'allergy')),
        content    jsonb,           -- null: removed; its versions stay
        version    integer not null,
        changed_at timestamptz not null default now(),
        changed_by text             -- name of the administrator; null: it came with the release
      )`);
    await runner.query(`
      create table medication_entry_version (
        id         text not null references medication_entry (id),
        version    integer not null,
        content    jsonb,
        changed_at timestamptz not null,
        changed_by text,
        primary key (id, version)
      )`);
    const { rows, faults } = readTable(startingTable);
    if (faults.length > 0) throw new Error(`The table that a site begins with is faulty: ${JSON.stringify(faults)}`);
    const entries = [
      ...startingTemplates.map(({ id, ...content }) => ({ id, content })),
      ...rows.map(({ row: content }, place) => ({ id: `start-${place + 1}`, content })),
    ];
    await runner.query(
      `insert into medication_entry (id, kind, content, version)
       select id, content ->> 'kind', content, 1
         from rows from (jsonb_to_recordset($1::jsonb) as (id text, content jsonb)) with ordinality as one (id, content, place) order by place`,
      [JSON.stringify(entries)],
    );
    await runner.query(
      `insert into medication_entry_version (id, version, content, changed_at)
       select id, version, content, changed_at from medication_entry`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table medication_entry_version`);
    await runner.query(`drop table medication_entry`);
  }
}
