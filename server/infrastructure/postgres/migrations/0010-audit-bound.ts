import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Says of the audit trail that there is, until when its rows can reach, so that 0012 can make it one partition.
 *
 * A migration of its own: the constraint is there at once and looks at no row, and 0011 checks the rows that stand
 * under a lock that lets others go on writing. In one transaction they would hold up every read of a large hospital for
 * as long as its trail takes to be read.
 */
export class AuditBound1764000010000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // The end of the next month: an earlier release may go on writing until 0012 is done.
    await runner.query(`
      do $$
      declare
        last timestamptz := greatest(now(), (select max(at) from audit));
        bound timestamptz := (date_trunc('month', last at time zone 'UTC') + interval '2 months') at time zone 'UTC';
      begin
        execute format('alter table audit add constraint audit_bound check (at < %L) not valid', bound);
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table audit drop constraint audit_bound`);
  }
}
