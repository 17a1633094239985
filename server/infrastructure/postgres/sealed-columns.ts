import type { SecretBox } from '../../core/secret-box.ts';
import type { Sql } from './connection.ts';

/** A column whose texts are sealed by `SecretBox`. */
export interface SealedColumn {
  table: string;
  column: string;
  /** Column that names the row. */
  key: string;
  /** What a text is sealed about is this and the row's key. */
  about: string;
}

/** Every one there is: `reseal` goes through them, and the start looks whether the keys at hand open them. */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'server_secret', column: 'sealed', key: 'name', about: 'server-secret ' },
  { table: 'delivery', column: 'content', key: 'id', about: 'delivery ' },
  { table: 'draft', column: 'sealed', key: 'id', about: 'draft ' },
  { table: 'push_subscription', column: 'sealed', key: 'id', about: 'push-subscription ' },
  { table: 'second_factor', column: 'secret', key: 'id', about: 'second-factor ' },
];

const batch = 200;

/** Secrets of a table that no key at hand opens. */
export interface Unopened {
  table: string;
  /** Of the key that they were sealed with: the first characters of its hash. */
  key: string;
  count: number;
}

/** What the keys at hand cannot open; changes nothing. */
export async function unopenedSecrets(sql: Sql, box: SecretBox): Promise<Unopened[]> {
  const unopened: Unopened[] = [];
  for (const { table, column } of sealedColumns) {
    const rows = await sql.query<{ key: string; count: number; one: string }>(
      `select split_part(${column}, '.', 1) as key, count(*) as count, min(${column}) as one
         from ${table} where ${column} is not null group by 1 order by 1`,
    );
    for (const { key, count, one } of rows) if (!box.knows(one)) unopened.push({ table, key, count });
  }
  return unopened;
}

/**
 * Encrypts anew, under the newest key, what lies under an older one. Safe to repeat and to run while the server runs:
 * a row that changes meanwhile is left for the next turn.
 *
 * @returns how many texts of each table were sealed anew.
 * @throws Problem `exception` if one cannot be opened: nothing of it is changed.
 */
export async function resealAll(sql: Sql, box: SecretBox): Promise<Record<string, number>> {
  const done = new Map<string, number>();
  for (const one of sealedColumns) done.set(one.table, (done.get(one.table) ?? 0) + (await reseal(sql, box, one)));
  return Object.fromEntries(done);
}

async function reseal(sql: Sql, box: SecretBox, { table, column, key, about }: SealedColumn): Promise<number> {
  const newest = box.seal('', '').split('.')[0]!;
  let count = 0;
  for (let after = '', full = true; full;) {
    const rows = await sql.query<{ key: string; sealed: string }>(
      `select ${key} as key, ${column} as sealed from ${table}
        where ${key} > $1 and ${column} is not null and split_part(${column}, '.', 1) <> $2 order by ${key} limit ${batch}`,
      [after, newest],
    );
    for (const row of rows) {
      const anew = box.seal(box.open(row.sealed, about + row.key), about + row.key);
      const changed = await sql.query(
        `update ${table} set ${column} = $3 where ${key} = $1 and ${column} = $2 returning ${key}`,
        [row.key, row.sealed, anew],
      );
      count += changed.length;
      after = row.key;
    }
    full = rows.length === batch;
  }
  return count;
}
