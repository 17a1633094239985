import type { Factor, FactorStore } from '../../../core/accounts/factors/factor-store.ts';
import { Problem } from '../../../core/problem.ts';
import type { Sql } from '../connection.ts';
import { codeOf, sqlState } from '../database-problem.ts';
import { mailCodes } from './mail-codes.ts';

interface FactorRow {
  id: string;
  account_id: string;
  kind: Factor['kind'];
  name: string;
  secret: string | null;
  credential: string | null;
  public_key: string | null;
  transports: string[];
  counter: string;
  created_at: Date;
  last_used_at: Date | null;
}

/** Second factors in PostgreSQL; times are the database's. */
export function postgresFactors(sql: Sql): FactorStore {
  return { ...kept(sql), ...recoveryCodes(sql), ...mailCodes(sql) };
}

function kept(
  sql: Sql,
): Pick<FactorStore, 'lock' | 'of' | 'unconfirmed' | 'insert' | 'confirm' | 'remove' | 'removeAll' | 'use'> {
  return {
    async lock(accountId) {
      await sql.query(`select from account where id = $1 for update`, [accountId]);
    },
    async of(accountId) {
      const rows = await sql.query<FactorRow>(
        `select * from second_factor where account_id = $1 and confirmed_at is not null order by created_at, id`,
        [accountId],
      );
      return rows.map(toFactor);
    },
    async unconfirmed(accountId, id) {
      if (id.includes('\0')) return undefined;
      const [row] = await sql.query<FactorRow>(
        `select * from second_factor
          where account_id = $1 and id = $2 and confirmed_at is null and created_at > now() - interval '1 hour'`,
        [accountId, id],
      );
      return row && toFactor(row);
    },
    async insert(factor, { confirmed }) {
      const passkey = factor.kind === 'passkey' ? factor : undefined;
      // What was begun and never shown to work goes with the next beginning.
      await sql.query(`delete from second_factor where account_id = $1 and confirmed_at is null`, [factor.accountId]);
      try {
        await sql.query(
          `insert into second_factor (id, account_id, kind, name, secret, credential, public_key, transports, counter, confirmed_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 then now() end)`,
          [
            factor.id,
            factor.accountId,
            factor.kind,
            factor.name,
            factor.kind === 'totp' ? factor.secret : null,
            passkey?.credential ?? null,
            passkey?.publicKey ?? null,
            passkey?.transports ?? [],
            passkey?.counter ?? 0,
            confirmed,
          ],
        );
      } catch (error) {
        if (codeOf(error) === sqlState.uniqueViolation)
          throw new Problem('duplicate', 'This passkey belongs to an account already.');
        throw error;
      }
    },
    async confirm(id) {
      await sql.query(`update second_factor set confirmed_at = now() where id = $1 and confirmed_at is null`, [id]);
    },
    async remove(accountId, id) {
      if (id.includes('\0')) return false;
      const rows = await sql.query(`delete from second_factor where account_id = $1 and id = $2 returning id`, [
        accountId,
        id,
      ]);
      return rows.length > 0;
    },
    async removeAll(accountId) {
      await sql.query(
        `with factors as (delete from second_factor where account_id = $1),
              codes as (delete from recovery_code where account_id = $1),
              mailed as (update mail_code set digest = null where account_id = $1)
         update account set mail_factor = false where id = $1`,
        [accountId],
      );
    },
    async use(id, counter) {
      // Passkeys that keep no counter say 0 each time (WebAuthn 6.1.1).
      const rows = await sql.query(
        `update second_factor set counter = $2, last_used_at = now()
          where id = $1 and (counter < $2 or (kind = 'passkey' and counter = 0 and $2 = 0)) returning id`,
        [id, counter],
      );
      return rows.length > 0;
    },
  };
}

function recoveryCodes(sql: Sql): Pick<FactorStore, 'recoveryCodesLeft' | 'replaceRecoveryCodes' | 'takeRecoveryCode'> {
  return {
    async recoveryCodesLeft(accountId) {
      const [row] = await sql.query<{ left: number }>(
        `select count(*)::integer as left from recovery_code where account_id = $1`,
        [accountId],
      );
      return row!.left;
    },
    async replaceRecoveryCodes(accountId, digests) {
      await sql.query(`delete from recovery_code where account_id = $1`, [accountId]);
      await sql.query(`insert into recovery_code (account_id, digest) select $1, unnest($2::text[])`, [
        accountId,
        digests,
      ]);
    },
    async takeRecoveryCode(accountId, digest) {
      const rows = await sql.query(`delete from recovery_code where account_id = $1 and digest = $2 returning digest`, [
        accountId,
        digest,
      ]);
      return rows.length > 0;
    },
  };
}

function toFactor(row: FactorRow): Factor {
  const both = {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    createdAt: row.created_at,
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
  };
  if (row.kind === 'totp') return { ...both, kind: 'totp', secret: row.secret! };
  return {
    ...both,
    kind: 'passkey',
    credential: row.credential!,
    publicKey: row.public_key!,
    transports: row.transports,
    counter: Number(row.counter),
  };
}
