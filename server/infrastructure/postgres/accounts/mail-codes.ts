import type { FactorStore } from '../../../core/accounts/factors/factor-store.ts';
import type { Sql } from '../connection.ts';

/** Codes by mail: whether somebody wants them, how many were sent, and the one that can be typed in. */
export function mailCodes(
  sql: Sql,
): Pick<FactorStore, 'mail' | 'setMail' | 'countMail' | 'putMailCode' | 'tryMailCode' | 'takeMailCode'> {
  return {
    async mail(accountId) {
      const [row] = await sql.query<{ mail_factor: boolean }>(`select mail_factor from account where id = $1`, [
        accountId,
      ]);
      return row?.mail_factor === true;
    },
    async setMail(accountId, on) {
      await sql.query(`update account set mail_factor = $2 where id = $1`, [accountId, on]);
    },
    async countMail(accountId, { apartSeconds, hourly }) {
      await sql.query(`insert into mail_code (account_id) values ($1) on conflict do nothing`, [accountId]);
      // Under the row's lock, with the clock as it is after the wait for it: of two at once one is sent.
      await sql.query(`select from mail_code where account_id = $1 for update`, [accountId]);
      const [row] = await sql.query<{ wait: number }>(
        `with sent as (
           select array(select at from unnest(sent_at) as at where at > clock_timestamp() - interval '1 hour' order by at desc) as times
             from mail_code where account_id = $1
         ), owed as (
           select times, greatest(
             extract(epoch from times[1] + make_interval(secs => $2) - clock_timestamp()),
             extract(epoch from times[$3] + interval '1 hour' - clock_timestamp()), 0) as wait from sent
         ), counted as (
           update mail_code set sent_at = clock_timestamp() || times from owed where account_id = $1 and wait = 0
         )
         select ceil(wait)::integer as wait from owed`,
        [accountId, apartSeconds, hourly],
      );
      return row!.wait;
    },
    async putMailCode(accountId, { askedIn, digest, seconds }) {
      await sql.query(
        `update mail_code set asked_in = $2, digest = $3, tries = 0, expires_at = now() + make_interval(secs => $4)
          where account_id = $1`,
        [accountId, askedIn, digest, seconds],
      );
    },
    async tryMailCode(accountId, askedIn, mostTries) {
      const [row] = await sql.query<{ digest: string; tries: number }>(
        `update mail_code set tries = tries + 1
          where account_id = $1 and asked_in = $2 and digest is not null and expires_at > now() and tries < $3
         returning digest, tries`,
        [accountId, askedIn, mostTries],
      );
      return row;
    },
    async takeMailCode(accountId, digest) {
      const rows = await sql.query(
        `update mail_code set digest = null where account_id = $1 and digest = $2 returning account_id`,
        [accountId, digest],
      );
      return rows.length > 0;
    },
  };
}
