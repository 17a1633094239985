import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The read model of the lists of work: one row a review, computed from the records (`core/workflow/work`), so it holds
 * nothing that is not in them. It is filled when the process that migrates starts, and kept from then on.
 *
 * `rid`, `id`, `patients` and `withheld` are those of the coordination Task, so that the one authorisation predicate reads
 * this table as it reads `record`. The facts are long and read for one page only: they lie out of the row.
 */
export class WorkRows1764000030000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [table, outOfLine, ...indexes]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table work_row`);
  }
}

const table = `
  create table work_row (
    rid             bigint primary key,
    id              text collate "C" not null unique,
    patients        text[] not null default '{}',
    withheld        boolean not null default false,
    version         integer not null default 0,      -- 0: not computed yet
    shape           smallint not null default 0,     -- of what made it: another release may tell more
    status          text collate "C",
    report_status   text collate "C",
    report          text collate "C",                -- FHIR id
    patient         text collate "C",                -- FHIR id
    modalities      text[] collate "C" not null default '{}',
    finding         text collate "C",
    finding_kind    text collate "C",
    conclusion_kind text collate "C",
    priority        smallint not null default 0,
    open            text[] collate "C" not null default '{}',   -- kinds of the open steps
    holders         text[] collate "C" not null default '{}',   -- who holds an open step of a person
    people          text[] collate "C" not null default '{}',   -- beside them, who has done one
    reader          text collate "C",
    words           tsvector not null default '',
    sources         bigint[] not null default '{}',             -- rid of what it is told from, beside Tasks
    prescribed      timestamptz,
    by_scan         text collate "C",
    by_patient      text collate "C",
    by_status       smallint,
    by_finding      text collate "C",
    by_confidence   real,
    by_uploaded     timestamptz,
    by_verified     timestamptz,
    by_priority     bigint,
    by_released     timestamptz,
    by_changed      timestamptz,
    facts           text not null default '[]'
  ) with (toast_tuple_target = 1024, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02)`;

/** What conditions read stays in the row: out of it, each look would be another read. */
const outOfLine = `
  alter table work_row alter column facts set storage external, alter column words set storage main,
    ${['patients', 'modalities', 'open', 'holders', 'people', 'sources'].map((name) => `alter column ${name} set storage main`).join(', ')}`;

const sorts = ['scan', 'patient', 'status', 'finding', 'confidence', 'uploaded', 'verified', 'priority', 'released', 'changed']; // prettier-ignore

const indexes = [
  ...sorts.map((by) => `create index work_row_by_${by} on work_row (by_${by}, rid)`),
  `create index work_row_words on work_row using gin (words) with (fastupdate = off)`,
  `create index work_row_sources on work_row using gin (sources) with (fastupdate = off)`,
  `create index work_row_reader on work_row (reader, status)`,
  // How many there are of the large lists is read from this alone.
  `create index work_row_status on work_row (status, report_status)`,
  // What waits is little, however much there is.
  `create index work_row_pending on work_row (by_uploaded, rid) where status = 'PENDING_AI'`,
  ...openSteps().map(
    ([name, condition]) => `create index work_row_${name} on work_row (by_priority, rid) where ${condition}`,
  ),
  `create index work_row_ended on work_row (by_changed, rid) where status in ('REJECTED', 'CANCELLED', 'RETRACTED')`,
];

function openSteps(): [string, string][] {
  return [
    ['to_read', `open && '{physician-verification,report-amendment}'`],
    ['to_prescribe', `open && '{pharmacist-review}'`],
    ['to_approve', `open && '{release-approval}'`],
  ];
}
