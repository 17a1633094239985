import type { Account, AccountStore } from '../../../core/accounts/account-store.ts';
import { Problem } from '../../../core/problem.ts';
import type { Sql } from '../connection.ts';
import { codeOf, sqlState } from '../database-problem.ts';

export interface AccountRow {
  id: string;
  email: string;
  password_hash: string | null;
  role: Account['role'];
  display_name: string;
  fhir_user: string;
  disabled: boolean;
  verified_at: Date | null;
  last_sign_in_at: Date | null;
  language: string | null;
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
    async activeWithRole(role) {
      const rows = await sql.query<AccountRow>(
        `select * from account where role = $1 and not disabled and password_hash is not null order by id limit 50`,
        [role],
      );
      return rows.map(toAccount);
    },
    async isSomebody(fhirUser) {
      return (await sql.query(`select from account where fhir_user = $1 limit 1`, [fhirUser])).length > 0;
    },
    async insert(account) {
      try {
        await sql.query(
          `insert into account (id, email, password_hash, role, display_name, fhir_user, disabled, verified_at, language)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
          [
            account.id,
            account.email,
            account.passwordHash,
            account.role,
            account.displayName,
            account.fhirUser,
            account.disabled,
            account.verifiedAt ?? null,
            account.language ?? null,
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
    async moveTo(fhirUser, to, only) {
      const moved = await sql.query<{ id: string }>(
        `update account set fhir_user = $2 where fhir_user = $1 and ($3::text[] is null or id = any($3)) returning id`,
        [fhirUser, to, only ?? null],
      );
      return moved.map(({ id }) => id).sort();
    },
    async setPasswordHash(id, passwordHash) {
      await sql.query(`update account set password_hash = $2, password_changed_at = now() where id = $1`, [
        id,
        passwordHash,
      ]);
    },
    async signedIn(id) {
      await sql.query(`update account set last_sign_in_at = now() where id = $1`, [id]);
    },
    async verified(id) {
      await sql.query(`update account set verified_at = now() where id = $1 and verified_at is null`, [id]);
    },
  };
}

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    email: row.email,
    passwordHash: row.password_hash,
    role: row.role,
    displayName: row.display_name,
    fhirUser: row.fhir_user,
    disabled: row.disabled,
    ...(row.verified_at !== null && { verifiedAt: row.verified_at }),
    ...(row.last_sign_in_at !== null && { lastSignInAt: row.last_sign_in_at }),
    ...(row.language !== null && { language: row.language }),
  };
}
