import { migrations } from './migrations/index.ts';
import type { Sql } from './connection.ts';

/** What the tables lack of this release, and what they have of a later one: names of migrations. */
export interface SchemaState {
  missing: string[];
  unknown: string[];
}

/** Compares the tables with what this program was written for; changes nothing. */
export async function schemaState(sql: Sql): Promise<SchemaState> {
  const own = migrations.map(({ name }) => name);
  const [table] = await sql.query<{ there: boolean }>(`select to_regclass('migration') is not null as there`);
  const done = table!.there ? (await sql.query<{ name: string }>(`select name from migration`)).map(nameOf) : [];
  return {
    missing: own.filter((name) => !done.includes(name)),
    unknown: done.filter((name) => !own.includes(name)),
  };
}

/** How many migrations the tables have. */
export async function appliedMigrations(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ count: number }>(`select count(*)::int as count from migration`);
  return row!.count;
}

function nameOf({ name }: { name: string }): string {
  return name;
}
