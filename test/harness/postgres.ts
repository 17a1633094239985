import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { connect } from '../../server/infrastructure/postgres/connection.ts';
import { startEmbeddedPostgres } from '../../server/infrastructure/postgres/embedded.ts';
import { startJobs } from '../../server/infrastructure/postgres/jobs/jobs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated template database; each test file copies it. */
    templateUrl: string;
  }
}

/** One PostgreSQL for the whole run; `TEST_DATABASE_URL` names a server to use instead (its user must be allowed to create databases). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const folder = given ? undefined : await mkdtemp(join(tmpdir(), 'csss-test-postgres-'));
  // Durability is tested where it matters, on servers of their own; here it would only cost time.
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };
  const server = folder ? await startEmbeddedPostgres(folder, { settings }) : undefined;
  const base = new URL(server?.url ?? given!);
  const template = new URL(base);
  template.pathname = `/template_${process.pid}`;

  const admin = new pg.Client({ connectionString: base.href });
  await admin.connect();
  await admin.query(`create database ${template.pathname.slice(1)}`);
  const dataSource = await connect(template.href, { poolSize: 2 });
  await dataSource.runMigrations();
  await dataSource.destroy();
  await (await startJobs(template.href, { supervise: false })).stop();

  project.provide('templateUrl', template.href);
  return async () => {
    await admin.query(`drop database if exists ${template.pathname.slice(1)} with (force)`);
    await admin.end();
    await server?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  };
}
