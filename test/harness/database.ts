import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { inject } from 'vitest';
import { connect, poolSql, type Sql } from '../../server/infrastructure/postgres/connection.ts';

export interface TestDatabase {
  url: string;
  sql: Sql;
  dataSource: DataSource;
  close(): Promise<void>;
}

/** A database of the test's own, copied from the migrated template, dropped by `close`. */
export async function freshDatabase(): Promise<TestDatabase> {
  const { url, drop } = await emptyCopy();
  const dataSource = await connect(url, { poolSize: 10 });
  return {
    url,
    dataSource,
    sql: poolSql(dataSource),
    async close() {
      await dataSource.destroy();
      await drop();
    },
  };
}

/** Only the database, for tests that start a whole server on it. */
export async function emptyCopy(): Promise<{ url: string; drop(): Promise<void> }> {
  const template = new URL(inject('templateUrl'));
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(template, `create database ${name} template ${template.pathname.slice(1)}`);
  const url = new URL(template);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => asAdmin(template, `drop database if exists ${name} with (force)`) };
}

/** A database in which there is nothing, as a hospital's database administrator hands it over. */
export async function emptyDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const url = new URL(inject('templateUrl'));
  const near = new URL(url);
  url.pathname = `/empty_${randomBytes(6).toString('hex')}`;
  await asAdmin(near, `create database ${url.pathname.slice(1)} template template0 encoding 'UTF8'`);
  return {
    url: url.href,
    drop: () => asAdmin(near, `drop database if exists ${url.pathname.slice(1)} with (force)`),
  };
}

async function asAdmin(near: URL, statement: string): Promise<void> {
  const url = new URL(near);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
