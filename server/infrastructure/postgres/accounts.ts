import { createHash } from 'node:crypto';
import type { AttemptStore } from '../../core/accounts/authorizations.ts';
import type { Account, AccountStore } from '../../core/ports.ts';
import { Problem } from '../../core/problem.ts';
import type { Sql } from './connection.ts';
import { codeOf, sqlState } from './database-problem.ts';

interface AccountRow {
  id: string;
  email: string;
  password_hash: string;
  role: Account['role'];
  display_name: string;
  fhir_user: string;
  disabled: boolean;
}

/** Accounts in PostgreSQL; addresses are unique without regard to case. */
export function postgresAccounts(sql: Sql): AccountStore {
  const one = async (condition: string, value: string): Promise<Account | undefined> => {
    if (value.includes('\0')) return undefined; // PostgreSQL text holds no NUL, so no account has one
    const [row] = await sql.query<AccountRow>(`select * from account where ${condition}`, [value]);
    return row && toAccount(row);
  };
  return {
    byId: (id) => one('id = $1', id),
    byEmail: (email) => one('lower(email) = lower($1)', email.trim()),
    async insert(account) {
      try {
        await sql.query(
          `insert into account (id, email, password_hash, role, display_name, fhir_user, disabled) values ($1, $2, $3, $4, $5, $6, $7)`,
          [
            account.id,
            account.email,
            account.passwordHash,
            account.role,
            account.displayName,
            account.fhirUser,
            account.disabled,
          ],
        );
      } catch (error) {
        if (codeOf(error) === sqlState.uniqueViolation)
          throw new Problem('duplicate', 'This address has an account already.');
        throw error;
      }
    },
    async setDisabled(id, disabled) {
      await sql.query(`update account set disabled = $2 where id = $1`, [id, disabled]);
    },
    async setRole(id, role, fhirUser) {
      await sql.query(`update account set role = $2, fhir_user = $3 where id = $1`, [id, role, fhirUser]);
    },
    async setPasswordHash(id, passwordHash) {
      await sql.query(`update account set password_hash = $2 where id = $1`, [id, passwordHash]);
    },
  };
}

function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    email: row.email,
    passwordHash: row.password_hash,
    role: row.role,
    displayName: row.display_name,
    fhirUser: row.fhir_user,
    disabled: row.disabled,
  };
}

/** Sign-in tries in PostgreSQL. Keys are stored as hashes: what people type into the address field may be anything. */
export function postgresAttempts(sql: Sql): AttemptStore {
  const hashed = (key: string) => createHash('sha256').update(key).digest('base64url');
  return {
    async begin(keys) {
      // Sorted, so that two tries that share keys lock the rows in one order.
      const rows = keys.map((key) => ({ ...key, key: hashed(key.key) })).sort((a, b) => (a.key < b.key ? -1 : 1));
      const counted = await sql.query<{ failures: number; seconds: number; limit: number }>(
        `with counted as (
           insert into sign_in_attempt as attempt (key, failures, until)
           select key, 1, now() + make_interval(secs => window_s)
             from jsonb_to_recordset($1::jsonb) as wanted(key text, window_s integer)
           on conflict (key) do update set
             failures = case when attempt.until <= now() then 1 else attempt.failures + 1 end,
             until = case when attempt.until <= now() then excluded.until else attempt.until end
           returning key, failures, until)
         select failures, ceil(extract(epoch from until - now()))::integer as seconds, "limit"
           from counted join jsonb_to_recordset($1::jsonb) as wanted(key text, "limit" integer) using (key)`,
        [JSON.stringify(rows.map(({ key, limit, window }) => ({ key, limit, window_s: window })))],
      );
      const over = counted.filter((row) => row.failures > row.limit).map((row) => Math.max(row.seconds, 1));
      return over.length > 0 ? Math.max(...over) : 0;
    },
    async succeed({ forget, giveBack }) {
      await sql.query(`delete from sign_in_attempt where key = any ($1)`, [forget.map(hashed)]);
      await sql.query(`update sign_in_attempt set failures = greatest(failures - 1, 0) where key = any ($1)`, [
        giveBack.map(hashed),
      ]);
    },
  };
}
