import type { AddressStore } from '../../core/deliveries/address-store.ts';
import type { Sql } from './connection.ts';

/** Confirmed addresses in PostgreSQL, without regard to case, beside those of accounts. */
export function postgresConfirmedAddresses(sql: Sql): AddressStore {
  return {
    async confirm(address, person) {
      await sql.query(`insert into confirmed_address (address, person) values (lower($1), $2) on conflict do nothing`, [
        address,
        person,
      ]);
    },
    async isConfirmed(address, person) {
      const found = await sql.query(
        `select from confirmed_address where address = lower($1) and person = $2
         union all
         select from account
          where lower(email) = lower($1) and fhir_user = $2 and verified_at is not null and not disabled
         limit 1`,
        [address, person],
      );
      return found.length > 0;
    },
    async ofAccount(person) {
      const [account] = await sql.query<{ email: string }>(
        `select email from account where fhir_user = $1 and verified_at is not null and not disabled order by created_at limit 1`,
        [person],
      );
      return account?.email;
    },
  };
}
