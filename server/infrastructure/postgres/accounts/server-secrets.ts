import type { AuthorizationStore } from '../../../core/accounts/authorizations.ts';
import { Problem } from '../../../core/problem.ts';
import type { SecretBox } from '../../../core/secret-box.ts';
import type { Sql } from '../connection.ts';

/** How often a change starts again because another process changed the same secret. */
const tries = 5;

/** The server's own secrets, sealed: who reads the table or its back-up can sign nothing. */
export function serverSecrets(sql: Sql, box: SecretBox): Pick<AuthorizationStore, 'secret' | 'changeSecret'> {
  const stored = async (name: string): Promise<string | undefined> => {
    const [row] = await sql.query<SecretRow>(`select sealed, value from server_secret where name = $1`, [name]);
    if (row && row.sealed === null) return sealOne(sql, box, name, row.value);
    return row?.sealed ?? undefined;
  };
  const opened = <T>(name: string, sealed: string): T => JSON.parse(box.open(sealed, aboutOf(name))) as T;

  return {
    async secret<T>(name: string, make: () => Promise<T>) {
      const found = await stored(name);
      if (found !== undefined) return opened<T>(name, found);
      await sql.query(`insert into server_secret (name, sealed) values ($1, $2) on conflict do nothing`, [
        name,
        box.seal(JSON.stringify(await make()), aboutOf(name)),
      ]);
      return opened<T>(name, (await stored(name))!); // another process may have been first; its value stands
    },
    async changeSecret<T>(name: string, change: (value: T) => Promise<T | undefined>) {
      for (let attempt = 1; attempt <= tries; attempt++) {
        const before = await stored(name);
        if (before === undefined) return false;
        const after = await change(opened<T>(name, before));
        if (after === undefined) return false;
        const changed = await sql.query(
          `update server_secret set sealed = $3, changed_at = now() where name = $1 and sealed = $2 returning name`,
          [name, before, box.seal(JSON.stringify(after), aboutOf(name))],
        );
        if (changed.length === 1) return true;
      }
      throw new Problem('transient', 'Other processes change the same secret all the time. Try again.');
    },
  };
}

/**
 * Seals what an earlier release left in the clear.
 *
 * @returns how many secrets were sealed.
 */
export async function sealPlainSecrets(sql: Sql, box: SecretBox): Promise<number> {
  const plain = await sql.query<{ name: string; value: unknown }>(
    `select name, value from server_secret where sealed is null`,
  );
  for (const { name, value } of plain) await sealOne(sql, box, name, value);
  return plain.length;
}

interface SecretRow {
  sealed: string | null;
  value: unknown;
}

/** @returns what stands there then: another process may have sealed it meanwhile. */
async function sealOne(sql: Sql, box: SecretBox, name: string, value: unknown): Promise<string> {
  await sql.query(`update server_secret set sealed = $2, value = null where name = $1 and sealed is null`, [
    name,
    box.seal(JSON.stringify(value), aboutOf(name)),
  ]);
  const [row] = await sql.query<{ sealed: string }>(`select sealed from server_secret where name = $1`, [name]);
  return row!.sealed;
}

/** What each is sealed about: prefix and key of the row, as `sealedColumns` has it. */
const aboutOf = (name: string) => `server-secret ${name}`;
