import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The zone in which dates without one were indexed: until this release, UTC. `indexDays` follows the site's. */
export class SiteDays1764000009000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `create table search_zone (one boolean primary key default true check (one), zone text not null)`,
    );
    await runner.query(`insert into search_zone (zone) values ('UTC')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table search_zone`);
  }
}
